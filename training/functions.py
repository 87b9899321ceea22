"""Conversations with functions: known ones in many disguises, and ones invented on the spot.

What is to be learnt is to read: which function fits, which words of the request belong to which argument,
what the result says, and that nothing is called when nothing fits.
"""

import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from training.chat import Conversation, Turn, dumps
from training.service import outside_pair, pair, roughen, system, topics
from training.templates.spin import SLOT, fill, spin
from training.templates.values import Values, word

PATH = Path(__file__).parent / "templates" / "tools.txt"
AGAIN = {
    "en": ("and {}?", "what about {}?", "how about {}?", "now {} please", "the same for {}"),
    "zh": ("{}呢？", "那{}呢？", "换成{}", "再查一下{}"),
}


@dataclass(frozen=True)
class Parameter:
    """One argument of a function."""

    slot: str
    names: tuple[str, ...]
    kind: str
    about: tuple[str, ...]
    optional: bool = False


@dataclass
class Tool:
    """One function of `tools.txt`."""

    names: list[str] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def of(self, key: str) -> list[str]:
        """Return the lines marked *key*, such as `en!`."""
        return self.lines.get(key, [])


def _parameter(text: str) -> Parameter:
    """Read a `p` line."""
    slot, rest = text.split(":", 1)
    names, kind, about = rest.split(";")
    return Parameter(
        slot.rstrip("?"),
        tuple(names.strip().split("|")),
        kind.strip(),
        tuple(about.strip().split("|")),
        slot.endswith("?"),
    )


@cache
def tools() -> tuple[Tool, ...]:
    """Read `tools.txt`."""
    found: list[Tool] = []
    for line in PATH.read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            found.append(Tool())
        elif line.startswith("p "):
            found[-1].parameters.append(_parameter(line[2:]))
        elif line.startswith(("name: ", "about: ")):
            key, values = line.split(": ", 1)
            (found[-1].names if key == "name" else found[-1].about).extend(values.split("|"))
        elif not line.startswith("#"):
            key, text = (line[:3], line[4:]) if line[2] in "!~^" else line.split(": ", 1)
            found[-1].lines.setdefault(key, []).append(text)
    return tuple(found)


@dataclass(frozen=True)
class Guise:
    """A function as one caller happens to declare it: the schema, and which name each slot got."""

    schema: dict[str, Any]
    names: dict[str, str]
    kinds: dict[str, str]

    def call(self, values: dict[str, str]) -> dict[str, Any]:
        """Return the call that passes *values*, in the order of the schema."""
        given = {name: _typed(values[slot], self.kinds[slot]) for slot, name in self.names.items() if slot in values}
        return {"name": self.schema["name"], "arguments": given}


def _typed(text: str, kind: str) -> str | float:
    """Return *text* as the JSON value of *kind*."""
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text) if "." in text else int(text)
    return text


def _property(parameter: Parameter, rng: random.Random) -> dict[str, Any]:
    """Declare *parameter*."""
    kind, _, options = parameter.kind.partition(":")
    declared: dict[str, Any] = {"type": "string" if kind == "enum" else kind}
    if options:
        declared["enum"] = options.split("|")
    if rng.random() < 0.12:
        declared["description"] = rng.choice(parameter.about)
    return declared


def dress(tool: Tool, rng: random.Random) -> Guise:
    """Return *tool* under one of its names, with some of its optional arguments."""
    chosen = [p for p in tool.parameters if not p.optional or rng.random() < 0.7]
    names: dict[str, str] = {}
    for parameter in chosen:
        free = [name for name in parameter.names if name not in names.values()]
        names[parameter.slot] = rng.choice(free or [parameter.slot])
    properties = {names[p.slot]: _property(p, rng) for p in chosen}
    required = [names[p.slot] for p in chosen if not p.optional]
    schema: dict[str, Any] = {"name": rng.choice(tool.names)}
    if rng.random() < 0.5:
        schema["description"] = rng.choice(tool.about)
    schema["parameters"] = {"type": "object", "properties": properties}
    if rng.random() < 0.7:
        schema["parameters"]["required"] = required
    if rng.random() < 0.1:
        schema["parameters"]["additionalProperties"] = False
    return Guise(schema, names, {p.slot: p.kind for p in chosen})


