"""Replays: a call that comes again under its `Idempotency-Key` gets the answer of the first, and costs nothing.

The first call claims the key; one that comes meanwhile waits for it, and gets what it got. Only answers are kept, for a
day: where the first failed, was refused, or lost its client, the key is free, and the next that waits runs itself. The
claim ends in the transaction that writes the call's row (`policies.audit`), so an answer that was read to its last byte
is found again whatever happens. A call without the header never comes here.

How it fails: InvalidRequest for a key that is none or not the only one, KeyReused for one that stands for another
request, KeyInUse where the first takes longer than a call may; NotRecorded when the database is away, for nobody knows
then who was first.
"""

import asyncio
from typing import Protocol

import msgspec

from parley.core.call import Call, Caller
from parley.core.events import Event, Kind
from parley.core.reply import Sink
from parley.errors import InvalidRequest, KeyInUse, KeyReused
from parley.store.replays import Claim, Found, Kept

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
LARGEST = 32 * 1024 * 1024  # bytes of an answer that is kept
POLL_SECONDS = 0.05  # between two looks at a call that runs in another process
RETRY_SECONDS = 1.0
REPLAY = "replay"  # who answered, as the record tells it


class Earlier(msgspec.Struct, array_like=True):
    """The answer of the first call: the model that gave it, and its events, each with its kind."""

    model: str | None
    events: list[tuple[Kind, bytes]]

    async def pour(self, sink: Sink) -> None:
        """Send every event to *sink* as it came the first time."""
        for kind, raw in self.events:
            sink.send(Event(kind, raw))
            if not sink.flush():
                await sink.drain()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Earlier).decode


class Claims(Protocol):
    """Where keys are claimed (`parley.store.ledger`)."""

    async def claim(self, claim: Claim) -> Found:
        """Claim a key; return who has it. Raises NotRecorded."""
        ...


class Turn:
    """One call's turn under its key: the first, or one that waits for it."""

    __slots__ = ("_asked", "_claim", "_events", "_model", "_replays", "_size")

    def __init__(self, replays: "Replays", claim: Claim) -> None:
        self._replays = replays
        self._claim = claim
        self._asked = False  # whether the claim was handed in, and may stand
        self._model: str | None = None
        self._events: list[tuple[Kind, bytes]] = []
        self._size = 0

    async def wait(self) -> Earlier | None:
        """Return the answer of the first call, once it is there; None where this is the first.

        Raises KeyReused, KeyInUse, NotRecorded.
        """
        try:
            async with asyncio.timeout(self._replays.patience):
                while (found := await self._found()) is not None:
                    if found.answer is not None:
                        return _decode(found.answer)
                    await self._replays.pause(self._claim)
        except TimeoutError:
            raise KeyInUse(param=HEADER, retry_after=RETRY_SECONDS) from None
        return None

    async def _found(self) -> Found | None:
        """Return who has the key; None: this call. Raises KeyReused, NotRecorded."""
        self._asked = True  # before it is: whatever ends the waiting does not end the writing
        found = await self._replays.claims.claim(self._claim)
        if found.call == self._claim.call:
            self._replays.begin(self._claim)
            return None
        self._asked = False
        if found.digest != self._claim.digest:
            raise KeyReused(param=HEADER)
        return found

    def take(self, event: Event) -> None:
        """Note a piece of the answer."""
        self._size += len(event.raw)
        if self._size <= LARGEST:
            self._events.append((event.kind, event.raw))
            self._model = event.model or self._model
        else:
            self._events.clear()

    def kept(self, *, answered: bool) -> Kept | None:
        """Return what becomes of the claim, where this call may have it."""
        if not self._asked:
            return None
        if not answered or self._size > LARGEST:
            return Kept(self._claim)
        return Kept(self._claim, _encode(Earlier(self._model, self._events)))

    def end(self) -> None:
        """Let those go on who wait for this call: what became of it is written, or handed in to be."""
        self._replays.end(self._claim)


class Replays:
    """Knows which calls have come before."""

    def __init__(self, claims: Claims, patience: float) -> None:
        self.claims = claims
        self.patience = patience  # seconds that a call may wait for the first
        self._running: dict[tuple[str, str], tuple[str, asyncio.Event]] = {}  # in this process, by project and key

    def turn(self, call: Call, caller: Caller) -> Turn | None:
        """Return the turn of *call*, to be waited for; None where it has no key. Raises InvalidRequest."""
        if call.once is None:
            return None
        if call.once.repeated:
            raise InvalidRequest(
                f"The header `{HEADER}` came more than once. Send one with each request.",
                param=HEADER,
                code="invalid_value",
            )
        key = call.once.key
        if not key:
            raise InvalidRequest(
                f"The header `{HEADER}` is empty. Send a new random text with each new request, or leave it out.",
                param=HEADER,
                code="invalid_value",
            )
        if len(key) > LONGEST_KEY:
            raise InvalidRequest(
                f"The header `{HEADER}` is too long: it has {len(key)} characters, and may have {LONGEST_KEY}.",
                param=HEADER,
                code="string_above_max_length",
            )
        return Turn(self, Claim(caller.project, key, call.once.digest, call.id))

    def begin(self, claim: Claim) -> None:
        """Note that the call of *claim* runs here; who waits for one whose lease is over looks again."""
        _, before = self._running.get((claim.project, claim.key), ("", None))
        if before is not None:
            before.set()
        self._running[claim.project, claim.key] = claim.call, asyncio.Event()

    def end(self, claim: Claim) -> None:
        """Wake who waits for the call of *claim*, if it ran here."""
        call, ended = self._running.get((claim.project, claim.key), ("", None))
        if ended is not None and call == claim.call:
            del self._running[claim.project, claim.key]
            ended.set()

    async def pause(self, claim: Claim) -> None:
        """Return when it is worth looking again: the first has ended here; or, where it runs elsewhere, in a while."""
        _, ended = self._running.get((claim.project, claim.key), ("", None))
        if ended is not None:
            await ended.wait()
        else:
            await asyncio.sleep(POLL_SECONDS)
