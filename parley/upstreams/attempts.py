"""What becomes of each attempt to get an answer: a word for `/metrics`, and a line in the log where it failed.

The line is for the operator. It says what clients are not told: where the upstream is, and what it answered. It never
holds a key, nor what a call said: where the provider refused the request itself its words may repeat the prompt, so
they go to the client alone.
"""

import re
from collections import Counter

import structlog

from parley.core.call import Call
from parley.core.catalog import Target
from parley.errors import (
    InvalidRequest,
    NoSuchModel,
    ParleyError,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamError,
    UpstreamLacksModel,
    UpstreamNoQuota,
    UpstreamRefused,
    UpstreamTimeout,
)

log = structlog.get_logger()

Tally = Counter[tuple[str, str]]  # by upstream and outcome

SHOWN = 200  # signs of a message
ANSWERED, CANCELLED, FAILED = "answered", "cancelled", "failed"
OUTCOMES: dict[type[ParleyError], str] = {
    UpstreamBroken: "broken",
    UpstreamBusy: "busy",
    UpstreamDenied: "denied",
    UpstreamLacksModel: "lacks_model",
    NoSuchModel: "lacks_model",
    UpstreamNoQuota: "no_quota",
    UpstreamRefused: "refused",
    InvalidRequest: "refused",
    UpstreamTimeout: "timeout",
}
KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf)[-_][^\s\"'`,;]{6,}"  # as the known providers begin theirs
    r"|\bbearer\s+[^\s\"'`,;]{6,}"
    r"|\b(?:key|token|secret)\s*[:=]\s*[^\s\"'`,;]{6,}"
    r"|[\w-]{32,}",  # and whatever else may be one
    re.ASCII | re.IGNORECASE,
)


def outcome(error: ParleyError) -> str:
    """Return the word for an attempt that ended with *error*: one of a few, for it is a label of a metric."""
    return OUTCOMES.get(type(error), FAILED)


def shown(text: str) -> str:
    """Return *text* as it may stand in the log: on one line, cut, and without anything that may be a key."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return KEY.sub("***", " ".join(plain.split()))[:SHOWN]


def note(call: Call, target: Target, address: str, error: ParleyError, seconds: float) -> None:
    """Log that asking *target* (at *address*) for *call* ended with *error* after *seconds*."""
    told = error if isinstance(error, UpstreamError) else UpstreamError()
    line = log.bind(
        request=call.id,
        upstream=target.upstream,
        address=address,
        model=target.model,
        outcome=outcome(error),
        status=told.answered,
        code=told.provider_code,
        seconds=round(seconds, 3),
    )
    if isinstance(error, UpstreamRefused | InvalidRequest):
        line.info("an upstream refused a request")
        return
    message = told.words or error.message
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    line.warning("an upstream failed", message=shown(message + cause))
