"""What functions answer, and the sentences that read it out: every value as it stands, and nothing else."""

import json
import random
from typing import Any

from training.chat import dumps
from training.guises import Tool
from training.invented import KINDS, NOUNS, NUMERIC
from training.templates.spin import SLOT, fill
from training.templates.values import Values, word

STATES = ("ok", "done", "success", "open", "ready", "pending", "booked", "active", "closed", "sent", "in progress")
ERRORS = ("not found", "no such number", "timeout", "service unavailable", "invalid date", "permission denied",
          "out of stock", "already cancelled", "unknown customer", "system busy")  # fmt: skip
SORRY = {
    "en": ("I am sorry, that did not work: {}.", "Sorry, there was an error: {}.", "Unfortunately that failed: {}.",
           "I am sorry, the answer was an error: {}."),
    "zh": ("抱歉，没有成功：{}。", "很抱歉，出错了：{}。", "对不起，操作失败：{}。", "抱歉，系统返回错误：{}。"),
}  # fmt: skip
HEADS = {
    "en": (*[""] * 12, "Here is the result: ", "Done. ", "I have checked: "),
    "zh": (*[""] * 12, "结果如下：", "已完成。", "查到了："),
}


def _pairs(value: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return the keys and values of *value* in order; those within an object carry its name before them."""
    found: list[tuple[str, str]] = []
    for key, held in value.items():
        if isinstance(held, dict):
            found += _pairs(held, f"{prefix}{key} ")
        elif isinstance(held, list) and isinstance(held[0], dict):
            found += [pair for it in held for pair in _pairs(it, f"{prefix}{key} ")]
        elif isinstance(held, list):
            found.append((prefix + key, "\n".join(str(it) for it in held)))
        else:
            found.append((prefix + key, held if isinstance(held, str) else dumps(held)))
    return found


def read_out(value: dict[str, Any], rng: random.Random, language: str) -> str:
    """Return a sentence with every pair of *value*."""
    head = rng.choice(HEADS[language])
    if language == "zh":
        form = rng.choice(["{} 为 {}"] * 5 + ["{}是{}", "{}：{}"])
        return head + "，".join(form.format(key, held.replace("\n", "、")) for key, held in _pairs(value)) + "。"
    form = rng.choice(["the {} {} {}"] * 6 + ["{} {} {}"])
    said = [
        form.format(key.replace("_", " "), "are" if "\n" in held else "is", " and ".join(held.rsplit("\n", 1)))
        for key, held in _pairs(value)
    ]
    joined = ", ".join(said[:-1]) + rng.choice([", and ", " and "]) + said[-1] if len(said) > 1 else said[0]
    joined = joined.replace("\n", ", ") + "."
    return head + (joined if head.endswith(": ") else joined[:1].upper() + joined[1:])


def _value(values: Values, slot: str) -> str | float:
    """Return a new value of *slot* as JSON has it."""
    text = values.fresh(slot)
    kind = NUMERIC.get(slot)
    return text if not kind else float(text) if "." in text else int(text)


def _made(values: Values) -> dict[str, Any]:
    """Return a result with made-up keys: plain, with a list, or with an object inside."""
    rng = values.rng
    pairs: dict[str, Any] = {}
    for slot, key in rng.sample(KINDS, rng.choices((1, 2, 3, 4), (3, 4, 3, 1))[0]):
        usual = rng.choice([key, key, f"{rng.choice(NOUNS)}_{key}", word(rng).lower()])
        pairs[usual] = _value(values, slot)
    if rng.random() < 0.12:
        slot = rng.choice(("product", "word", "city", "time"))
        pairs[rng.choice(NOUNS) + "s"] = [values.fresh(slot) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.3:
        pairs = {"status": rng.choice(STATES), **pairs}
    if rng.random() < 0.12:
        pairs = {rng.choice(["result", "data", rng.choice(NOUNS)]): pairs}
    return pairs


def result(tool: Tool, values: Values, request: str) -> tuple[str, str]:
    """Return what the function answers, and a sentence that says only what was asked or answered."""
    rng, language = values.rng, values.language
    if rng.random() < 0.05:
        why = rng.choice(ERRORS)
        return dumps({"error": why}), rng.choice(SORRY[language]).format(why)
    if tool.of("result") and rng.random() < 0.75:
        text = fill(rng.choice(tool.of("result")), values)
        said = rng.choice(tool.of(language + "!"))
        known = all(slot in values.kept and values(slot) in request + text for slot in SLOT.findall(said))
        if known and rng.random() < 0.5:
            return text, fill(said, values)
        return text, read_out(json.loads(text), rng, language)
    made = _made(values)
    return dumps(made), read_out(made, rng, language)
