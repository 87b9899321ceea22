"""Keeps one model running for one purpose, while somebody needs it.

The first user starts the child and the others wait for the same start. A child that nobody used for a while
is ended by a timer. One that dies by itself is started again by the next user; after three deaths in a row
that came soon after the start, users are refused for a few seconds instead. Fails with NoSuchModel and
UpstreamBroken.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from pathlib import Path
from time import monotonic

import msgspec
import structlog

from parley.engine.gguf import Vocabulary
from parley.engine.order import Order
from parley.engine.process import Process
from parley.engine.shelf import Shelf
from parley.errors import ShuttingDown, UpstreamBroken
from parley.settings import EngineSettings

HOST = "127.0.0.1"
QUICK = 10.0  # seconds after its start in which a death counts as one of a row
PATIENCE = 3  # quick deaths in a row
PAUSE = 5.0  # seconds without another try after them

log = structlog.get_logger()


class Address(msgspec.Struct, frozen=True):
    """Where a loaded model listens.

    secret: the bearer token it asks for. context: tokens of one call, prompt and answer together.
    parallel: calls it answers at once; more wait. vision: whether it takes images. vocabulary: its tokens.
    forms: whether it calls functions by filling in forms. certain: how likely a call has to be, 0 to 1, to be made.
    """

    host: str
    port: int
    secret: str
    context: int
    parallel: int
    vision: bool
    vocabulary: Vocabulary = Vocabulary()
    forms: bool = False
    certain: float = 0


class Runner:
    """One model for one purpose. `address` is None while it is not loaded; `users` counts who uses it now."""

    def __init__(self, model: str, purpose: str, shelf: Shelf, settings: EngineSettings) -> None:
        self.address: Address | None = None
        self.users = 0
        self._model = model
        self._purpose = purpose
        self._shelf = shelf
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._loading: asyncio.Task[Address] | None = None
        self._process: Process | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0
        self._deaths = 0
        self._patient_until = 0.0
        self._closed = False

    async def load(self) -> Address:
        """Return the address, once it is loaded. Raises NoSuchModel, UpstreamBroken, ShuttingDown."""
        if self._closed:
            raise ShuttingDown
        if self._loading is None:
            self._refuse_if_dying()
            self._loading = asyncio.create_task(self._start())
            self._loading.add_done_callback(self._loaded)
        loading = self._loading
        await asyncio.wait([loading])  # a user that is cancelled here takes nobody's load away
        if loading.cancelled():
            raise ShuttingDown
        return loading.result()

    def leave(self) -> None:
        """One user less; the last one starts the clock."""
        self.users -= 1
        if not self.users:
            self._idle_since = monotonic()
            if self._timer is None and self.address is not None:
                self._timer = self._loop.call_later(self._settings.idle_seconds, self._check_idle)

    async def close(self) -> None:
        """End the child, if there is one, for good."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait([self._loading])
        await self._end()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _start(self) -> Address:
        path = await asyncio.to_thread(self._shelf.path, self._model)
        order = self._order(path)
        try:
            process = await Process.start(order, self._settings.start_seconds)
        except UpstreamBroken:
            self._count_death()
            raise
        ready = process.ready
        self._process = process
        self.address = Address(
            HOST,
            ready.port,
            order.secret,
            ready.context,
            ready.parallel,
            ready.vision,
            ready.vocabulary,
            ready.forms,
            ready.certain,
        )
        self._keep(self._watch(process))
        self.users += 1
        self.leave()  # starts the clock where every user has gone meanwhile
        return self.address

    def _order(self, path: Path) -> Order:
        settings = self._settings
        return Order(
            name=self._model,
            path=str(path),
            purpose=self._purpose,
            secret=secrets.token_urlsafe(32),
            threads=settings.threads,
            parallel=settings.parallel,
            context=settings.context,
        )

    def _loaded(self, loading: asyncio.Task[Address]) -> None:
        self._loading = None
        if not loading.cancelled():
            loading.exception()  # seen here, for every user may have gone

    async def _watch(self, process: Process) -> None:
        """See *process* to its end; if nobody ended it, the next user starts another."""
        started = monotonic()
        status = await process.wait()
        if self._process is not process:
            return
        self._process = self.address = None
        if monotonic() - started >= QUICK:
            self._deaths = 0
        self._count_death()
        log.warning("engine_died", model=self._model, purpose=self._purpose, status=status)

    def _count_death(self) -> None:
        self._deaths += 1
        if self._deaths >= PATIENCE:
            self._patient_until = monotonic() + PAUSE

    def _refuse_if_dying(self) -> None:
        rest = self._patient_until - monotonic()
        if rest > 0:
            raise UpstreamBroken(f"The model `{self._model}` keeps failing to run.", retry_after=rest)

    def _check_idle(self) -> None:
        """End the child if it was idle long enough; look again when it may be."""
        self._timer = None
        if self.users:
            return
        rest = self._idle_since + self._settings.idle_seconds - monotonic()
        if rest > 0:
            self._timer = self._loop.call_later(rest, self._check_idle)
        else:
            self._keep(self._end())

    async def _end(self) -> None:
        process, self._process, self.address = self._process, None, None
        if process is not None:
            await process.end()

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
