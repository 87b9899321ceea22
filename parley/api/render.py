"""Our errors as OpenAI's bodies and headers."""

import math
from collections.abc import Iterable

import msgspec

from parley.errors import (
    KeyReused,
    OverBudget,
    ParleyError,
    RateLimited,
    Unauthenticated,
    UpstreamDenied,
    UpstreamMisplaced,
)
from parley.policies.limits import seconds
from parley.schema.errors import ErrorBody, ErrorDetail
from parley.store.counters import Kind, Standing

_encode = msgspec.json.Encoder().encode

JSON = b"application/json"
# for somebody to mend: official clients would retry them all
LASTING = (UpstreamDenied, UpstreamMisplaced, OverBudget, KeyReused)


def error_body(error: ParleyError) -> bytes:
    """Return the body OpenAI's clients expect of *error*."""
    return _encode(
        ErrorBody(
            error=ErrorDetail(message=error.message, type=error.error_type, param=error.param, code=error.error_code)
        )
    )


def error_headers(error: ParleyError) -> bytes:
    """Return the header lines that belong to *error*, each ended with CRLF."""
    lines = b""
    if error.retry_after is not None:
        lines += b"retry-after: %d\r\n" % max(1, math.ceil(error.retry_after))
    if error.retry_after is not None and isinstance(error, RateLimited):
        lines += b"retry-after-ms: %d\r\n" % math.ceil(error.retry_after * 1000)
    lasting = isinstance(error, RateLimited) and error.retry_after is None  # no time makes room for it
    if lasting or isinstance(error, LASTING):
        lines += b"x-should-retry: false\r\n"
    if isinstance(error, Unauthenticated):
        lines += b"www-authenticate: Bearer\r\n"
    return lines


def limit_headers(standings: Iterable[Standing]) -> bytes:
    """Return the header lines that tell how limits stand: of each measure the one with the least left."""
    least: dict[str, Standing] = {}
    for one in standings:
        if one.need.kind is Kind.RATE:
            measure = one.need.counter.partition("/")[0]
            if measure not in least or one.remaining < least[measure].remaining:
                least[measure] = one
    return b"".join(_lines(measure, least[measure]) for measure in ("requests", "tokens") if measure in least)


def _lines(measure: str, least: Standing) -> bytes:
    """Return the three header lines of *measure*."""
    return (
        f"x-ratelimit-limit-{measure}: {least.need.limit}\r\n"
        f"x-ratelimit-remaining-{measure}: {least.remaining}\r\n"
        f"x-ratelimit-reset-{measure}: {seconds(least.reset / 1e9)}\r\n"
    ).encode()
