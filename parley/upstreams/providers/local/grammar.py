"""The grammar that holds an answer to its schema from the first token on.

llama.cpp makes one of a `response_format` itself, and drops much of the schema in silence: the limits of numbers, most
formats, whatever stands beside `$ref` or `anyOf`. The library LLGuidance, which is built into it, holds all of that or
says that it can't. So the schema is given as a grammar in LLGuidance's words. Where LLGuidance can't hold it, llama.cpp
logs so and answers without any grammar; therefore each schema is tried before it is relied on.
"""

from typing import Any

import msgspec

SPACING = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
}  # none for a model to run off in
BEGINNINGS = frozenset('{["-0123456789tfn<')  # of JSON, and of a thought
STRANGER = "q"  # begins neither
MOST = 256  # schemas remembered


def grammar(schema: dict[str, Any]) -> str:
    """Return the grammar of all answers that match *schema*."""
    told = msgspec.json.encode({**schema, "x-guidance": SPACING}).decode()
    return f"%llguidance {{}}\nstart: %json {told}"


def trial(text: str) -> dict[str, Any]:
    """Return a request for one token, and it a stranger unless the grammar *text* is in force."""
    return {
        "prompt": STRANGER,
        "n_predict": 1,
        "temperature": 0,
        "logit_bias": [[STRANGER, 1000]],
        "grammar": text,
    }


def in_force(answer: bytes) -> bool:
    """Return whether *answer*, to a trial, was held by the grammar."""
    return msgspec.json.decode(answer)["content"][:1] in BEGINNINGS


class Verdicts:
    """Which grammars were tried, and whether they hold; the oldest are forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def get(self, text: str) -> bool | None:
        """Return whether *text* holds, None where it was not tried."""
        return self._known.get(text)

    def keep(self, text: str, *, holds: bool) -> None:
        """Remember whether *text* holds."""
        while len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[text] = holds