NOUNS = [
    "parcel",
    "meeting",
    "room",
    "device",
    "song",
    "file",
    "report",
    "user",
    "note",
    "car",
    "bike",
    "plan",
    "card",
    "game",
    "door",
    "camera",
    "project",
    "sensor",
    "lamp",
    "ticket",
    "badge",
    "printer",
]
VERBS = [
    "create",
    "find",
    "update",
    "delete",
    "start",
    "stop",
    "check",
    "send",
    "assign",
    "book",
    "open",
    "close",
    "list",
    "rename",
    "move",
]
KINDS = (
    ("city", "city"),
    ("person", "name"),
    ("date", "date"),
    ("order", "id"),
    ("count", "count"),
    ("amount", "price"),
    ("mail", "email"),
    ("color", "color"),
    ("word", "title"),
    ("time", "time"),
    ("product", "item"),
    ("task", "text"),
)
SAFE = [
    "greet",
    "who",
    "ability",
    "thanks",
    "bye",
    "ok",
    "return",
    "return_cost",
    "password",
    "login",
    "hours",
    "coupon",
    "payment",
    "warranty",
    "deploy",
    "docker",
    "parley",
    "account",
    "gift",
    "privacy",
]
CLASHES = re.compile(
    "weather|time|clock|song|music|play|transl|quote|stock|currency|rate|add|sum|calc|multip|search|look|find"
)
NUMERIC = {"count": "integer", "amount": "number"}


def _invented(rng: random.Random) -> Tool:
    """Make up a function with one to three arguments, and requests for it in both languages."""
    noun = rng.choice([rng.choice(NOUNS), word(rng).lower()])
    verb = rng.choice(VERBS)
    name = rng.choice([f"{verb}_{noun}", f"{verb}{noun.capitalize()}", f"{noun}_{verb}", noun])
    chosen = rng.sample(KINDS, rng.randint(1, 3))
    tool = Tool([name], [f"{verb.capitalize()} a {noun}"])
    english, chinese = [], []
    for slot, usual in chosen:
        label = rng.choice([usual, usual, f"{noun}_{usual}", word(rng).lower()])
        tool.parameters.append(Parameter(slot, (label,), NUMERIC.get(slot, "string"), (f"The {usual}",)))
        english.append(
            rng.choice([f"{label} <{slot}>", f"{label}: <{slot}>", f"the {label} <{slot}>", f"{label} = <{slot}>"])
        )
        chinese.append(
            rng.choice([f"{label}是<{slot}>", f"{label}：<{slot}>", f"{label}为<{slot}>", f"{label}=<{slot}>"])
        )
    listed = " and ".join(english) if rng.random() < 0.5 else ", ".join(english)
    tool.lines["en"] = [
        f"(please |){verb} (the|a) {noun} with {listed}",
        f"{verb} {noun}: {listed}",
        f"call {name} with {listed}",
    ]
    tool.lines["zh"] = [
        f"{verb} {noun}，" + "，".join(chinese),
        f"调用{name}，" + "，".join(chinese),
        f"请用{name}：" + "，".join(chinese),
    ]
    return tool


def _generic_result(rng: random.Random, values: Values) -> tuple[str, str]:
    """Return a result with made-up keys, and the sentence that reads it out."""
    pairs = {
        rng.choice([key, word(rng).lower()]): values.fresh(slot) for slot, key in rng.sample(KINDS, rng.randint(1, 3))
    }
    if rng.random() < 0.3:
        pairs = {"status": rng.choice(["ok", "done", "success", "open", "ready"]), **pairs}
    if values.language == "zh":
        return dumps(pairs), "结果：" + "，".join(f"{key}是{value}" for key, value in pairs.items()) + "。"
    return dumps(pairs), "The result: " + ", ".join(f"{key} is {value}" for key, value in pairs.items()) + "."


def _result(tool: Tool, values: Values, request: str) -> tuple[str, str]:
    """Return what the function answers, and a sentence that says only what was asked or answered."""
    rng = values.rng
    if tool.of("result") and rng.random() < 0.75:
        result = fill(rng.choice(tool.of("result")), values)
        said = rng.choice(tool.of(values.language + "!"))
        if all(slot in values.kept and values(slot) in request + result for slot in SLOT.findall(said)):
            return result, fill(said, values)
    return _generic_result(rng, values)


