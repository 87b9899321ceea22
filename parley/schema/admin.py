"""What the objects of the Administration API share: how a list is asked for, a page of it, what is deleted.

Unlike calls, which may carry what only an upstream knows, nothing here is let through unknown: a field or parameter
that we don't know is refused by its name. Times are in seconds since 1970.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from parley.schema.places import fields
from parley.schema.reading import convert
from parley.schema.wire import Wire

T = TypeVar("T")
L = TypeVar("L", bound=msgspec.Struct)

NANO = 1_000_000_000
Limit = Annotated[int, Meta(ge=1, le=100)]
Order = Literal["asc", "desc"]
Title = Annotated[str, Meta(min_length=1, max_length=256)]
Text = Annotated[str, Meta(max_length=256)]
Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\Z", max_length=320)]
Lifetime = Annotated[int, Meta(ge=1, le=10 * 365 * 24 * 3600)]

SAYINGS = {
    "after": "The id of the last item of the page before.",
    "before": "The id of the first item of the page after.",
    "limit": "How many items.",
    "order": "By age; default asc.",
    "include_archived": "Archived projects too.",
    "emails": "Only those with these addresses.",
    "owner_project_access": "Only keys whose owner has, or has not, access to the project.",
}


class Strict(Wire, forbid_unknown_fields=True):
    """An object of which we know every field."""


class Nothing(Strict):
    """The body of what needs none."""


class Listing(Strict):
    """Which part of a list is wanted."""

    after: str = ""
    limit: Limit = 20


class OrderedListing(Listing):
    """The same, of a list that goes both ways."""

    order: Order = "asc"


class Page(Wire, Generic[T], tag_field="object", tag="list"):
    """A page of a list."""

    data: list[T]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(Wire):
    """What is left of something deleted."""

    id: str
    object: str
    deleted: bool = True


NOTHING = msgspec.json.Decoder(Nothing)


def page_of(data: list[T], *, more: bool) -> Page[T]:
    """Return a page of *data*, each of which has an id."""
    ids: list[str | None] = [getattr(item, "id", None) for item in data] or [None]
    return Page(data, ids[0], ids[-1], more)


def read_query(query: str, kind: type[L]) -> L:
    """Return what the query string (without `?`) asks for; `name[]=value` adds to a list. Raises InvalidRequest."""
    found: dict[str, Any] = {}
    lists = {name for name, told in fields(kind).items() if told == list[str]}
    for given, value in parse_qsl(query, keep_blank_values=True):
        name = given.removesuffix("[]")
        if name in lists:
            found.setdefault(name, []).append(value)
        else:
            found[given] = value
    return convert(found, kind)


def parameters(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any, str], ...]:
    """Return name, type and description of each query parameter of the listing *kind*."""
    found = fields(kind).items()
    return tuple((f"{name}[]" if told == list[str] else name, told, SAYINGS[name]) for name, told in found)


def seconds(at: int) -> int:
    """Return nanoseconds since 1970 as the API tells times."""
    return at // NANO


def seconds_or_none(at: int | None) -> int | None:
    """Return the same of what may not be."""
    return None if at is None else at // NANO


def until(now: int, lifetime: int | None) -> int | None:
    """Return when something that lives for *lifetime* seconds from *now* ends, in nanoseconds; None: never."""
    return None if lifetime is None else now + lifetime * NANO
