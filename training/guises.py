"""Functions as callers declare them: read from `tools*.txt`, and dressed in one of many disguises."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from training.templates.values import LISTS

FOLDER = Path(__file__).parent / "templates"
PART = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
STYLED = 0.4
"""Share of functions whose name is joined in another way than it is written in `tools*.txt`."""


@dataclass(frozen=True)
class Parameter:
    """One argument of a function."""

    slot: str
    names: tuple[str, ...]
    kind: str
    about: tuple[str, ...]
    optional: bool = False
    told: bool = False
    """Whether the description is always given, because the name says nothing."""


@dataclass
class Tool:
    """One function of `tools*.txt`, or an invented one."""

    names: list[str] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def of(self, key: str) -> list[str]:
        """Return the lines marked *key*, such as `en~`."""
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
    """Read every `tools*.txt`."""
    found: list[Tool] = []
    texts = (path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("tools*.txt")))
    for line in "\n".join(texts).splitlines():
        if line.startswith("= "):
            found.append(Tool())
        elif line.startswith("p "):
            found[-1].parameters.append(_parameter(line[2:]))
        elif line.startswith(("name: ", "about: ")):
            key, values = line.split(": ", 1)
            (found[-1].names if key == "name" else found[-1].about).extend(values.split("|"))
        elif line and not line.startswith("#"):
            key, text = (line[:3], line[4:]) if line[2] in "~^" else line.split(": ", 1)
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


def _property(parameter: Parameter, rng: random.Random, language: str) -> dict[str, Any]:
    """Declare *parameter*; an enum without options has those of its slot's list in *language*."""
    kind, _, options = parameter.kind.partition(":")
    declared: dict[str, Any] = {"type": "string" if kind == "enum" else kind}
    if options:
        declared["enum"] = options.split("|")
    elif kind == "enum":
        declared["enum"] = LISTS.get(f"{parameter.slot}.{language}") or LISTS[parameter.slot]
    if parameter.told or rng.random() < 0.6:
        declared["description"] = described(parameter.about, rng, language)
    return declared


def native(said: Sequence[str], language: str) -> list[str]:
    """Return those of *said* that are in *language*."""
    return [text for text in said if text.isascii() == (language == "en")]


def described(said: Sequence[str], rng: random.Random, language: str) -> str:
    """Return one of the descriptions *said*: mostly one in *language*, as a caller writes for those who will ask."""
    own = native(said, language)
    return rng.choice(own if own and rng.random() < 0.75 else said)


def parts(name: str) -> list[str]:
    """Return the words of which *name* is made, in small letters, however they are joined."""
    return [part.lower() for part in PART.findall(name)]


def bare(name: str) -> str:
    """Return *name* without what differs from caller to caller: capitals and underscores."""
    return "".join(parts(name))


def styled(name: str, rng: random.Random) -> str:
    """Return *name*, sometimes FindLikeThis, findLikeThis or find_like_this instead of as it was given."""
    words, share = parts(name), rng.random()
    if not name.isascii() or share > STYLED or bare(name) != name.replace("_", "").lower():
        return name
    if share < STYLED / 3:
        return "_".join(words)
    first = words[0] if share < STYLED / 2 else words[0].capitalize()
    return "".join([first, *(word.capitalize() for word in words[1:])])


def dress(tool: Tool, rng: random.Random, language: str = "en") -> Guise:
    """Return *tool* under one of its names, with some of its optional arguments."""
    chosen = [p for p in tool.parameters if not p.optional or rng.random() < 0.7]
    names: dict[str, str] = {}
    for parameter in chosen:
        free = [name for name in parameter.names if name not in names.values()]
        names[parameter.slot] = rng.choice(free or [parameter.slot])
    properties = {names[p.slot]: _property(p, rng, language) for p in chosen}
    required = [names[p.slot] for p in chosen if not p.optional]
    schema: dict[str, Any] = {"name": styled(rng.choice(tool.names), rng)}
    if rng.random() < 0.85:
        schema["description"] = described(tool.about, rng, language)
    schema["parameters"] = {"type": "object", "properties": properties}
    if rng.random() < 0.7:
        schema["parameters"]["required"] = required
    if rng.random() < 0.1:
        schema["parameters"]["additionalProperties"] = False
    return Guise(schema, names, {p.slot: p.kind for p in chosen})
