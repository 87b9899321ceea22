"""Streams that break, and what is done about it where the operator asked for it (`on_break`).

- `restart`: the stream is held back until it is whole; the next target begins anew, and the client sees one answer.
- `continue`: what was said is put before the next target that can go on with an answer (`prefill`), and the stream goes
  on behind it. Only for plain text, and the seam is checked (`parley.upstreams.seam`).

How it fails: with the error that broke the stream, where nobody can mend it.
"""

import asyncio
import copy
from typing import Any, Protocol

import msgspec

from parley.core.call import Call
from parley.core.catalog import OnBreak, Target
from parley.core.events import Event
from parley.core.reply import Sink
from parley.errors import UpstreamBroken, UpstreamError
from parley.upstreams.answer import Answer
from parley.upstreams.seam import Seam, Shell, shell_of

MOST_HELD = 64 * 1024 * 1024  # bytes of an answer that is held back
LOOSE = frozenset(("tools", "functions", "response_format", "logprobs", "stop", "modalities", "audio", "prediction"))
"""Parameters with which a second half may not fit the first."""
PLAIN = {"role", "content", "refusal"}


class Spoilt(msgspec.Struct, frozen=True):
    """An answer, or the beginning of one, that has to be paid for and that the client did not get whole.

    text: what it said. sent: whether the client has got that.
    """

    target: Target
    text: str = ""
    sent: bool = False


class Asker(Protocol):
    """Who asks the next target (`parley.upstreams.opening`)."""

    spoilt: list[Spoilt]
    answering: Target | None

    async def again(self, call: Call, answer: Answer, error: UpstreamError, *, going_on: bool) -> Answer:
        """Return an answer to *call* from another target. Raises *error* when there is none."""
        ...


class Held:
    """A sink that keeps everything. Raises UpstreamBroken for more than fits."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._size = 0

    def send(self, event: Event) -> None:
        """Keep *event*."""
        self._size += len(event.raw)
        if self._size > MOST_HELD:
            raise UpstreamBroken("The answer is too large to be held back until it is whole.")
        self.events.append(event)

    def flush(self) -> bool:
        """Want more."""
        return True

    async def drain(self) -> None:
        """Wait for nothing."""

    @property
    def text(self) -> str:
        """Return all that was said."""
        return "".join(event.text for event in self.events)


class Said:
    """A sink that passes everything on, and remembers it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._events: list[Event] = []
        self.seam: Seam | None = None
        self.flush = sink.flush
        self.drain = sink.drain

    def send(self, event: Event) -> None:
        """Pass *event* on: behind a seam only once that is found good."""
        for one in (event,) if self.seam is None else self.seam.pass_on(event):
            self._events.append(one)
            self._sink.send(one)

    def plain(self) -> tuple[str, Shell] | None:
        """Return what was said, and what its chunks have in common; None unless it is the beginning of plain text."""
        text, shell = "", None
        for event in self._events:
            chunk: dict[str, Any] = msgspec.json.decode(event.raw or b"{}")
            shell = shell or shell_of(chunk)
            for choice in chunk.get("choices") or ():
                delta: dict[str, Any] = choice.get("delta") or {}
                odd = any(value for name, value in delta.items() if name not in PLAIN) or delta.get("refusal")
                if choice.get("index") or choice.get("finish_reason") or odd:
                    return None
                text += delta.get("content") or ""
        return (text, shell) if text and shell else None

    @property
    def pieces(self) -> int:
        """Return how many pieces of text there were: about as many as tokens."""
        return sum(bool(event.text) for event in self._events)


class Mended:
    """An answer that is mended when it breaks."""

    rest = 0.0

    def __init__(self, asker: Asker, answer: Answer, call: Call, how: OnBreak) -> None:
        self._asker = asker
        self._answer = answer
        self._call = call
        self._how = how

    @property
    def target(self) -> Target:
        """Return who answers now."""
        return self._answer.target

    async def pour(self, sink: Sink) -> None:
        """Send every event to *sink*. Raises UpstreamError when the answer broke and nobody could mend it."""
        if self._how == "restart":
            await self._whole(sink)
        else:
            await self._seamed(Said(sink))

    def close(self) -> None:
        """Do nothing: whoever asked lets go of the answer."""

    async def _whole(self, sink: Sink) -> None:
        """Wait for an answer that does not break, then send it."""
        while True:
            held = Held()
            try:
                await self._answer.pour(held)
                break
            except asyncio.CancelledError:  # the client left before it has seen anything of it
                self._asker.spoilt.append(Spoilt(self.target, held.text))
                self._asker.answering = None
                raise
            except UpstreamError as error:
                self._asker.spoilt.append(Spoilt(self.target, held.text))
                self._answer = await self._asker.again(self._call, self._answer, error, going_on=False)
        for event in held.events:
            sink.send(event)
        if not sink.flush():
            await sink.drain()

    async def _seamed(self, said: Said) -> None:
        """Send the answer as it comes, and what another target goes on with when it breaks."""
        paid = 0  # signs of what was sent that are paid for already
        while True:
            try:
                return await self._answer.pour(said)
            except UpstreamError as error:
                begun = said.plain() if may_go_on(self._call) else None
                if begun is None:
                    raise
                text, shell = begun
                self._asker.spoilt.append(Spoilt(self.target, text[paid:], sent=True))
                if said.seam is not None and said.seam.held:
                    self._asker.spoilt.append(Spoilt(self.target, said.seam.held))
                paid = len(text)
                call = going_on(self._call, text, said.pieces)
                self._answer = await self._asker.again(call, self._answer, error, going_on=True)
                said.seam = Seam(text, shell)


def may_go_on(call: Call) -> bool:
    """Tell whether the answer to *call* may have a second half by somebody else."""
    if call.operation != "chat.completions" or (getattr(call.ask, "n", None) or 1) > 1:
        return False
    return not any(bytes(call.fields.get(name, b"null")) not in (b"null", b"false", b"[]") for name in LOOSE)


def going_on(call: Call, text: str, pieces: int) -> Call:
    """Return *call* as it is put to who goes on behind *text*, which took as many tokens as it has *pieces*."""
    found = copy.copy(call)
    found.begun = text
    limit = call.cap or getattr(call.ask, "limit", None)
    if limit is not None:
        found.cap = max(1, limit - pieces)
    return found
