"""What functions answer, and the sentences that read it out: every value as it stands, and nothing else."""

import json
from typing import Any

from training.chat import dumps
from training.guises import Tool
from training.invented import KINDS, NOUNS, NUMERIC
from training.templates.spin import fill
from training.templates.values import Values, word

STATES = ("ok", "done", "success", "open", "ready", "pending", "booked", "active", "closed", "sent", "in progress")
ERRORS = ("not found", "no such number", "timeout", "service unavailable", "invalid date", "permission denied",
          "out of stock", "already cancelled", "unknown customer", "system busy")  # fmt: skip
SORRY = {"en": "I am sorry, that did not work: {}.", "zh": "抱歉，没有成功：{}。"}


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


def read_out(value: dict[str, Any], language: str) -> str:
    """Return a sentence with every pair of *value*, in order; the Chinese has a head, for keys are English."""
    if language == "zh":
        listed = "，".join(f"{key} 为 {held}".replace("\n", "、") for key, held in _pairs(value))
        return f"处理结果如下：{listed}。"
    said = [
        f"the {key.replace('_', ' ')} {'are' if chr(10) in held else 'is'} {' and '.join(held.rsplit(chr(10), 1))}"
        for key, held in _pairs(value)
    ]
    joined = ", ".join(said[:-1]) + (", and " if len(said) > 2 else " and ") + said[-1] if len(said) > 1 else said[0]
    joined = joined.replace("\n", ", ") + "."
    return joined[:1].upper() + joined[1:]


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


def result(tool: Tool, values: Values) -> tuple[str, str]:
    """Return what the function answers, and the sentence that reads it out."""
    rng, language = values.rng, values.language
    if rng.random() < 0.05:
        why = rng.choice(ERRORS)
        return dumps({"error": why}), SORRY[language].format(why)
    if tool.of("result") and rng.random() < 0.75:
        text = fill(rng.choice(tool.of("result")), values)
        return text, read_out(json.loads(text), language)
    made = _made(values)
    return dumps(made), read_out(made, language)
