"""One line of the route table: what the server answers, and what the OpenAPI document says of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path.

    operation: the API's name for it, unique in the table.
    body, answer: the structs of the request and of the 200 answer; None where there is no JSON.
    streams: whether the answer may be server-sent events.
    query: name, type (it may carry limits) and description of each query parameter.
    secured: whether it takes a key.
    statuses: the errors it may give, each with an error body.
    media: the media type of the 200 answer.
    once: whether it takes an `Idempotency-Key`.
    """

    method: str
    path: str
    operation: str
    summary: str
    endpoint: Callable[..., Awaitable[None]]
    body: type | None = None
    answer: type | None = None
    streams: bool = False
    query: tuple[tuple[str, Any, str], ...] = ()
    secured: bool = True
    statuses: tuple[int, ...] = (400, 401, 404, 413, 429, 500, 503)
    media: str = "application/json"
    once: bool = False
