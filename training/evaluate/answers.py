"""Asking: a case goes to a running server by the official client, and what came back is kept whole.

A call that fails is an answer too, with the name of its error: it counts as wrong and ends nothing.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import openai

from training.heldout.cases import Case

AT_ONCE = 2
LONGEST = 400  # tokens of an answer and what is thought before it; nothing of the job needs more
SECONDS = 60


@dataclass(frozen=True)
class Call:
    """One call of a function; arguments is None where they are no JSON object."""

    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True)
class Answer:
    """What came back. ended: the model stopped by itself. error: what a failed call ended with."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    ended: bool = True
    error: str = ""


@dataclass(frozen=True)
class Asked:
    """A case and its answer."""

    case: Case
    answer: Answer


@dataclass(frozen=True)
class Asker:
    """Whom to ask: a client, a model's name, and how freely it may choose its words."""

    client: openai.OpenAI
    model: str
    temperature: float = 0.0

    def ask(self, case: Case) -> Answer:
        """Return the answer to *case*."""
        try:
            made = self.client.chat.completions.create(**self._request(case))
        except openai.OpenAIError as error:
            return Answer(ended=False, error=f"{type(error).__name__}: {str(error)[:200]}")
        choice = made.choices[0]
        called = tuple(
            Call(it.function.name, _read(it.function.arguments))
            for it in choice.message.tool_calls or ()
            if it.type == "function"
        )
        return Answer(choice.message.content or "", called, choice.finish_reason != "length")

    def all(self, cases: Iterable[Case]) -> list[Asked]:
        """Ask *cases*, some at once, and return them in order."""
        listed = list(cases)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [Asked(case, answer) for case, answer in zip(listed, pool.map(self.ask, listed), strict=True)]

    def _request(self, case: Case) -> dict[str, Any]:
        """Return the arguments of the call."""
        asked: dict[str, Any] = {
            "model": self.model,
            "messages": list(case.messages),
            "max_tokens": LONGEST,
            "temperature": self.temperature,
            "seed": 7,
            "timeout": SECONDS,
        }
        if case.tools:
            asked["tools"] = list(case.tools)
        if case.schema:
            named = {"name": "ticket", "strict": True, "schema": case.schema}
            asked["response_format"] = {"type": "json_schema", "json_schema": named}
        return asked


def _read(text: str) -> dict[str, Any] | None:
    """Return the JSON object that *text* is, or None."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
