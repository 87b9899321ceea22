"""Our errors as OpenAI's bodies and headers."""

import msgspec
import pytest

from parley.api.render import error_body, error_headers, limit_headers
from parley.errors import (
    InvalidRequest,
    KeyReused,
    NotRecorded,
    ParleyError,
    RateLimited,
    Unauthenticated,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamMisplaced,
)
from parley.store.counters import MINUTE, Counter, Kind, Need, standing


def every(kind: type[ParleyError]) -> list[type[ParleyError]]:
    """Return *kind* and all that is derived from it."""
    return [kind, *(each for derived in kind.__subclasses__() for each in every(derived))]


@pytest.mark.parametrize("kind", every(ParleyError), ids=lambda it: it.__name__)
def test_every_error_has_the_four_keys(kind: type[ParleyError]) -> None:
    """Message, type, param and code, always; the code is a text or null."""
    told = msgspec.json.decode(error_body(kind()))["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert told["message"]
    assert isinstance(told["code"], str | None)
    assert 400 <= kind.status < 600


def test_what_is_said_is_told() -> None:
    """Message, param and code as they were raised."""
    told = msgspec.json.decode(error_body(InvalidRequest('No: "ü".', param="n", code="c")))["error"]
    assert told == {"message": 'No: "ü".', "type": "invalid_request_error", "param": "n", "code": "c"}


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (UpstreamBusy(retry_after=2.1), b"retry-after: 3\r\n"),
        (UpstreamBusy(retry_after=0), b"retry-after: 1\r\n"),
        (UpstreamBusy(), b""),
        (RateLimited(), b"x-should-retry: false\r\n"),
        (RateLimited(retry_after=0.0125), b"retry-after: 1\r\nretry-after-ms: 13\r\n"),
        (NotRecorded(), b""),
        (UpstreamBroken(), b""),
        (UpstreamDenied(), b"x-should-retry: false\r\n"),
        (UpstreamMisplaced(), b"x-should-retry: false\r\n"),
        (KeyReused(), b"x-should-retry: false\r\n"),
        (Unauthenticated(), b"www-authenticate: Bearer\r\n"),
    ],
)
def test_headers_belong_to_errors(error: ParleyError, header: bytes) -> None:
    """Whole seconds, at least one, where it is known when to come back; no retry of what somebody has to mend."""
    assert error_headers(error) == header


def test_a_limit_of_nought_tells_no_time() -> None:
    """As if it made room: there is none to come."""
    need = Need("requests/x", Kind.RATE, 1, 0, MINUTE)
    assert limit_headers([standing(need, Counter(value=MINUTE), 0)]) == (
        b"x-ratelimit-limit-requests: 0\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 0s\r\n"
    )
