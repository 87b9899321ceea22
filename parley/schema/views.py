"""Answers of an upstream, read for what the meter needs and no more.

Upstreams differ and err: a field of a wrong type is read as missing, never as a failure. Only bytes that are
not a JSON object at all raise `msgspec.DecodeError`.
"""

import json
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec

from parley.schema.places import UNREADABLE, fields, options, structs


class View(msgspec.Struct, gc=False):
    """A part of an answer; everything may be missing."""


class PromptView(View):
    """What the prompt's tokens were."""

    cached_tokens: int | None = None


class UsageView(View):
    """Tokens as the upstream counted them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptView | None = None

    @property
    def cached(self) -> int:
        """Return how many of the prompt's tokens came from a cache."""
        details = self.prompt_tokens_details
        return (details.cached_tokens or 0) if details is not None else 0


class CalledView(View):
    """A function's name and arguments, or a piece of them."""

    name: str | None = None
    arguments: str | None = None


class ToolCallView(View):
    """A tool call, or a piece of one."""

    index: int | None = None
    id: str | None = None
    function: CalledView | None = None
    custom: Any = None


class MessageView(View):
    """A message, or what a chunk adds to it."""

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallView] | None = None
    function_call: CalledView | None = None


class ChunkChoiceView(View):
    """One choice of a chunk; `text` is the older completions' piece."""

    index: int | None = None
    finish_reason: str | None = None
    delta: MessageView | None = None
    text: str | None = None


class WholeChoiceView(View):
    """One choice of a whole answer; `text` is the older completions' answer."""

    index: int | None = None
    finish_reason: str | None = None
    message: MessageView | None = None
    text: str | None = None


class ExtensionView(View):
    """What an upstream adds to a chunk under its own name."""

    usage: UsageView | None = None


class ChunkView(View):
    """A chunk of a stream. `error` is whatever the upstream put there; `x_groq` is where Groq puts the usage."""

    id: str | None = None
    model: str | None = None
    usage: UsageView | None = None
    error: Any = None
    choices: list[ChunkChoiceView] | None = None
    x_groq: ExtensionView | None = None


class WholeView(View):
    """A whole answer. `error` is whatever the upstream put there."""

    id: str | None = None
    model: str | None = None
    usage: UsageView | None = None
    error: Any = None
    choices: list[WholeChoiceView] | None = None


V = TypeVar("V", ChunkView, WholeView)

CHUNK: Final = msgspec.json.Decoder(ChunkView)
WHOLE: Final = msgspec.json.Decoder(WholeView)


def view(raw: bytes, decoder: msgspec.json.Decoder[V]) -> V:
    """Return what the meter needs of *raw*; raise `msgspec.DecodeError` if it is not a JSON object."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        found: V = _salvage(_generic(raw), decoder.type)
        return found
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        halved: V = _salvage(_halved(raw, error), decoder.type)
        return halved


def _halved(raw: bytes, error: Exception) -> dict[str, Any]:
    """Return *raw* read by the standard library: it takes half of a surrogate pair, as some upstreams split them."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise msgspec.DecodeError(str(error)) from error
    return found


def _generic(raw: bytes) -> dict[str, Any]:
    """Return *raw* as an object of whatever it holds; members that nothing can hold are left out."""
    kept: dict[str, Any] = {}
    for name, member in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items():
        try:
            kept[name] = msgspec.json.decode(member)
        except UNREADABLE:
            continue
    return kept


def _salvage(found: Any, kind: Any) -> Any:
    """Return *found* as *kind*, with None for each part that does not fit."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError:
        pass
    items = next((get_args(one)[0] for one in options(kind) if get_origin(one) is list), None)
    if items is not None and isinstance(found, list):
        return [one for one in (_salvage(item, items) for item in found) if one is not None]
    struct = next(iter(structs(kind)), None)
    if struct is None or not isinstance(found, dict):
        return None
    return struct(**{name: _salvage(found.get(name), inner) for name, inner in fields(struct).items()})
