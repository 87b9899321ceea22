"""A case: what is asked of the model, and what a right answer has to hold. Made from a seed, the same every time."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from training.heldout.values import Draw
from training.templates.spin import fill, spin

HERE = Path(__file__).parent
LANGUAGES = ("en", "zh")
Message = dict[str, Any]
Lines = dict[str, list[str]]


@dataclass(frozen=True)
class Case:
    """One question.

    kind: what it measures. calls: the calls that are right, in any order. values: what the answer must hold. others:
    what stands beside it in the passage. ticket: the fields that are right.
    """

    kind: str
    language: str
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()
    calls: tuple[dict[str, Any], ...] = ()
    values: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    ticket: dict[str, Any] = field(default_factory=dict)

    def said(self) -> str:
        """Return all that the model could read."""
        return "\n".join(str(message.get("content") or "") for message in self.messages)


Maker = Callable[[random.Random, str], Case]


@cache
def marked(name: str) -> Lines:
    """Read the `mark: text` lines of a file of this folder."""
    found: Lines = {}
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#=":
            mark, text = line.split(": ", 1)
            found.setdefault(mark, []).append(text)
    return found


def write(template: str, draw: Draw) -> str:
    """Return *template* with its alternatives chosen and its slots filled."""
    return fill(spin(template, draw.rng), draw)


def user(text: str) -> Message:
    """Return a user's message."""
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    """Return a message of the assistant."""
    return {"role": "assistant", "content": text}


def system(text: str) -> Message:
    """Return a system message."""
    return {"role": "system", "content": text}


def made(maker: Maker, name: str, *, seed: int, count: int) -> Iterator[Case]:
    """Yield *count* cases of *maker* per language, no question twice; they depend on the seed and the name alone."""
    for language in LANGUAGES:
        asked: set[str] = set()
        number = 0
        while len(asked) < count:
            case = maker(random.Random(f"heldout/{seed}/{name}/{language}/{number}"), language)
            number += 1
            if case.said() not in asked:
                asked.add(case.said())
                yield case
