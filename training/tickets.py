"""Tickets: a talk of some turns, and the JSON record of it with the keys and labels that somebody wished for.

Half of the time nothing but a schema, which the model does not see, says which keys there are: then the opening
brace is not learnt, and the keys are the usual ones.
"""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from training.chat import Conversation, Turn, dumps
from training.guises import Tool, dress, native, tools
from training.service import roughen
from training.templates.spin import SLOT, fill, spin
from training.templates.values import Values

SCALES = (
    ("low", "normal", "high"),
    ("low", "normal", "high"),
    ("low", "normal", "high"),
    ("low", "medium", "high"),
    ("P3", "P2", "P1"),
    ("minor", "standard", "urgent"),
    ("低", "中", "高"),
    ("不紧急", "普通", "紧急"),
)
KEYS = {
    "intent": ("intent", "intent", "intent", "category", "topic", "label", "type", "reason"),
    "priority": ("priority", "priority", "priority", "urgency", "level", "severity"),
    "language": ("language", "language", "lang"),
    "summary": ("summary", "summary", "summary", "subject", "title", "short_text"),
    "entities": ("entities", "entities", "entities", "details", "data", "fields"),
}
DETAILS = ("person", "order", "city", "date", "amount", "phone", "mail")
STOP = {"en": ".", "zh": "。"}
WANTS = {"en": "The customer wants to {}.", "zh": "客户想{}。"}
PLAIN = {
    "en": (
        "You are a ticket system.",
        "You read customer messages and fill in tickets.",
        "Create a ticket from the conversation.",
        "Answer in JSON.",
        "You are a customer service assistant.",
    ),
    "zh": ("你是工单系统。", "你负责把对话整理成工单。", "根据对话生成工单。", "请用JSON回答。", "你是客服助手。"),
}


