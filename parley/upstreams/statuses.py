"""What an upstream's status means to us: told by status and the provider's error code, never by its words."""

import contextlib
import math
from typing import Any

import msgspec

from parley.errors import (
    UpstreamBroken,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamError,
    UpstreamLacksModel,
    UpstreamNoQuota,
    UpstreamRefused,
    UpstreamTimeout,
)

SHOWN = 500  # signs of a provider's message that we pass on
HELD = 2000  # signs of it that are kept for the log
UNPAID, NOT_FOUND, REQUEST_TIMEOUT, TOO_MANY, UNAVAILABLE, GATEWAY_TIMEOUT = 402, 404, 408, 429, 503, 504
NO_QUOTA = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
)
"""The codes of a 429 that no waiting mends: somebody has to pay, or to raise a limit."""
SERVER_ERRORS = 500


def failure(upstream: str, status: int, headers: dict[bytes, bytes], body: bytes) -> UpstreamError:
    """Return the error that *status* of *upstream* means; *body* may be anything."""
    told = told_in(body)
    error = _meaning(upstream, status, headers, told)
    code = told.get("code")
    error.answered = status
    error.provider_code = str(code) if isinstance(code, str | int) else None
    error.words = str(told.get("message") or body[:HELD].decode("utf-8", "replace"))[:HELD]
    return error


def _meaning(upstream: str, status: int, headers: dict[bytes, bytes], told: dict[str, Any]) -> UpstreamError:
    """Return the error for the client; *told* is what the provider said of it."""
    ours = _operators(status, told)
    if ours is not None:
        return ours
    message = str(told.get("message") or "")[:SHOWN] or f"`{upstream}` answered with status {status}."
    code = told.get("code")
    if status == NOT_FOUND:
        return UpstreamLacksModel(message)
    if status in (REQUEST_TIMEOUT, GATEWAY_TIMEOUT):
        return UpstreamTimeout(f"`{upstream}` timed out (status {status}).")
    if status in (TOO_MANY, UNAVAILABLE):
        return UpstreamBusy(retry_after=retry_after(headers))
    if status >= SERVER_ERRORS or status < 400:  # noqa: PLR2004 - below 400 is no refusal: a redirect, say
        return UpstreamBroken(f"`{upstream}` answered with status {status}.")
    param = told.get("param")
    return UpstreamRefused(
        message,
        param=param if isinstance(param, str) else None,
        code=code if isinstance(code, str) else None,
    )


def _operators(status: int, told: dict[str, Any]) -> UpstreamError | None:
    """Return the error that only our operator can mend; the provider's words on it are not the client's business."""
    if status in (401, 403):
        return UpstreamDenied()
    if status == UNPAID or (status == TOO_MANY and (told.get("code") in NO_QUOTA or told.get("type") in NO_QUOTA)):
        return UpstreamNoQuota()
    return None


def told_in(body: bytes) -> dict[str, Any]:
    """Return the `error` object of *body*, empty where there is none."""
    found: Any = None
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        found = msgspec.json.decode(body)
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}


def retry_after(headers: dict[bytes, bytes]) -> float | None:
    """Return the seconds a provider asks us to wait, or None."""
    for name, unit in ((b"retry-after-ms", 1000), (b"retry-after", 1)):
        with contextlib.suppress(ValueError):
            if name in headers and math.isfinite(told := float(headers[name])):
                return max(0.0, told / unit)
    return None
