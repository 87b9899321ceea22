"""Cases with functions: which to call with what, when to call none, and what their results say."""

import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from training.chat import dumps
from training.heldout.cases import HERE, Case, Message, marked, system, user, write
from training.heldout.values import Draw
from training.templates.spin import SLOT, fill, spin

TYPES = {"integer": int, "number": float, "string": str}
VERBS = ("weigh", "laminate", "dispatch", "calibrate", "embroider", "audit")
NOUNS = ("turbine", "orchard", "gondola", "tapestry", "beehive", "lantern")
THINGS = (
    ("city", "harbour_town", "string"),
    ("person", "foreman", "string"),
    ("count", "crates", "integer"),
    ("code", "lot_mark", "string"),
    ("date", "falls_due", "string"),
    ("amount", "load", "number"),
)
INVENTED = {
    "en": ("Please {verb} the {noun}: {listed}.", "{verb} a {noun} with {listed}.", "Use {name} with {listed}."),
    "zh": ("请执行{verb} {noun}：{listed}。", "用{name}，{listed}。", "{verb}一个{noun}，{listed}。"),
}
BOTH = {"en": "{} Besides: {}", "zh": "{}另外，{}"}


@dataclass(frozen=True)
class Parameter:
    """One argument: the slot it is filled from, its names, its JSON type, and its description by language."""

    slot: str
    names: tuple[str, ...]
    kind: str
    about: dict[str, str]
    optional: bool


@dataclass
class Tool:
    """One function of `tools.txt`, or an invented one."""

    names: list[str]
    about: dict[str, str]
    parameters: list[Parameter] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)


def _parameter(text: str) -> Parameter:
    """Read a `p` line."""
    slot, rest = text.split(":", 1)
    names, kind, about = (part.strip() for part in rest.split(";"))
    told = dict(zip(("en", "zh"), about.split("|"), strict=True))
    return Parameter(slot.rstrip("?"), tuple(names.split("|")), kind, told, slot.endswith("?"))


@cache
def tools() -> tuple[Tool, ...]:
    """Read `tools.txt`."""
    found: list[Tool] = []
    for line in (HERE / "tools.txt").read_text(encoding="utf-8").splitlines():
        mark, _, text = line.partition(": ")
        if mark == "name":
            found.append(Tool(text.split("|"), {}))
        elif mark == "about":
            found[-1].about.update(zip(("en", "zh"), text.split("|"), strict=True))
        elif line.startswith("p "):
            found[-1].parameters.append(_parameter(line[2:]))
        elif line[0] not in "#=":
            found[-1].lines.setdefault(mark, []).append(text)
    return tuple(found)


@dataclass(frozen=True)
class Guise:
    """A function as one caller declares it: the schema, and which name each slot got."""

    schema: dict[str, Any]
    names: dict[str, str]
    kinds: dict[str, str]

    def call(self, slots: list[str], draw: Draw) -> dict[str, Any]:
        """Return the call that passes the values of *slots*."""
        given = {self.names[slot]: TYPES[self.kinds[slot]](draw(slot)) for slot in self.names if slot in slots}
        return {"name": self.schema["function"]["name"], "arguments": given}


def dress(tool: Tool, rng: random.Random, language: str) -> Guise:
    """Declare *tool* under one of its names, described in *language* or, at times, in the other one."""
    told = language if rng.random() < 0.75 else "en"
    names = {parameter.slot: rng.choice(parameter.names) for parameter in tool.parameters}
    properties = {
        names[it.slot]: {"type": it.kind, "description": it.about[told]} if rng.random() < 0.7 else {"type": it.kind}
        for it in tool.parameters
    }
    required = [names[it.slot] for it in tool.parameters if not it.optional]
    function = {
        "name": rng.choice(tool.names),
        "description": tool.about[told],
        "parameters": {"type": "object", "properties": properties, "required": required},
    }
    kinds = {it.slot: it.kind for it in tool.parameters}
    return Guise({"type": "function", "function": function}, names, kinds)


def invented(rng: random.Random) -> Tool:
    """Make up a function whose words no one uses, so that only reading helps."""
    verb, noun = rng.choice(VERBS), rng.choice(NOUNS)
    name = rng.choice([f"{verb}_{noun}", f"{noun}{verb.capitalize()}"])
    chosen = rng.sample(THINGS, rng.randint(2, 3))
    tool = Tool([name], {"en": f"{verb.capitalize()} a {noun}", "zh": f"{verb} {noun}"})
    for slot, label, kind in chosen:
        tool.parameters.append(Parameter(slot, (label,), kind, {"en": label, "zh": label}, optional=False))
    for language, mark, between in (("en", " ", ", "), ("zh", "为", "，")):
        listed = between.join(f"{label}{mark}<{slot}>" for slot, label, _ in chosen)
        told = [text.format(verb=verb, noun=noun, name=name, listed=listed) for text in INVENTED[language]]
        tool.lines[language] = told
    return tool


