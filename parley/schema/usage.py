"""What the Administration API is asked about usage and costs, as the query strings of `/v1/organization/...` say it.

A list may come as `models[]=a&models[]=b`, as official clients send it, or as `models=a&models=b`. A parameter that is
not known is refused: a filter that is ignored would give wrong sums.
"""

from typing import Annotated, Any, Final, Literal, TypeVar, get_origin
from urllib.parse import parse_qsl

from msgspec import Meta, field

from parley.errors import InvalidRequest
from parley.schema.places import fields, options
from parley.schema.reading import convert, short
from parley.schema.wire import Wire

LATEST: Final = 9_000_000_000
"""The last second whose nanoseconds fit into 64 bits, about: it is in the year 2255."""

Time = Annotated[int, Meta(ge=0, le=LATEST)]
Limit = Annotated[int, Meta(ge=1)]
CostLimit = Annotated[int, Meta(ge=1, le=180)]
Width = Literal["1m", "1h", "1d"]
Day = Literal["1d"]
Group = Literal["project_id", "user_id", "api_key_id", "model"]
CompletionGroup = Literal["project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source"]
ImageGroup = Literal["project_id", "user_id", "api_key_id", "model", "size", "source"]
CostGroup = Literal["project_id", "user_id", "line_item", "api_key_id", "api_source"]
Names = list[str]


class Stretch(Wire, kw_only=True):
    """What every question has: a stretch of time in Unix seconds, its end left out, and how it is cut into pages."""

    start_time: Time
    end_time: Time | None = None
    page: str | None = None
    project_ids: Names = field(default_factory=list)
    user_ids: Names = field(default_factory=list)
    api_key_ids: Names = field(default_factory=list)


class UsageAsk(Stretch, kw_only=True):
    """A question about usage."""

    bucket_width: Width = "1d"
    limit: Limit | None = None
    group_by: list[Group] = field(default_factory=list)
    models: Names = field(default_factory=list)


class CompletionsAsk(UsageAsk, kw_only=True):
    """A question about chat completions and completions."""

    group_by: list[CompletionGroup] = field(default_factory=list)  # type: ignore[assignment]
    batch: bool | None = None


class ImagesAsk(UsageAsk, kw_only=True):
    """A question about images."""

    group_by: list[ImageGroup] = field(default_factory=list)  # type: ignore[assignment]
    sizes: Names = field(default_factory=list)
    sources: Names = field(default_factory=list)


class CostsAsk(Stretch, kw_only=True):
    """A question about costs."""

    bucket_width: Day = "1d"
    limit: CostLimit | None = None
    group_by: list[CostGroup] = field(default_factory=list)
    line_items: Names = field(default_factory=list)


Ask = UsageAsk | CostsAsk
A = TypeVar("A", UsageAsk, CompletionsAsk, ImagesAsk, CostsAsk)


def read_ask(query: str, kind: type[A]) -> A:
    """Return what *query* (without `?`) asks, or raise `InvalidRequest`. A name that comes twice counts as it ends."""
    known = fields(kind)
    found: dict[str, Any] = {}
    for given, value in parse_qsl(query, keep_blank_values=True):
        name = given.removesuffix("[]")
        if name not in known:
            raise InvalidRequest(f"Unknown parameter: '{short(given)}'.", param=short(given), code="unknown_parameter")
        if any(get_origin(one) is list for one in options(known[name])):
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return convert(found, kind)
