"""Who calls: the check of the API key.

All living keys are held in memory by the SHA-256 of their secret, so a check costs no trip to the database. The store's
version number tells when a key was made or revoked, in this process or another: then they are read again before the
call goes on, so a revoked key is dead at once.
"""

import hashlib
from typing import Protocol

from parley.core.call import Call, Caller
from parley.errors import Unauthenticated

SHOWN_HEAD, SHOWN_TAIL = 5, 4


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


class Keys:
    """Tells who calls."""

    def __init__(self, book: KeyBook) -> None:
        self._book = book
        self._version: int | None = None
        self._callers: dict[bytes, Caller] = {}

    async def identify(self, call: Call) -> Caller:
        """Return the caller of *call*. Raises Unauthenticated."""
        scheme, _, secret = (call.authorization or "").partition(" ")
        secret = secret.strip()
        if not secret or scheme.lower() != "bearer":
            raise Unauthenticated
        version = self._book.version()
        if version != self._version:
            self._callers = await self._book.active()
            self._version = version
        caller = self._callers.get(hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest())
        if caller is None:
            raise Unauthenticated(f"Incorrect API key provided: {mask(secret)}.", code="invalid_api_key")
        return caller
