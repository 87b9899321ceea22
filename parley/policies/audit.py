"""The record of every call: one durable row, whatever happens.

`Audit.record` is entered before the request is even read, so refusals are recorded too. Leaving it counts the tokens
that the provider did not tell, writes the row and waits until it is durable; only then may the last byte go out. The
row is handed to the ledger's writer before the first wait, so a cancellation (the client hung up) can stop the waiting
but not the writing. If the row can't be written, `NotRecorded` is raised in place of the answer's end, and the ledger
tries again later (`parley.store.backlog`).
"""

import asyncio
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import structlog

from parley.core.call import Call, Caller
from parley.core.catalog import Target
from parley.core.clock import Clock
from parley.core.events import Event, Usage
from parley.core.tasks import finish
from parley.errors import (
    NotRecorded,
    ParleyError,
    RequestError,
    UpstreamBroken,
    UpstreamLacksModel,
    UpstreamRefused,
)
from parley.policies import tokens
from parley.policies.counts import Counts
from parley.policies.replays import REPLAY, Turn
from parley.policies.unmetered import Unmetered
from parley.store.completions import StoredCompletion
from parley.store.counters import debt, settlement
from parley.store.ledger import Admission, Outcome, Record, Settled
from parley.store.replays import Kept

log = structlog.get_logger()

SPARE, LONGEST_TOKEN = 16, 128  # pieces, and bytes, by which a stream may be longer than was held before it is cut
CLIENT_LEFT = 499  # nginx's number for a client that closed the connection; no client ever sees it


class Ledger(Protocol):
    """Where records go (`parley.store`)."""

    async def write(
        self,
        record: Record,
        stored: StoredCompletion | None = None,
        settled: Settled | None = None,
        kept: Kept | None = None,
        *,
        open: bool = False,  # noqa: A002 - as callers have it
    ) -> None:
        """Make *record*, and what comes with it, durable. Raises NotRecorded; *open*: its client is answered then."""
        ...


class Opening(Protocol):
    """An answer being asked for (`parley.upstreams`)."""

    attempts: int
    asked: Target | None
    pending: list[Target]
    answering: Target | None
    spoilt: list[Any]


OpeningT = TypeVar("OpeningT", bound=Opening)


