"""The audit log as OpenAI's Administration API lists it: which rows are wanted, and what is shown of each."""

import re
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parley.errors import InvalidRequest
from parley.schema.event_types import EVENT_TYPES
from parley.schema.reading import convert, short
from parley.schema.stored import Limit
from parley.schema.wire import Wire

HEAD: Final = "audit_log-"
_CURSOR: Final = re.compile(HEAD + r"([0-9]{1,18})")
_RANGE: Final = re.compile(r"effective_at\[(gt|gte|lt|lte)\]")

Seconds = Annotated[int, Meta(ge=0, le=9_000_000_000)]
Names = Annotated[list[str], Meta(max_length=100)]


class EffectiveAt(Wire):
    """A range of time, in seconds since 1970."""

    gt: Seconds | None = None
    gte: Seconds | None = None
    lt: Seconds | None = None
    lte: Seconds | None = None


class AuditListing(Wire):
    """Which rows are wanted, and how many; `after` and `before` are ids of the pages before and behind."""

    limit: Limit = 20
    after: str | None = None
    before: str | None = None
    effective_at: EffectiveAt | None = None
    event_types: Names | None = None
    actor_ids: Names | None = None
    actor_emails: Names | None = None
    resource_ids: Names | None = None
    project_ids: Names | None = None
    tenant_only: bool = False


LISTS: Final = frozenset({"event_types", "actor_ids", "actor_emails", "resource_ids", "project_ids"})
SINGLE: Final = frozenset({"limit", "after", "before", "tenant_only"})


def read_audit_listing(query: str) -> AuditListing:
    """Return the listing that the query string (without `?`) asks for, or raise `InvalidRequest`.

    A list is `name[]=value` or `name=value`, once for each value; of other parameters the last counts.
    """
    fields: dict[str, Any] = {}
    lists: dict[str, list[str]] = {}
    times: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        plain = name.removesuffix("[]")
        if match := _RANGE.fullmatch(name):
            times[match[1]] = value
        elif plain in LISTS:
            if plain == "event_types" and value not in EVENT_TYPES:
                raise InvalidRequest(f"Unknown event type: '{short(value)}'.", param=name, code="invalid_value")
            lists.setdefault(plain, []).append(value)
        elif name in SINGLE:
            fields[name] = value
        else:
            raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return convert(fields | lists | ({"effective_at": times} if times else {}), AuditListing)


def place(name: str, cursor: str | None) -> int | None:
    """Return the place in the log that the *cursor*, the parameter *name*, stands for. Raises InvalidRequest."""
    if cursor is None:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidRequest(f"Invalid '{name}': '{cursor}' is not the id of an audit log.", param=name)
    return int(match[1])


class ActorId(Wire):
    """Somebody, by their id."""

    id: str


class ActorKey(Wire):
    """The key that was used."""

    id: str
    type: str = "user"


class ActorSession(Wire):
    """A session: here, that of a user of the operating system, at the command line."""

    user: ActorId


class Actor(Wire, omit_defaults=True):
    """Who did it."""

    type: str
    api_key: ActorKey | UnsetType = UNSET
    session: ActorSession | UnsetType = UNSET


class AuditProject(Wire):
    """The project that it belongs to."""

    id: str
    name: str


class AuditLog(Wire):
    """What was done. Its details are a further member, called as its `type` says."""

    id: str
    effective_at: int
    type: str
    actor: Actor
    project: AuditProject | UnsetType = UNSET


class AuditLogList(Wire, tag_field="object", tag="list"):
    """A page of the audit log."""

    data: list[AuditLog]
    first_id: str | None
    last_id: str | None
    has_more: bool


def audit_log(shown: AuditLog, details: bytes) -> dict[str, Any]:
    """Return *shown* as the wire has it, with its *details* (JSON)."""
    fields: dict[str, Any] = msgspec.to_builtins(shown)
    return fields | {shown.type: msgspec.Raw(details)}


def actor(name: str) -> Actor:
    """Return who goes by *name*: the id of a key, or `cli:NAME`."""
    if name.startswith("cli:"):
        return Actor("session", session=ActorSession(ActorId(name)))
    return Actor("api_key", api_key=ActorKey(name))
