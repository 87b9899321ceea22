"""The ledger on SQLite: one thread owns a connection (`parley.store.sqlite_book`) and writes group after group.

While a group is being committed the next one gathers in the event loop: no lock is held, the loop hands a
whole list to the thread, and the thread wakes the loop once a group. What a commit costs is its fsync, about
150 microseconds of CPU whether it carries one row or forty, so when calls end in crowds a group waits two
milliseconds for more. A lone caller never waits for anybody.
"""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from msgspec.structs import astuple

from parley.errors import NotRecorded
from parley.store.backlog import Backlog
from parley.store.completions import StoredCompletion
from parley.store.counters import Verdict
from parley.store.leases import LEASE_SECONDS, Lease
from parley.store.ledger import Admission, Claiming, Entry, Keep, Record, Results, Settled, failure, left_behind, settle
from parley.store.replays import Claim, Found, Kept
from parley.store.sqlite_book import Book

_CROWD = 12  # so many rows in two groups that follow each other are a crowd; a few callers never are
_GATHER_SECONDS = 0.002


class SqliteLedger:
    """The ledger on SQLite. Made inside the event loop that will write to it."""

    def __init__(self, path: Path, lease_seconds: float = LEASE_SECONDS) -> None:
        self._loop = asyncio.get_running_loop()
        self._groups: SimpleQueue[list[Entry] | None] = SimpleQueue()
        self._pending: list[Entry] = []
        self._left: list[Kept] = []  # claims whose end could not be written
        self._busy = False
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None
        self._book = Book(path, Lease(lease_seconds))
        self._backlog = Backlog(self._enter)
        self._thread = self._begin()

    async def write(
        self,
        record: Record,
        stored: StoredCompletion | None = None,
        settled: Settled | None = None,
        kept: Kept | None = None,
        *,
        open: bool = False,  # noqa: A002 - as callers have it
    ) -> None:
        """Return when *record*, and what comes with it, is durable. Raises NotRecorded: nothing of it is there."""
        entry = Entry(self._loop.create_future(), astuple(record), stored, settled, kept=kept)
        entry.open = open
        await self._enter(entry)

    async def admit(self, admission: Admission) -> Verdict:
        """Take what *admission* needs, all or nothing, and return the verdict. Raises NotRecorded."""
        verdict: Verdict = await self._enter(Entry(self._loop.create_future(), admission=admission))
        return verdict

    async def claim(self, claim: Claim) -> Found:
        """Claim a key; return who has it: this call, or the one before. Raises NotRecorded."""
        found: Found = await self._enter(Claiming(self._loop.create_future(), claim))
        return found

    async def keep(self) -> int:
        """Renew this process's lease; settle what the dead have held, and return how many calls. Raises NotRecorded."""
        left = tuple(self._left)
        dead: int = await self._enter(Keep(self._loop.create_future(), left))
        del self._left[: len(left)]
        return dead

    async def catch_up(self) -> int:
        """Write the rows that could not be written when their calls ended; return how many."""
        return await self._backlog.work()

    async def ready(self) -> None:
        """Return when a small transaction has been committed. Raises NotRecorded."""
        await self._enter(Entry(self._loop.create_future()))

    async def close(self) -> None:
        """Write what is pending, then close the file."""
        self._closed = True
        if self._busy:
            self._emptied = self._loop.create_future()
            await self._emptied
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join)

    def _enter(self, entry: Entry) -> "asyncio.Future[Any]":
        if self._closed:
            raise NotRecorded
        self._pending.append(entry)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._hand_over)  # soon: calls that end in this turn of the loop come along
        return entry.future

    def _begin(self) -> threading.Thread:
        """Start the thread."""
        self._broken = False
        thread = threading.Thread(target=self._work, name="parley-ledger", daemon=True)
        thread.start()
        return thread

    def _hand_over(self) -> None:
        """Give what is pending to the thread, a new one if a fault of ours ended it; with nothing pending, rest."""
        group, self._pending = [entry for entry in self._pending if not entry.given_up], []
        if group:
            if self._broken:
                self._thread = self._begin()
            self._groups.put(group)
            return
        self._busy = False
        if self._emptied is not None:
            self._emptied.set_result(None)

    def _settle(self, group: list[Entry], results: Results) -> None:
        """Wake who waits for *group*; then, when their next rows may have come too, go on."""
        self._left += left_behind(group, results)
        settle(group, results, self._backlog.add)
        self._loop.call_soon(self._go_on, len(group))

    def _go_on(self, written: int) -> None:
        come = len(self._pending)
        if come < written and come + written >= _CROWD and not self._closed:
            self._loop.call_later(_GATHER_SECONDS, self._hand_over)
        else:
            self._hand_over()

    def _work(self) -> None:
        """Write groups until None comes. Runs in the thread."""
        while (group := self._groups.get()) is not None:
            results: Results = [failure(RuntimeError("a fault of ours")) for _ in group]
            try:
                results = self._book.write(group)
            except BaseException:
                self._broken = True
                raise
            finally:  # who waits is told in any case
                with suppress(RuntimeError):  # the loop was closed without us: nobody waits any more
                    self._loop.call_soon_threadsafe(self._settle, group, results)
        self._book.close()
