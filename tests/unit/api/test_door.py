"""A connection of a client: what becomes of the headers that come over it."""

from typing import Any, cast

import pytest
from uvicorn.server import ServerState

from parley.api.door import Door
from parley.api.request import Request
from parley.core.clock import SystemClock
from parley.settings import ServerSettings

HEAD = "POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\n"
ONE, TWO = "Idempotency-Key: a\r\n", "idempotency-key: b\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


class Pile:
    """A desk that keeps the requests."""

    def __init__(self) -> None:
        self.settings = ServerSettings()
        self.clock = SystemClock()
        self.requests: list[Request] = []

    async def take(self, request: Request, _: Door) -> None:
        """Keep *request*."""
        self.requests.append(request)

    def refuse(self, error: Exception, _: Door) -> None:
        """Fail: every request here is whole."""
        raise error


async def taken(sent: str) -> list[Request]:
    """Return the requests that are read of what was *sent*."""
    pile = Pile()
    door = Door(cast("Any", pile), ServerState())
    door.data_received(sent.encode())
    assert door._task is not None
    await door._task
    return [*pile.requests, *door._waiting]  # nobody reads an answer, so the second waits for good


@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        (f"{HEAD}{ONE}\r\n", set()),
        (f"{HEAD}{ONE}{TWO}\r\n", {b"idempotency-key"}),
        (f"{HEAD}{ONE}{CHUNKED}\r\n0\r\n{TWO}\r\n", {b"idempotency-key"}),
    ],
)
async def test_a_header_that_comes_again_is_noted(sent: str, repeated: set[bytes]) -> None:
    """In any case of its letters, and behind the body too."""
    (request,) = await taken(sent)
    assert request.repeated == repeated


async def test_each_request_of_a_connection_has_its_own_headers() -> None:
    """What one repeats is not held against the next."""
    first, second = await taken(f"{HEAD}{ONE}{TWO}\r\n{HEAD}{ONE}\r\n")
    assert (first.repeated, second.repeated) == ({b"idempotency-key"}, set())
    assert second.headers[b"idempotency-key"] == b"a"
