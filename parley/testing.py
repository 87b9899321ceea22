"""The fakes we use ourselves and ship: a clock that is told the time, a reply that remembers, a provider with a script.

They stand in for what a test can't have otherwise: faults and exact times. Everything else in tests is the real thing.
"""

import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import msgspec

from parley.core.call import Call, Caller, Once, request_id
from parley.core.catalog import Target
from parley.core.events import Event, Kind, Usage
from parley.core.money import FREE, Price
from parley.core.reply import Sink
from parley.errors import NotRecorded, ParleyError
from parley.house import House
from parley.policies.access import Access
from parley.policies.audit import Audit
from parley.policies.counts import Counts
from parley.policies.keys import Keys
from parley.policies.limits import Limits
from parley.policies.replays import Replays
from parley.policies.unmetered import Unmetered
from parley.settings import Settings
from parley.store.administration import Administration
from parley.store.audits import Audits
from parley.store.completions import Completions, StoredCompletion
from parley.store.counters import Counter, Verdict, decide
from parley.store.keys import digest
from parley.store.ledger import Admission, Record, Settled, apply
from parley.store.replays import Claim, Found, Kept
from parley.store.streams import Streams
from parley.store.usage import Usage as Sums
from parley.upstreams.answer import Provider
from parley.upstreams.attempts import Attempts
from parley.upstreams.routing import Routes
from parley.upstreams.upstreams import Upstreams

SECRET = "sk-parley-for-tests"  # noqa: S105 - opens nothing but a fake
START = 1_700_000_000_000_000_000
PATIENCE = 0.2  # seconds that a call waits for an earlier one with the same key


class FakeClock:
    """A clock that goes only when told."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> int:
        """Return the wall time in nanoseconds."""
        return START + int(self.time * 1e9)

    def monotonic(self) -> float:
        """Return the seconds gone so far."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let *seconds* go by."""
        self.time += seconds


class RecordingReply:
    """A reply that remembers what was sent; `meanwhile` runs after each flush (to leave, to fail, to wait)."""

    def __init__(self, meanwhile: Callable[[Event], Awaitable[None]] | None = None) -> None:
        self.authenticated = False
        self.standings: list[Any] = []
        self.replayed = False
        self.events: list[Event] = []
        self.ended = False
        self.left = False
        self.log: Any = None
        self.drains = False
        self._meanwhile = meanwhile
        self._seen = 0

    def send(self, event: Event) -> None:
        """Remember *event*."""
        self.events.append(event)

    def flush(self) -> bool:
        """Tell whether there is nothing to do meanwhile."""
        return self._meanwhile is None

    async def drain(self) -> None:
        """Do what is to be done meanwhile, for each event since the last time."""
        while self._meanwhile is not None and self._seen < len(self.events):
            self._seen += 1
            await self._meanwhile(self.events[self._seen - 1])

    def keep(self, log: Any, *, drain: bool) -> None:
        """Remember the *log*, and nothing in it."""
        self.log, self.drains = log, drain

    def close(self) -> None:
        """Remember the end."""
        self.ended = True

    async def end(self) -> None:
        """Remember the end."""
        self.ended = True


