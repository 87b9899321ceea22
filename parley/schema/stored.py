"""Chat completions that were kept (`store: true`): list, messages, update, delete."""

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parley.schema.answers import ChatCompletion
from parley.schema.messages import CalledFunction, ToolCall
from parley.schema.reading import convert
from parley.schema.wire import Metadata, Wire

_METADATA: Final = re.compile(r"metadata\[([^\]]*)\]")

Limit = Annotated[int, Meta(ge=1, le=100)]
Order = Literal["asc", "desc"]


class Listing(Wire):
    """Which stored completions are wanted, and how many; `after` is the last id of the page before."""

    after: str | None = None
    limit: Limit = 20
    order: Order = "asc"
    metadata: Metadata | None = None
    model: str | None = None


def read_listing(query: str) -> Listing:
    """Return the listing that the query string (without `?`) asks for, or raise `InvalidRequest`.

    `metadata[key]=value` filters, once for each key; a parameter that comes twice counts as it came last.
    """
    fields: dict[str, Any] = {}
    wanted: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if match := _METADATA.fullmatch(name):
            wanted[match[1]] = value
        else:
            fields[name] = value
    return convert({**fields, "metadata": wanted} if wanted else fields, Listing)


class StoredUpdate(Wire):
    """The body of an update: the metadata that replaces the old (null: none)."""

    metadata: Metadata | None


UPDATE: Final = msgspec.json.Decoder(StoredUpdate)


class StoredList(Wire, tag_field="object", tag="list"):
    """A page of stored completions."""

    data: list[ChatCompletion]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoredMessage(Wire):
    """A message of a stored completion's request; `content_parts` where the content was an array."""

    id: str
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | None
    content_parts: list[dict[str, Any]] | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    tool_calls: list[ToolCall] | UnsetType | None = UNSET
    tool_call_id: str | UnsetType = UNSET
    function_call: CalledFunction | UnsetType | None = UNSET


class StoredMessageList(Wire, tag_field="object", tag="list"):
    """A page of the messages of a stored completion."""

    data: list[StoredMessage]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoredDeleted(Wire, tag_field="object", tag="chat.completion.deleted"):
    """What is left of a stored completion."""

    id: str
    deleted: bool
