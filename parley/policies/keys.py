"""Who calls: the check of the API key.

All living keys are held in memory by the SHA-256 of their secret, so a check costs no trip to the database; a header
that was found good is remembered as it came, which saves the hashing too. The store's version number tells when a key
was made or revoked, in this process or another: then they are read again before the call goes on, so a revoked key is
dead at once. While the database is away nobody knows, and calls are refused; but for projects that chose `open`.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from parley.core.call import Call, Caller
from parley.errors import NotRecorded, Unauthenticated

SHOWN_HEAD, SHOWN_TAIL = 5, 4
REMEMBERED = 4096  # headers


class KeyBook(Protocol):
    """Where the living keys are read from (`parley.store`)."""

    async def active(self) -> dict[bytes, Caller]:
        """Return the callers of all living keys by the SHA-256 of the key."""
        ...

    def version(self) -> int:
        """Return a number that differs after every change; costs no trip to the database."""
        ...


def mask(secret: str) -> str:
    """Return *secret* as it may be shown: its first and last signs."""
    if len(secret) <= 2 * (SHOWN_HEAD + SHOWN_TAIL):
        return secret[:2] + "***"
    return f"{secret[:SHOWN_HEAD]}***{secret[-SHOWN_TAIL:]}"


def shown(authorization: str | None) -> str | None:
    """Return what the log may show of a header that opened nothing: its key masked; of another scheme the name."""
    scheme, _, secret = (authorization or "").strip().partition(" ")
    return (mask(secret.strip()) if scheme.lower() == "bearer" else mask(scheme)) if scheme else None


class Keys:
    """Tells who calls."""

    def __init__(self, book: KeyBook) -> None:
        self._book = book
        self._version: int | None = None
        self._callers: dict[bytes, Caller] = {}
        self._known: dict[str, Caller] = {}  # by the header
        self._used: dict[str, int] = {}  # when each was last used, as far as nobody was told

    async def identify(self, call: Call) -> Caller:
        """Return the caller of *call*. Raises Unauthenticated."""
        header = call.authorization
        if not header:
            raise Unauthenticated
        version = self._book.version()
        if version != self._version:
            try:
                callers = await self._book.active()
            except NotRecorded:
                return self._last_known(header)
            self._callers, self._known, self._version = callers, {}, version
        caller = self._known.get(header)
        if caller is None:
            caller = self._look_up(header)
            if len(self._known) < REMEMBERED:
                self._known[header] = caller
        if caller.expires_at is not None and call.at >= caller.expires_at:
            raise Unauthenticated("This API key has expired.", code="expired_api_key")
        self._used[caller.key_id] = call.at
        return caller

    async def tell(self, note: Callable[[dict[str, int]], Awaitable[None]]) -> None:
        """Have *note* write when keys were last used, if any were since it did. Raises NotRecorded."""
        if self._used:
            used, self._used = self._used, {}
            try:
                await note(used)
            except NotRecorded:
                self._used = used | self._used
                raise

    def _last_known(self, header: str) -> Caller:
        """Return whose key *header* was when the database was last seen, for `open` projects. Raises NotRecorded."""
        with suppress(Unauthenticated):
            caller = self._look_up(header)
            if caller.open and (caller.expires_at is None or caller.expires_at > time.time_ns()):
                return caller
        raise NotRecorded

    def _look_up(self, authorization: str) -> Caller:
        """Return whose key stands in the header *authorization*. Raises Unauthenticated."""
        scheme, _, secret = authorization.partition(" ")
        secret = secret.strip()
        if not secret or scheme.lower() != "bearer":
            raise Unauthenticated
        caller = self._callers.get(hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest())
        if caller is None:
            raise Unauthenticated(f"Incorrect API key provided: {mask(secret)}.", code="invalid_api_key")
        return caller
