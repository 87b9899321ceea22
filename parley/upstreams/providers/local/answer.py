"""An answer of the engine: its stream, read as OpenAI's events, one by one or put together."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.events import Event, Kind, Usage
from parley.core.reply import Sink
from parley.engine.engine import Use
from parley.errors import UpstreamBroken
from parley.schema.merging import merge
from parley.upstreams.client import Exchange
from parley.upstreams.providers.bodies import wants_usage
from parley.upstreams.providers.local.texts import merge_text
from parley.upstreams.providers.openai import DONE
from parley.upstreams.sse import Events

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Counter(Protocol):
    """Who knows the tokens so far."""

    def usage(self) -> Usage:
        """Return them."""
        ...


class Reader(Protocol):
    """Turns the engine's chunks into OpenAI's."""

    @property
    def tally(self) -> Counter:
        """Return who knows the tokens so far."""
        ...

    def take(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the chunks that *chunk* becomes."""
        ...


def shown(usage: Usage) -> dict[str, Any]:
    """Return *usage* as the wire shows it."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached_input},
    }


class LocalAnswer:
    """The events of one answer; the model stays loaded until it is let go."""

    __slots__ = ("_call", "_done", "_events", "_exchange", "_last", "_reader", "_ready", "_use", "target")

    rest = 0.0

    def __init__(self, target: Target, call: Call, exchange: Exchange, reader: Reader, use: Use) -> None:
        self.target = target
        self._call = call
        self._exchange = exchange
        self._reader = reader
        self._use: Use | None = use
        self._events = Events()
        self._ready: list[Event] = []
        self._last: dict[str, Any] | None = None
        self._done = False

    async def begin(self) -> None:
        """Wait for the first event; a whole answer is its only one. Raises UpstreamError."""
        if self._call.streamed:
            await self._more()
            return
        chunks: list[dict[str, Any]] = []
        while not self._done:
            chunks += await self._read()
        if not chunks:
            raise UpstreamBroken("The embedded engine sent no answer.")
        whole = merge_text(chunks) if self._call.operation == "completions" else merge(chunks)
        usage = self._reader.tally.usage()
        whole["usage"] = shown(usage)
        self._ready.append(Event(Kind.WHOLE, _encode(whole), whole["model"], usage))

    async def pour(self, sink: Sink) -> None:
        """Send every event to *sink*. Raises UpstreamError."""
        while self._ready:
            for event in self._ready:
                sink.send(event)
            self._ready.clear()
            if not sink.flush():
                await sink.drain()
            await self._more()

    def close(self) -> None:
        """Stop the engine's work on it, and let the model go."""
        self._exchange.close()
        use, self._use = self._use, None
        if use is not None:
            use.leave()

    async def _more(self) -> None:
        """Read until there is an event to send, or the end."""
        while not self._ready and not self._done:
            for chunk in await self._read():
                self._last = chunk
                self._ready.append(self._event(chunk))
        if self._done and self._last is not None:
            self._ready.append(self._usage_event(self._last))
            self._last = None

    def _event(self, chunk: dict[str, Any]) -> Event:
        if wants_usage(self._call):
            chunk["usage"] = None
        return Event(Kind.CHUNK, _encode(chunk), chunk["model"], self._reader.tally.usage())

    def _usage_event(self, last: dict[str, Any]) -> Event:
        usage = self._reader.tally.usage()
        raw = _encode({**last, "choices": [], "usage": shown(usage)}) if wants_usage(self._call) else b""
        return Event(Kind.USAGE, raw, last["model"], usage)

    async def _read(self) -> list[dict[str, Any]]:
        """Return the chunks that the next bytes bring. Raises UpstreamBroken when it ends too early."""
        data = await self._exchange.chunk()
        if not data:
            raise UpstreamBroken("The embedded engine broke off in the middle of its answer.")
        chunks: list[dict[str, Any]] = []
        for payload in self._events.feed(data):
            if payload == DONE:
                self._done = True
                break
            chunk = _decode(payload)
            if not chunk:
                continue  # llama.cpp begins a list of prompts with `null`
            if chunk.get("error"):
                raise UpstreamBroken(f"The embedded engine failed: {chunk['error'].get('message')}")
            chunks += self._reader.take(chunk)
        return chunks
