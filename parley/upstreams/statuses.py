"""What an upstream's status means to us: told by status and the provider's error code, never by its words."""

import contextlib
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from parley.errors import (
    UpstreamBroken,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamError,
    UpstreamLacksModel,
    UpstreamMisplaced,
    UpstreamRefused,
    UpstreamTimeout,
)

SHOWN = 500  # signs of a provider's message that we pass on
UNPAID, NOT_FOUND, REQUEST_TIMEOUT, TOO_MANY, UNAVAILABLE, GATEWAY_TIMEOUT = 402, 404, 408, 429, 503, 504
CONFLICT, TOO_EARLY, OVERLOADED = 409, 425, 529
PASSING = (CONFLICT, TOO_EARLY, TOO_MANY, UNAVAILABLE, OVERLOADED)
"""What a provider answers when the same request may be taken later; official clients try again after them too."""
LONGEST_WAIT = 86_400.0  # seconds; who asks for more means nothing by it
SERVER_ERRORS = 500
LONGEST_CODE = 64
OUT_OF_QUOTA = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
)
"""Codes of a 429 that no waiting mends. A tuple: what a provider sends as its code need not be hashable."""
STATUSES = range(400, 600)
STATUS_OF: dict[str | int, int] = {
    **dict.fromkeys(OUT_OF_QUOTA, TOO_MANY),
    "rate_limit_exceeded": TOO_MANY,
    "rate_limit_error": TOO_MANY,
    "server_is_overloaded": UNAVAILABLE,
    "overloaded_error": UNAVAILABLE,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "model_not_found": NOT_FOUND,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "invalid_request_error": 400,
}
"""Codes and types that an error event may have, and the status an answer would have had with them."""
SPENT = "This server's account with the model's provider has no quota left. Tell its operator."
MISPLACED = "`{}` has no such endpoint (status 404). Its operator may look at its base_url: most end with `/v1`."


def failure(upstream: str, status: int, headers: dict[bytes, bytes], body: bytes) -> UpstreamError:
    """Return the error that *status* of *upstream* means; *body* may be anything."""
    told = told_in(body)
    words = str(told.get("message") or "")[:SHOWN]
    code = told.get("code")
    error = _meaning(upstream, status, headers, told, words).because(words or body[:SHOWN].decode("utf-8", "replace"))
    error.answered = status
    error.provider_code = str(code)[:LONGEST_CODE] if isinstance(code, str | int) else None
    return error


def _meaning(
    upstream: str, status: int, headers: dict[bytes, bytes], told: dict[str, Any], words: str
) -> UpstreamError:
    """Return the error of *status*, where the provider *told* so, in these *words*."""
    code, param = told.get("code"), told.get("param")
    spent = status == UNPAID or (status == TOO_MANY and (code in OUT_OF_QUOTA or told.get("type") in OUT_OF_QUOTA))
    if spent or status in (401, 403):
        return UpstreamDenied(SPENT if spent else None, code="upstream_insufficient_quota" if spent else None)
    if status == NOT_FOUND:
        shaped = words and told.keys() & {"type", "code"}  # else some server's word on the path
        return UpstreamLacksModel(words) if shaped else UpstreamMisplaced(MISPLACED.format(upstream))
    if status in (REQUEST_TIMEOUT, GATEWAY_TIMEOUT):
        return UpstreamTimeout(f"`{upstream}` timed out (status {status}).")
    if status in PASSING:
        return UpstreamBusy(retry_after=retry_after(headers))
    if status >= SERVER_ERRORS or status < 400:  # noqa: PLR2004 - below 400 is no refusal: a redirect, say
        return UpstreamBroken(f"`{upstream}` answered with status {status}.", retry_after=retry_after(headers))
    return UpstreamRefused(
        words or f"`{upstream}` answered with status {status}.",
        param=param if isinstance(param, str) else None,
        code=code if isinstance(code, str) else None,
    )


def told_in(body: bytes) -> dict[str, Any]:
    """Return the `error` object of *body*, empty where there is none; older vLLM has it at the top."""
    found: Any = None
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        found = msgspec.json.decode(body)
    if not isinstance(found, dict):
        return {}
    error = found if found.get("object") == "error" else found.get("error", found.get("detail", found.get("message")))
    if isinstance(error, str):
        return {"message": error}
    if isinstance(error, list):  # FastAPI's: what is wrong, and where
        return {"message": msgspec.json.encode(error).decode()}
    return error if isinstance(error, dict) else {}


def event_failure(upstream: str, body: bytes) -> UpstreamError:
    """Return the error that an answer which begins with an error event means: as the status that belongs to it."""
    told = told_in(body)
    marks = {mark for mark in (told.get("code"), told.get("type")) if isinstance(mark, str | int)}
    status = next((mark for mark in marks if isinstance(mark, int) and mark in STATUSES), None)
    if status is None:
        status = next((STATUS_OF[mark] for mark in marks if mark in STATUS_OF), SERVER_ERRORS)
    return failure(upstream, status, {}, body)


def retry_after(headers: dict[bytes, bytes]) -> float | None:
    """Return the seconds a provider asks us to wait, a day at most; None where it tells nothing sensible."""
    for name, unit in ((b"retry-after-ms", 1000), (b"retry-after", 1)):
        with contextlib.suppress(ValueError):
            if name in headers and 0 <= (told := float(headers[name])) < float("inf"):
                return min(told / unit, LONGEST_WAIT)
    until = moment(headers.get(b"retry-after"))
    if until is None:
        return None
    now = moment(headers.get(b"date"))  # by the provider's own clock, if it tells
    return min(max(0.0, until - (time.time() if now is None else now)), LONGEST_WAIT)


def moment(date: bytes | None) -> float | None:
    """Return the seconds since 1970 of an HTTP date, None if it is none."""
    try:
        found = parsedate_to_datetime((date or b"").decode("ascii"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):  # the library's own ways to say that it is none
        return None
