"""Our errors as OpenAI's bodies and headers."""

import math

import msgspec

from parley.errors import ParleyError, RateLimited, Unauthenticated, UpstreamDenied, UpstreamMisplaced
from parley.schema.errors import ErrorBody, ErrorDetail

_encode = msgspec.json.Encoder().encode

JSON = b"application/json"
LASTING = (UpstreamDenied, UpstreamMisplaced)  # for the operator to mend: official clients would retry any 502


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
    if error.retry_after is not None or isinstance(error, RateLimited):
        lines += b"retry-after: %d\r\n" % max(1, math.ceil(error.retry_after or 1))
    if isinstance(error, LASTING):
        lines += b"x-should-retry: false\r\n"
    if isinstance(error, Unauthenticated):
        lines += b"www-authenticate: Bearer\r\n"
    return lines
