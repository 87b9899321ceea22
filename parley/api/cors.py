"""Browsers: pages of other origins may call where `server.cors_origins` names them.

A browser asks first (a preflight: OPTIONS) and shows an answer to its page only when a header says so. Both stand in a
kind of door and of service that `api/server.py` takes only where the setting has an origin: the usual ones pay nothing.
An origin that is not named gets the answers that a browser then keeps from its page. Fails with nothing of its own.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn.server import ServerState

from parley.api.door import Desk, Door
from parley.api.request import Request
from parley.api.serve import Service, Table
from parley.errors import ParleyError
from parley.house import House

ANY = "*"
NO_CONTENT = 204
METHODS = b"access-control-allow-methods: GET, POST, DELETE\r\naccess-control-max-age: 7200\r\n"
SHOWN = (
    b"access-control-expose-headers: openai-processing-ms, openai-version, openai-organization, retry-after, "
    b"idempotent-replayed, "
    b"x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, "
    b"x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens\r\n"
)  # besides x-request-id, which every answer shows
VARY = b"vary: origin\r\n"


class Origins:
    """The origins that may call."""

    def __init__(self, named: Iterable[str]) -> None:
        self._named = {origin.encode("latin-1", "replace") for origin in named}
        self._any = ANY.encode() in self._named

    def grant(self, headers: dict[bytes, bytes]) -> bytes:
        """Return the header lines with which a request with *headers* is answered."""
        origin = headers.get(b"origin")
        if self._any:
            return b"access-control-allow-origin: *\r\n" + SHOWN if origin else b""
        if origin not in self._named:
            return VARY
        return b"access-control-allow-origin: %b\r\n%b%b" % (origin, SHOWN, VARY)

    def preflight(self, request: Request) -> bytes | None:
        """Return the header lines that answer *request*, where it is a preflight of an origin that may call."""
        headers = request.headers
        if request.method != "OPTIONS" or b"access-control-request-method" not in headers:
            return None
        if not self._any and headers.get(b"origin") not in self._named:
            return None
        wanted = headers.get(b"access-control-request-headers", b"authorization, content-type")
        return b"%baccess-control-allow-headers: %b\r\n" % (METHODS, wanted)


class OpenDoor(Door):
    """A door whose answers tell a browser which page may read them."""

    def __init__(self, origins: Origins, desk: Desk, server_state: ServerState, **rest: Any) -> None:
        super().__init__(desk, server_state, **rest)
        self._origins = origins
        self._grant = b""

    def head(self, status: int, headers: bytes, length: int | None) -> bytes:
        """Return the head of a response; one without content has no length either."""
        head = super().head(status, headers + self._grant, length)
        return head.replace(b"content-length: 0\r\n", b"", 1) if status == NO_CONTENT else head

    def _start(self, request: Request) -> None:
        self._grant = self._origins.grant(request.headers)
        super()._start(request)

    def _reject(self, error: ParleyError) -> None:
        if self._task is None:  # else a running request is still to be answered
            self._grant = self._origins.grant(self._headers)
        super()._reject(error)


class OpenService(Service):
    """A service that answers preflights."""

    def __init__(self, house: House, table: Table, origins: Origins) -> None:
        super().__init__(house, table)
        self._origins = origins

    async def take(self, request: Request, door: Door) -> None:
        """Answer *request* through *door*."""
        granted = self._origins.preflight(request)
        if granted is None:
            await super().take(request, door)
        else:
            door.write(door.head(NO_CONTENT, granted, 0))


def doors(house: House, table: Table) -> Callable[..., Door]:
    """Return what makes the door of each connection: the usual one, unless pages of other origins may call."""
    named = house.settings.server.cors_origins
    if not named:
        return functools.partial(Door, Service(house, table))
    origins = Origins(named)
    return functools.partial(OpenDoor, origins, OpenService(house, table, origins))
