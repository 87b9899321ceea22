"""Tickets: a talk of some turns, and the JSON record of it with the keys and labels that somebody wished for.

Most often a schema says which keys there are, and the record is filled in as a form: there the summary is what the
customer said first, for a text of a form stands in the conversation.
"""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from training.chat import Conversation, Turn, dumps
from training.guises import Tool, dress, native, tools
from training.records import record
from training.service import roughen
from training.templates.spin import SLOT, fill, spin
from training.templates.values import Values

FOLDER = Path(__file__).parent / "templates"
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
    """Read every `tickets*.txt`: the lines of each intent and of `common`, by their mark."""
    found: dict[str, dict[str, list[str]]] = {}
    name = ""
    texts = (path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("tickets*.txt")))
    for line in "\n".join(texts).splitlines():
        if line.startswith("= "):
            name = line[2:]
        elif line and not line.startswith("#"):
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
        opening, summary = spin(rng.choice(block[language]), rng), block["sum." + language][0]
        if "<product>" not in opening:
            return Matter(name, opening, summary if "<product>" not in summary else opening, {})
        entities = {rng.choice(_keys("product")): "product"} if rng.random() < 0.8 else {}
        return Matter(name, opening, summary, entities)
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
        return rng.choice([it for line in blocks()[source]["label." + language] for it in line.split("|")])
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


def _talk(opening: str, details: list[str], level: int, values: Values) -> list[Turn]:
    """Return what customer and service say: the *opening* first, then the details and how urgent it is."""
    rng, language = values.rng, values.language
    parts = [_said(slot, values) for slot in details]
    if level != 1:
        parts.insert(rng.randint(0, len(parts)), _said("low" if level == 0 else "high", values))
    turns = [[opening]]
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


@dataclass(frozen=True)
class Ticket:
    """A ticket. wished: how each key is wished for. choices: what some of the keys may be. summary: the key of it."""

    found: dict[str, Any]
    wished: list[str]
    choices: dict[str, list[str]]
    summary: str | None


def _ticket(matter: Matter, details: list[str], level: int, values: Values) -> Ticket:
    """Return the ticket for *matter*."""
    rng, language = values.rng, values.language
    labels, scale = _labels(rng, language, matter.source), rng.choice(SCALES if language == "zh" else SCALES[:-2])
    listed = [*({rng.choice(_keys(slot)): slot for slot in details} | matter.entities).items()]
    entities = dict(rng.sample(listed, len(listed)))
    tongues = ["en", "zh", *rng.sample(("de", "fr", "es", "ja", "ko", "other"), rng.choice((0, 0, 1, 3)))]
    found: dict[str, Any] = {
        "intent": labels[0],
        "priority": scale[level],
        "language": language,
        "summary": fill(matter.summary, values),
        "entities": {key: _exact(values(slot), slot) for key, slot in entities.items()},
    }
    choices = {"intent": rng.sample(labels, len(labels)), "priority": [*scale], "language": tongues}
    wishes = {key: _among(choices[key], rng) for key in choices} | {"summary": ""}
    wishes["entities"] = _among([*entities], rng, mixed=False)
    kept = ["intent", *rng.sample(["priority", "summary", "language"], rng.choices((1, 2, 3), (1, 2, 3))[0])]
    kept += ["entities"] if entities and rng.random() < 0.75 else []
    if rng.random() < 0.4:
        rng.shuffle(kept)
    names = {key: KEYS[key][0] if rng.random() < 0.5 else rng.choice(KEYS[key]) for key in kept}
    ticket = {names[key]: found[key] for key in kept}
    wished = [names[key] + wishes[key] for key in kept]
    if "entities" not in kept and rng.random() < 0.7:  # flat: the values beside the rest
        rest = {key: value for key, value in found["entities"].items() if key not in names.values()}
        ticket, wished = ticket | rest, [*wished, *rest]
    shown = {names[key]: options for key, options in choices.items() if key in names}
    return Ticket(ticket, wished, shown, names.get("summary"))


def _exact(text: str, slot: str) -> str | float:
    """Return *text* as JSON has it: an amount is a number."""
    return text if slot != "amount" else float(text) if "." in text else int(text)


def _among(options: list[str], rng: random.Random, *, mixed: bool = True) -> str:
    """Return the remark that lists *options*, *mixed* or as they come."""
    options = rng.sample(options, len(options)) if mixed else options
    return rng.choice((" ({})", "（{}）", ": {}", " ({})", " [{}]")).format(rng.choice((", ", "|", "/")).join(options))


def _quoted(text: str, most: int = 120) -> str:
    """Return *text*, as much of it as a summary of *most* characters may quote."""
    if len(text) <= most:
        return text
    return text[:most] if not text.isascii() else text[: most + 1].rsplit(" ", 1)[0]


def ticket(rng: random.Random, language: str) -> Conversation:
    """Return a talk and the ticket for it."""
    values = Values(rng, language)
    matter = _matter(rng, values)
    chosen = rng.sample(DETAILS, rng.choices((0, 1, 2, 3), (1, 3, 4, 2))[0])
    level = rng.choice((0, 1, 1, 2))
    opening = fill(roughen(matter.opening, rng, language), values)
    talk = _talk(opening, chosen, level, values)
    made = _ticket(matter, chosen, level, values)
    wish = spin(rng.choice(blocks()["common"]["wish." + language]), rng)
    wish = wish.replace("<keys>", ("、" if language == "zh" else ", ").join(made.wished))
    share = rng.random()
    if share < 0.75:
        told = rng.choices(((), (Turn("system", rng.choice(PLAIN[language])),), (Turn("system", wish),)), (2, 3, 5))[0]
        quoted = {made.summary: _quoted(opening)} if made.summary else {}
        absent = [rng.choice(_keys(slot)) for slot in DETAILS if slot not in chosen]
        without = rng.sample(absent, rng.choice((0, 0, 0, 1, 2)))
        return record((*told, *talk), made.found | quoted, rng, made.choices, without)
    reply = Turn("assistant", dumps(made.found), forced=rng.random() < 0.5)
    if share < 0.9:
        return Conversation((Turn("system", wish), *talk, reply))
    if share < 0.95:
        last = Turn("user", talk[-1].text + rng.choice(("\n", "\n\n", " ")) + wish)
        return Conversation((*talk[:-1], last, reply))
    closing = Turn("assistant", _said("more", values), heard=True)
    return Conversation((*talk, closing, Turn("user", wish), reply))