def _others(rng: random.Random, tool: Tool | None, guise: Guise | None) -> tuple[dict[str, Any], ...]:
    """Return the functions on offer: *guise* among some others."""
    count = rng.choices((0, 1, 2, 3), (24, 14, 3, 1))[0] + (guise is None)
    schemas = [dress(other, rng).schema for other in rng.sample(tools(), count) if other is not tool]
    if rng.random() < 0.2:
        schemas.append(dress(_invented(rng), rng).schema)
    offered = [guise.schema, *schemas] if guise else schemas
    rng.shuffle(offered)
    return tuple({schema["name"]: schema for schema in offered}.values())


def _request(tool: Tool, guise: Guise, rng: random.Random, values: Values) -> tuple[str, dict[str, str]]:
    """Return a request and the values *guise* takes of it; details it has no argument for are left out."""
    lines = tool.of(values.language)
    slots: list[str] = []
    for _ in range(20):
        line = spin(rng.choice(lines), rng)
        slots = SLOT.findall(line)
        if not slots or any(slot in guise.names for slot in slots):
            break
    text = fill(line, values)
    return roughen(text, rng, values.language), {slot: values(slot) for slot in slots if slot in guise.names}


def _again(tool: Tool, guise: Guise, rng: random.Random, language: str) -> list[Turn]:
    """Ask the same once more for another value, where the function needs only one."""
    needed = [parameter for parameter in tool.parameters if not parameter.optional]
    if len(needed) != 1:
        return []
    values = Values(rng, language)
    slot = needed[0].slot
    asked = rng.choice(AGAIN[language]).format(values(slot))
    call = guise.call({slot: values(slot)})
    result, said = _result(tool, values, asked)
    turns = [Turn("user", asked), Turn("assistant", calls=(call,))]
    return turns if rng.random() < 0.4 else [*turns, Turn("tool", result), Turn("assistant", said)]


def call(rng: random.Random, language: str) -> Conversation:
    """Return a conversation with a call in it, and mostly its result."""
    tool = rng.choice(tools()) if rng.random() < 0.7 else _invented(rng)
    guise, values = dress(tool, rng), Values(rng, language)
    turns = list(system(rng, language)) if rng.random() < 0.6 else []
    if rng.random() < 0.12:
        turns.extend(pair(rng.choice(topics(language)), rng, language))
    request, given = _request(tool, guise, rng, values)
    call_made = guise.call(given)
    forced = rng.random() < 0.15
    turns += [Turn("user", request), Turn("assistant", calls=(call_made,), forced=forced)]
    if rng.random() < 0.55:
        result, said = _result(tool, values, request)
        turns += [Turn("tool", result), Turn("assistant", said)]
        if rng.random() < 0.3:
            turns += _again(tool, guise, rng, language)
    return Conversation(tuple(turns), _others(rng, tool, guise))


def no_call(rng: random.Random, language: str) -> Conversation:
    """Return a conversation with functions of which none is to be called (yet)."""
    lacking = [tool for tool in tools() if tool.of(language + "~")]
    turns = list(system(rng, language)) if rng.random() < 0.6 else []
    if rng.random() < 0.35:
        tool = rng.choice(lacking)
        guise, values = dress(tool, rng), Values(rng, language)
        turns.append(Turn("user", roughen(spin(rng.choice(tool.of(language + "~")), rng), rng, language)))
        turns.append(Turn("assistant", rng.choice(tool.of(language + "^"))))
        slot = tool.parameters[0].slot
        if rng.random() < 0.6:
            turns += [
                Turn("user", values(slot)),
                Turn("assistant", calls=(guise.call({slot: values(slot)}),)),
            ]
        return Conversation(tuple(turns), _others(rng, tool, guise))
    safe = [topic for topic in topics(language) if topic.name in SAFE]
    turns.extend(outside_pair(rng, language) if rng.random() < 0.3 else pair(rng.choice(safe), rng, language))
    kept = tuple(tool for tool in _others(rng, None, None) if not CLASHES.search(tool["name"]))
    return Conversation(tuple(turns), kept)