@cache
def blocks() -> dict[str, dict[str, list[str]]]:
    """Read `tickets.txt`: the lines of each intent and of `common`, by their mark."""
    found: dict[str, dict[str, list[str]]] = {}
    name = ""
    for line in (Path(__file__).parent / "templates" / "tickets.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            name = line[2:]
        elif not line.startswith("#"):
            mark, text = line.split(": ", 1)
            found.setdefault(name, {}).setdefault(mark, []).append(text)
    return found


@dataclass(frozen=True)
class Matter:
    """What a ticket is about. source: the block of `tickets.txt`, or a function that the customer could do with.

    entities: the keys of what the opening holds, and the slot of each.
    """

    source: str | Tool
    opening: str
    summary: str
    entities: dict[str, str]


def _matter(rng: random.Random, values: Values) -> Matter:
    """Return one of the matters of `tickets.txt`, or a request for a function: there are ten times as many of these."""
    language = values.language
    if rng.random() < 0.5:
        name = rng.choice([it for it in blocks() if it != "common"])
        block = blocks()[name]
        entities = {rng.choice(_keys("product")): "product"} if rng.random() < 0.8 else {}
        return Matter(name, spin(rng.choice(block[language]), rng), block["sum." + language][0], entities)
    tool = rng.choice([it for it in tools() if it.of(language) and native(it.about, language)])
    line, names = spin(rng.choice(tool.of(language)), rng), dress(tool, rng, language).names
    entities = {names[slot]: slot for slot in dict.fromkeys(SLOT.findall(line)) if slot in names}
    about = native(tool.about, language)[0]
    return Matter(tool, line, WANTS[language].format(about[:1].lower() + about[1:]), entities)


def _keys(slot: str) -> list[str]:
    """Return the usual keys of *slot*."""
    return blocks()["common"]["name." + slot][0].split("|")


def _label(source: str | Tool, rng: random.Random, language: str) -> str:
    """Return a label for *source*."""
    if isinstance(source, str):
        return rng.choice(blocks()[source]["label." + language][0].split("|"))
    return rng.choice((language == "zh" and native(source.about, language)) or source.names)


def _labels(rng: random.Random, language: str, source: str | Tool) -> list[str]:
    """Return the labels to choose from, in any order but that of *source* first."""
    if language == "zh" and rng.random() < 0.4:
        language = "en"
    every = [it for it in blocks() if it != "common"] if rng.random() < 0.6 else [*tools()]
    others = rng.sample([other for other in every if other is not source], rng.randint(3, 8))
    return [*dict.fromkeys(_label(it, rng, language) for it in (source, *others))]


def _said(mark: str, values: Values) -> str:
    """Return a sentence marked *mark*, filled."""
    text = spin(values.rng.choice(blocks()["common"][f"{mark}.{values.language}"]), values.rng)
    return fill(text if text.endswith(tuple(".!?。！？")) else text + STOP[values.language], values)


def _talk(matter: Matter, details: list[str], level: int, values: Values) -> list[Turn]:
    """Return what customer and service say: the matter first, then the details and how urgent it is."""
    rng, language = values.rng, values.language
    parts = [_said(slot, values) for slot in details]
    if level != 1:
        parts.insert(rng.randint(0, len(parts)), _said("low" if level == 0 else "high", values))
    turns = [[fill(roughen(matter.opening, rng, language), values)]]
    for part in parts:
        if len(turns) < 3 and rng.random() < 0.5:
            turns.append([part])
        else:
            turns[-1].append(part)
    blank = " " if language == "en" else ""
    told: list[Turn] = []
    for number, texts in enumerate(turns):
        if number:
            told.append(Turn("assistant", _said("ask" if number == 1 else "more", values), heard=True))
        told.append(Turn("user", blank.join(texts)))
    return told


def _record(matter: Matter, details: list[str], level: int, values: Values) -> tuple[dict[str, Any], list[str]]:
    """Return the ticket, and how each of its keys is wished for."""
    rng, language = values.rng, values.language
    labels, scale = _labels(rng, language, matter.source), rng.choice(SCALES if language == "zh" else SCALES[:-2])
    listed = [*({rng.choice(_keys(slot)): slot for slot in details} | matter.entities).items()]
    entities = dict(rng.sample(listed, len(listed)))
    found: dict[str, Any] = {
        "intent": labels[0],
        "priority": scale[level],
        "language": language,
        "summary": fill(matter.summary, values),
        "entities": {key: _exact(values(slot), slot) for key, slot in entities.items()},
    }
    wishes = {
        "intent": _among(labels, rng),
        "priority": _among([*scale], rng),
        "language": _among(["en", "zh"], rng),
        "summary": "",
        "entities": _among([*entities], rng, mixed=False),
    }
    kept = ["intent", *rng.sample(["priority", "summary", "language"], rng.choices((1, 2, 3), (1, 2, 3))[0])]
    kept += ["entities"] if entities and rng.random() < 0.75 else []
    if rng.random() < 0.4:
        rng.shuffle(kept)
    names = {key: KEYS[key][0] if rng.random() < 0.5 else rng.choice(KEYS[key]) for key in kept}
    if "entities" not in kept and rng.random() < 0.7:  # flat: the values beside the rest
        rest = {key: value for key, value in found["entities"].items() if key not in names.values()}
        return {**{names[key]: found[key] for key in kept}, **rest}, [*(names[k] + wishes[k] for k in kept), *rest]
    return {names[key]: found[key] for key in kept}, [names[key] + wishes[key] for key in kept]


def _exact(text: str, slot: str) -> str | float:
    """Return *text* as JSON has it: an amount is a number."""
    return text if slot != "amount" else float(text) if "." in text else int(text)


def _among(options: list[str], rng: random.Random, *, mixed: bool = True) -> str:
    """Return the remark that lists *options*, *mixed* or as they come."""
    options = rng.sample(options, len(options)) if mixed else options
    return rng.choice((" ({})", "（{}）", ": {}", " ({})", " [{}]")).format(rng.choice((", ", "|", "/")).join(options))


def ticket(rng: random.Random, language: str) -> Conversation:
    """Return a talk and the ticket for it."""
    values = Values(rng, language)
    matter = _matter(rng, values)
    chosen = rng.sample(DETAILS, rng.choices((0, 1, 2, 3), (1, 3, 4, 2))[0])
    level = rng.choice((0, 1, 1, 2))
    talk = _talk(matter, chosen, level, values)
    record, wished = _record(matter, chosen, level, values)
    forced = rng.random() < 0.5
    reply = Turn("assistant", dumps(record), forced=forced, keyed=forced)
    wish = spin(rng.choice(blocks()["common"]["wish." + language]), rng)
    wish = wish.replace("<keys>", ("、" if language == "zh" else ", ").join(wished))
    share = rng.random()
    if forced and share < 0.1:
        return Conversation((Turn("system", rng.choice(PLAIN[language])), *talk, reply))
    if share < 0.8:
        return Conversation((Turn("system", wish), *talk, reply))
    if share < 0.9:
        last = Turn("user", talk[-1].text + rng.choice(("\n", "\n\n", " ")) + wish)
        return Conversation((*talk[:-1], last, reply))
    closing = Turn("assistant", _said("more", values), heard=True)
    return Conversation((*talk, closing, Turn("user", wish), reply))
