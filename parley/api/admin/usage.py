"""`GET /v1/organization/usage/...` and `GET /v1/organization/costs`, for admin keys."""

from collections.abc import Awaitable, Callable
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from parley.api.calls import call_of
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.api.routes import Route
from parley.flows.usage import KINDS, Kind, page
from parley.house import House
from parley.schema.buckets import BucketPage
from parley.schema.places import fields

_encode = msgspec.json.Encoder().encode

READ = (400, 401, 403, 404, 408, 413, 431, 500, 503)
WORDS = {
    "start_time": "From when, in Unix seconds.",
    "end_time": "Until before when; default: now.",
    "bucket_width": "How long a bucket is; default 1d.",
    "limit": "How many buckets.",
    "page": "The `next_page` of the page before.",
    "group_by": "What each result is of.",
    "batch": "Only batches, or none of them.",
}
LISTED = "Only those of these."


def _asking(kind: Kind) -> Callable[[Request, HttpReply, House], Awaitable[None]]:
    """Return the endpoint of *kind*."""

    async def endpoint(request: Request, reply: HttpReply, house: House) -> None:
        call = call_of(request, f"organization.{kind.name}")
        reply.body(_encode(await page(call, reply, house, kind, request.query_string)))
        await reply.end()

    return endpoint


def _query(kind: Kind) -> tuple[tuple[str, Any, str], ...]:
    """Return the query parameters of *kind*; lists as official clients name them."""
    found = {name: _given(form) for name, form in fields(kind.ask).items()}
    return tuple(
        (f"{name}[]" if get_origin(form) is list else name, form, WORDS.get(name, LISTED))
        for name, form in found.items()
    )


def _given(form: Any) -> Any:
    """Return what *form* is where it is given."""
    kinds = [one for one in get_args(form) if one is not NoneType]
    return kinds[0] if get_origin(form) in {Union, UnionType} else form


ROUTES = tuple(
    Route("GET", f"/v1/organization/{kind.name.replace('.', '/')}", f"organization.{kind.name}", kind.summary,
          _asking(kind), answer=BucketPage, query=_query(kind), statuses=READ)
    for kind in KINDS
)  # fmt: skip