class Entry:
    """The record of one call while it is being made."""

    __slots__ = (
        "_audit",
        "_call",
        "_caller",
        "_first",
        "_model",
        "_opening",
        "_pieces",
        "_target",
        "_text",
        "_usage",
        "keep",
        "left",
        "turn",
    )

    def __init__(self, audit: "Audit", call: Call, caller: Caller) -> None:
        self._audit = audit
        self._call = call
        self._caller = caller
        self._target: Target | None = None
        self._first: float | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._pieces = 0  # of text
        self._text = bytearray()  # what was sent: one buffer, for a stream may be long
        self._opening: Opening | None = None
        self.keep: StoredCompletion | None = None
        self.left = False  # whether its client hung up before its end, which came all the same
        self.turn: Turn | None = None  # what becomes of the key it came under

    def follow(self, opening: OpeningT) -> OpeningT:
        """Note what becomes of *opening*: how many attempts it took, and whom it asked last."""
        self._opening = opening
        return opening

    def served_by(self, target: Target) -> None:
        """Note which *target* answers."""
        self._target = target
        self._model = target.model

    def replayed(self, model: str | None) -> None:
        """Note that this is the answer to an earlier call, which *model* gave then: nothing was asked or used now."""
        self._target = Target(REPLAY, model or "", None)
        self._model = model
        self._usage = Usage()
        self._first = self._audit.clock.monotonic()

    def count(self, event: Event) -> None:
        """Note what *event* tells: the first token's time, the model, the usage, the text."""
        if self._first is None:
            self._first = self._audit.clock.monotonic()
        if event.model:
            self._model = event.model
        if event.usage is not None:
            self._usage = event.usage
        elif event.text:
            self._text += event.text.encode("utf-8", "surrogatepass")
            if self._call.most is not None:
                self._pieces += 1
                self._bound(self._call.most)

    def _bound(self, most: int) -> None:
        """Raise UpstreamBroken when the answer is longer than the *most* tokens that a budget holds the price of.

        A piece of a stream has a token or more, and few tokens have so many bytes: what is cut was too long indeed.
        """
        if self._pieces > most + SPARE or len(self._text) > (most + SPARE) * LONGEST_TOKEN:
            raise UpstreamBroken("The model's provider went on beyond the length that it was asked for.")

    async def __aenter__(self) -> Self:
        self._audit.counts.open += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._audit.counts.open -= 1
        ended = self._audit.clock.monotonic()  # counting tokens may take a second, and is not the call's time
        opening = self._opening
        if opening is not None:
            waited = (
                opening.pending if isinstance(error, asyncio.CancelledError) else ()
            )  # it was asked: it is paid for
            self._target = opening.answering or next(reversed(waited), None)
        if self._usage is None and self._target is not None:
            self._usage = await finish(asyncio.to_thread(self._counted, self._target.model))
        spoilt = await finish(asyncio.to_thread(self._spoilt)) if opening is not None and opening.spoilt else []
        record = self._record(error, ended, spoilt)
        stored = self.keep if error is None else None
        kept = self.turn.kept(answered=error is None) if self.turn else None
        lenient = self._caller.open and stored is None and kept is None  # what was to be kept is told as a failure
        try:
            await self._audit.ledger.write(record, stored, self._settled(record), kept, open=lenient)
        except NotRecorded as failure:
            self._audit.lose(record, failure)
            if not lenient:
                raise
            if not self._call.unmetered:  # else it is counted already
                self._audit.unmetered.count(self._caller, failure)
        except asyncio.CancelledError:
            self._audit.note(record)  # it is written all the same
            raise
        finally:
            if self.turn is not None:
                self.turn.end()
        self._audit.note(record)

    def _settled(self, record: Record) -> Settled | None:
        """Return what ends the hold of the call, if it has one."""
        hold: Admission | None = self._call.hold
        if hold is None:
            return None
        tokens_used = record.input_tokens + record.output_tokens
        owed = debt(hold.needs, record.cost) if self._call.unmetered else ()
        return Settled(record.id, settlement(hold.needs, cost=record.cost, tokens=tokens_used), owed)

    def _counted(self, model: str) -> Usage:
        """Return the tokens of what was asked and sent, as *model* counts them. Runs in a thread: it may take long."""
        before = "".join(one.text for one in self._opening.spoilt if one.sent) if self._opening else ""
        return self._tokens(model, before, self._text.decode("utf-8", "replace")[len(before) :])

    def _spoilt(self) -> list[tuple[Target, Usage]]:
        """Return what was asked in vain, or answered in part, and its tokens. Runs in a thread: it may take long."""
        found, before = [], ""
        for one in self._opening.spoilt if self._opening else ():
            found.append((one.target, self._tokens(one.target.model, before, one.text)))
            before += one.text if one.sent else ""
        return found

    def _tokens(self, model: str, before: str, text: str) -> Usage:
        """Return the tokens of an answer *text*, asked for with what was said *before* in the prompt."""
        asked = tokens.count_input(model, self._call.ask) + (tokens.count(model, before) if before else 0)
        return Usage(input=asked, output=tokens.count(model, text), exact=False)

    def _record(self, error: BaseException | None, ended: float, spoilt: list[tuple[Target, Usage]]) -> Record:
        call, caller, target = self._call, self._caller, self._target
        usage = self._usage or Usage()
        status, code, outcome = verdict(error, left=self.left)
        price = target.price if target else None
        asked_tokens, said_tokens = usage.input, usage.output
        cost: int = price.of(usage) if price else 0
        for wasted, used in spoilt:
            asked_tokens, said_tokens = asked_tokens + used.input, said_tokens + used.output
            cost += wasted.price.of(used) if wasted.price else 0
        asked = target or (self._opening.asked if self._opening else None)  # who failed has a name too
        return Record(
            id=call.id,
            at=call.at,
            project=caller.project,
            key_id=caller.key_id,
            operation=call.operation,
            model_asked=call.model,
            model_answered=self._model if target else None,
            upstream=asked.upstream if asked else None,
            input_tokens=asked_tokens,
            cached_tokens=usage.cached_input,
            output_tokens=said_tokens,
            exact=usage.exact and not spoilt,
            cost=cost,
            price=price.told or price.source if price else "",
            status=status,
            code=code,
            outcome=outcome,
            streamed=call.streamed,
            attempts=self._opening.attempts if self._opening else 0,
            first_token_us=None if self._first is None else int((self._first - call.arrived) * 1e6),
            total_us=int((ended - call.arrived) * 1e6),
        )


def verdict(error: BaseException | None, *, left: bool = False) -> tuple[int, str | None, Outcome]:
    """Return status, error code and outcome of a call that ended with *error*.

    None: it was answered; but for a client that had *left*, the answer went into the stream log, to its end.
    """
    if error is None:
        return 200, None, "left" if left else "answered"
    if isinstance(error, ParleyError):
        refused = isinstance(error, RequestError | UpstreamRefused | UpstreamLacksModel)
        return error.status, error.error_code, "refused" if refused else "failed"
    if isinstance(error, asyncio.CancelledError):
        reason = error.args[0] if error.args else None  # who cancels may say why: the server does when it stops
        return verdict(reason) if isinstance(reason, ParleyError) else (CLIENT_LEFT, None, "left")
    return 500, ParleyError.code, "failed"


class Audit:
    """Keeps the records."""

    def __init__(self, ledger: Ledger, clock: Clock, counts: Counts, unmetered: Unmetered) -> None:
        self.ledger = ledger
        self.clock = clock
        self.counts = counts
        self.unmetered = unmetered

    def record(self, call: Call, caller: Caller) -> Entry:
        """Return the entry of *call*: enter it before anything else, leave it after everything."""
        return Entry(self, call, caller)

    def lose(self, record: Record, failure: NotRecorded) -> None:
        """Tell the operator that *record* could not be written."""
        self.counts.unrecorded += 1
        why = failure.__cause__ or failure
        log.error("a call could not be recorded", request=record.id, project=record.project, why=str(why))

    def note(self, record: Record) -> None:
        """Count *record*, which was written, for `/metrics`."""
        counts = self.counts
        counts.calls[record.operation, record.outcome, record.status] += 1
        counts.durations.add(record.total_us / 1e6)
        if record.first_token_us is not None:
            counts.first_tokens.add(record.first_token_us / 1e6)
        if record.model_answered:
            spent = counts.spent[record.model_answered]
            spent.input += record.input_tokens
            spent.output += record.output_tokens
            spent.cost += record.cost
