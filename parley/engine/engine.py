"""The engine: hands out addresses of loaded models, and loads and unloads them as they are needed.

`async with engine.use("parley-mini") as address:` loads the model on first use and keeps it while the block
runs; what is done with the address is the caller's business (`parley.upstreams.providers.local`). Each model
runs in a child of its own per purpose, for llama.cpp serves either answers or embeddings. Fails with
NoSuchModel, UpstreamBroken, ShuttingDown.
"""

import asyncio
from types import TracebackType
from typing import Literal

from parley.engine.runner import Address, Runner
from parley.engine.shelf import Shelf
from parley.errors import ShuttingDown
from parley.settings import EngineSettings

__all__ = ["Address", "Engine", "EngineSettings", "Purpose", "Use"]

Purpose = Literal["chat", "embed"]


class Use:
    """One use of a model, as a context manager that gives its address; a class, so that it costs nothing."""

    __slots__ = ("_runner",)

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def __aenter__(self) -> Address:
        runner = self._runner
        runner.users += 1
        if (address := runner.address) is not None:
            return address
        try:
            address = await runner.load()
        finally:
            if address is None:
                runner.leave()
        return address

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.leave()

    def leave(self) -> None:
        """End the use without waiting: for whoever entered by hand."""
        self._runner.leave()


class Engine:
    """Runs the models of a shelf."""

    def __init__(self, shelf: Shelf, settings: EngineSettings) -> None:
        self._shelf = shelf
        self._settings = settings
        self._runners: dict[tuple[str, Purpose], Runner] = {}
        self._closed = False

    def names(self) -> dict[str, int]:
        """Return the names of the models there are, and when each was added (seconds since 1970)."""
        return self._shelf.names()

    def use(self, model: str, purpose: Purpose = "chat") -> Use:
        """Return a context manager that gives the Address of *model*, loaded, and keeps it loaded meanwhile.

        Raises NoSuchModel at once; entering it raises UpstreamBroken where the model cannot be loaded or
        keeps dying, and ShuttingDown after `close`.
        """
        runner = self._runners.get((model, purpose))
        if runner is None:
            if self._closed:
                raise ShuttingDown
            self._shelf.path(model)
            runner = self._runners[(model, purpose)] = Runner(model, purpose, self._shelf, self._settings)
        return Use(runner)

    def loaded(self) -> list[str]:
        """Return the names of the models that are in memory now."""
        return sorted({model for (model, _), runner in self._runners.items() if runner.address is not None})

    async def close(self) -> None:
        """End every child and wait until all are gone. Running answers break off: end the calls first."""
        self._closed = True
        await asyncio.gather(*(runner.close() for runner in self._runners.values()))