def offered(rng: random.Random, language: str, guises: list[Guise], others: int) -> tuple[dict[str, Any], ...]:
    """Return the schemas of *guises* among those of *others* more functions."""
    taken = {guise.schema["function"]["name"] for guise in guises}
    rest = [tool for tool in tools() if not taken & set(tool.names)]
    schemas = [guise.schema for guise in guises] + [
        dress(tool, rng, language).schema for tool in rng.sample(rest, others)
    ]
    rng.shuffle(schemas)
    return tuple(schemas)


def opening(draw: Draw) -> list[Message]:
    """Return a system message, or none."""
    if draw.rng.random() < 0.5:
        return []
    return [system(write(draw.rng.choice(marked("service.txt")[f"system.{draw.language}"]), draw))]


def request(tool: Tool, draw: Draw) -> tuple[str, list[str]]:
    """Return a request for *tool* and the slots it fills."""
    line = spin(draw.rng.choice(tool.lines[draw.language]), draw.rng)
    return fill(line, draw), SLOT.findall(line)


def choice(rng: random.Random, language: str) -> Case:
    """Return a request that one of some functions fits."""
    draw = Draw(rng, language)
    tool = invented(rng) if rng.random() < 0.2 else rng.choice(tools())
    guise = dress(tool, rng, language)
    text, slots = request(tool, draw)
    offers = offered(rng, language, [guise], rng.choice((0, 1, 2, 3)))
    return Case("choice", language, (*opening(draw), user(text)), offers, (guise.call(slots, draw),))


def none(rng: random.Random, language: str) -> Case:
    """Return a sentence that none of the functions fits."""
    draw = Draw(rng, language)
    if rng.random() < 0.5:
        text = write(rng.choice(marked("service.txt")[f"chat.{language}"]), draw)
        return Case("none", language, (*opening(draw), user(text)), offered(rng, language, [], rng.choice((1, 2, 3))))
    wanted = rng.choice(tools())
    text, _ = request(wanted, draw)
    rest = [tool for tool in tools() if tool is not wanted]
    schemas = tuple(dress(tool, rng, language).schema for tool in rng.sample(rest, rng.choice((1, 2))))
    return Case("none", language, (*opening(draw), user(text)), schemas)


def lacking(rng: random.Random, language: str) -> Case:
    """Return a request that a function fits but which lacks a value it requires."""
    tool = rng.choice(tools())
    guise, draw = dress(tool, rng, language), Draw(rng, language)
    text = tool.lines[f"lack.{language}"][0]
    return Case("lacking", language, (*opening(draw), user(text)), offered(rng, language, [guise], rng.choice((0, 1))))


def two(rng: random.Random, language: str) -> Case:
    """Return two requests in one turn, each for a function of its own."""
    draw = Draw(rng, language)
    pair = [(tool, dress(tool, rng, language)) for tool in rng.sample(tools(), 2)]
    said: list[str] = []
    calls: list[dict[str, Any]] = []
    for tool, guise in pair:
        draw.kept.clear()
        text, slots = request(tool, draw)
        said.append(text)
        calls.append(guise.call(slots, draw))
    offers = offered(rng, language, [guise for _, guise in pair], rng.choice((0, 1)))
    return Case("two", language, (*opening(draw), user(BOTH[language].format(*said))), offers, tuple(calls))


def result(rng: random.Random, language: str) -> Case:
    """Return a conversation up to a function's result, which the answer has to tell."""
    tool = rng.choice(tools())
    guise, draw = dress(tool, rng, language), Draw(rng, language)
    text, slots = request(tool, draw)
    made = guise.call(slots, draw)
    told = fill(tool.lines["result"][0], draw)
    function = {"name": made["name"], "arguments": dumps(made["arguments"])}
    asked = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    heard = {"role": "tool", "tool_call_id": "c1", "content": told}
    values = tuple(draw(slot) for slot in tool.lines["tell"][0].split())
    offers = offered(rng, language, [guise], rng.choice((0, 1)))
    return Case("result", language, (*opening(draw), user(text), asked, heard), offers, values=values)