class FakeLedger:
    """A ledger in memory; with `broken` set it refuses."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.stored: list[StoredCompletion] = []
        self.broken = False
        self.counters: defaultdict[str, Counter] = defaultdict(Counter)
        self.holds: set[str] = set()
        self.claims: dict[tuple[str, str], Found] = {}
        self.now = START

    async def write(
        self,
        record: Record,
        stored: StoredCompletion | None = None,
        settled: Settled | None = None,
        kept: Kept | None = None,
        *,
        open: bool = False,  # noqa: A002, ARG002 - as callers have it
    ) -> None:
        """Keep *record*, and settle. Raises NotRecorded when broken."""
        if self.broken:
            raise NotRecorded
        if settled is not None:
            for change in settled.changes if settled.id in self.holds else settled.owed:
                apply(change, self.counters)
            self.holds.discard(settled.id)
        self.records.append(record)
        if stored is not None:
            self.stored.append(stored)
        if kept is not None:
            self._end(kept)

    async def claim(self, claim: Claim) -> Found:
        """Return who has the key. Raises NotRecorded when broken."""
        if self.broken:
            raise NotRecorded
        return self.claims.setdefault((claim.project, claim.key), Found(claim.call, claim.digest, None))

    def _end(self, kept: Kept) -> None:
        name = kept.claim.project, kept.claim.key
        if name in self.claims and self.claims[name].call == kept.claim.call:
            del self.claims[name]
            if kept.answer is not None:
                self.claims[name] = Found(kept.claim.call, kept.claim.digest, kept.answer)

    async def admit(self, admission: Admission) -> Verdict:
        """Take what *admission* needs. Raises NotRecorded when broken."""
        if self.broken:
            raise NotRecorded
        for need in admission.needs:
            self.counters[need.counter]  # made where it is not there yet
        verdict = decide(admission.needs, self.counters, self.now)
        if verdict.short is None:
            self.holds.add(admission.id)
        return verdict

    async def keep(self) -> int:
        """Have nobody to settle for."""
        return 0

    async def catch_up(self) -> int:
        """Have nothing to write late."""
        return 0

    async def ready(self) -> None:
        """Be ready. Raises NotRecorded when broken."""
        if self.broken:
            raise NotRecorded

    async def close(self) -> None:
        """Have nothing to close."""


class FakeKeyBook:
    """One project key (`SECRET`) and one admin key (`SECRET` with `-admin` behind it)."""

    def __init__(self) -> None:
        self.callers = {
            digest(SECRET): Caller(key_id="key_1", project="default", prefix="sk-pa"),
            digest(SECRET + "-admin"): Caller(key_id="key_2", project="default", prefix="sk-pa", admin=True),
        }
        self.number = 1
        self.reads = 0

    async def active(self) -> dict[bytes, Caller]:
        """Return the living keys."""
        self.reads += 1
        return dict(self.callers)

    def version(self) -> int:
        """Return the number of the last change."""
        return self.number


Script = Sequence[Event | ParleyError]


class ScriptedAnswer:
    """An answer that follows a script: events are given, errors raised."""

    def __init__(self, target: Target, script: Script) -> None:
        self.target = target
        self.rest = 0.0
        self.closed = False
        self._script = script

    async def pour(self, sink: Sink) -> None:
        """Send what the script has, raise its errors."""
        for step in self._script:
            if isinstance(step, ParleyError):
                raise step
            sink.send(step)
            if not sink.flush():
                await sink.drain()

    def close(self) -> None:
        """Remember that it was let go."""
        self.closed = True


class ScriptedProvider:
    """A provider that answers with one script after the other; an error first in a script is raised when asked."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.answers: list[ScriptedAnswer] = []
        self.asked: list[str] = []

    async def ask(self, call: Call, target: Target) -> ScriptedAnswer:  # noqa: ARG002 - the provider's signature
        """Return the next answer, or raise the error it begins with."""
        self.asked.append(str(target))
        script = self._scripts.pop(0)
        if script and isinstance(script[0], ParleyError):
            raise script[0]
        answer = ScriptedAnswer(target, script)
        self.answers.append(answer)
        return answer


class NoStreams:
    """A stream log that can't be written."""

    def begin(self, stream: str, project: str) -> None:
        """Begin nothing."""


class NoLocalModels:
    """An engine without models."""

    def names(self) -> dict[str, int]:
        """Return nothing."""
        return {}


def whole(text: str = "Hello", *, usage: Usage | None = None) -> Event:
    """Return a whole chat answer that says *text*."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
        ],
    }
    return Event(Kind.WHOLE, msgspec.json.encode(body), "m-1", usage or Usage(input=10, output=5))


def chunk(text: str, *, finish: str | None = None) -> Event:
    """Return a chunk of a chat answer that adds *text*."""
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-1",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish, "logprobs": None}],
    }
    return Event(Kind.CHUNK, msgspec.json.encode(body), "m-1", text=text)


def a_house(  # noqa: PLR0913 - what a test may choose
    providers: dict[str, Provider],
    settings: Settings,
    *,
    ledger: FakeLedger,
    clock: FakeClock | None = None,
    price: Price = FREE,
    completions: Completions | None = None,
    streams: Streams | None = None,
    administration: Administration | None = None,
) -> House:
    """Return a house whose upstreams are *providers*; only what a flow touches is real."""
    clock = clock or FakeClock()
    counts = Counts()

    async def ready() -> None:
        if ledger.broken:
            raise NotRecorded

    return House(
        settings=settings,
        clock=clock,
        started=clock.now(),
        keys=Keys(FakeKeyBook()),
        access=Access(),
        audit=Audit(ledger, clock, counts, Unmetered(clock)),
        limits=Limits(ledger, clock, settings.limits.longest_answer, Unmetered(clock)),
        replays=Replays(ledger, PATIENCE),
        counts=counts,
        routes=Routes(settings, NoLocalModels(), lambda _url, _model: price),
        upstreams=Upstreams(
            providers,
            settings.upstreams,
            Attempts(clock, counts.attempts),
        ),
        streams=streams or cast("Any", NoStreams()),
        completions=completions or Completions(cast("Any", None)),  # flows that keep nothing ask for none
        administration=administration or cast("Any", None),
        audits=Audits(cast("Any", None)),
        usage=Sums(cast("Any", None)),
        ready=ready,
    )


def a_call(body: object, *, secret: str = SECRET, operation: str = "chat.completions", key: str | None = None) -> Call:
    """Return a call with *body* (an object, or the bytes themselves), and *key* as its `Idempotency-Key`."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    once = None if key is None else Once(key, hashlib.sha256(raw).digest())
    return Call(operation, raw, f"Bearer {secret}", at=START, arrived=0.0, once=once, id=request_id(START))
