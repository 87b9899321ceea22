"""Prompts as the older endpoints take them: a string, strings, a list of tokens, or lists of tokens.

JSON cannot tell an array of strings from one of tokens before it looks inside, so the type takes any mixture
and `check_uniform` refuses mixtures; the published schema says the same in the words of JSON Schema.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import Meta

from parley.errors import InvalidRequest
from parley.schema.wire import LONGEST, Token

MOST_INPUTS: Final = 2048

INSTEAD: Final = "x-parley-instead"
"""Where a schema holds this, what stands under it is the published schema (see `parley.api.openapi`)."""


def _published(shortest: int, most: int | None) -> dict[str, Any]:
    """Return a prompt's JSON Schema: strings of at least *shortest* characters, arrays of *most* items."""
    text = {"type": "string", "minLength": shortest} if shortest else {"type": "string"}
    token = {"type": "integer", "minimum": 0, "maximum": LONGEST}
    tokens = {"type": "array", "items": token, "minItems": 1}
    bounds = {"minItems": 1} | ({"maxItems": most} if most else {})
    arrays = [{"type": "array", "items": item, **bounds} for item in (text, token, tokens)]
    return {INSTEAD: {"anyOf": [text, *arrays]}}


Prompt = Annotated[
    str | Annotated[list[str | Token | Annotated[list[Token], Meta(min_length=1)]], Meta(min_length=1)],
    Meta(extra_json_schema=_published(0, None)),
]
_Text = Annotated[str, Meta(min_length=1)]
Inputs = Annotated[
    _Text
    | Annotated[
        list[_Text | Token | Annotated[list[Token], Meta(min_length=1)]],
        Meta(min_length=1, max_length=MOST_INPUTS),
    ],
    Meta(extra_json_schema=_published(1, MOST_INPUTS)),
]


def check_uniform(items: Sequence[str | int | list[int]], name: str) -> None:
    """Raise `InvalidRequest` unless all *items* of the parameter *name* are of one kind."""
    kind = type(items[0])
    for index, item in enumerate(items):
        if type(item) is not kind:
            nouns = {str: "a string", int: "an integer", list: "an array of integers"}
            message = (
                f"Invalid type for '{name}[{index}]': expected {nouns[kind]} like the items before it, "
                f"but got {nouns[type(item)]} instead."
            )
            raise InvalidRequest(message, param=f"{name}[{index}]", code="invalid_type")
