"""The record of a call: what it says of every way a call can end."""

import asyncio
from typing import ClassVar

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from parley.core.call import Call, Caller
from parley.core.catalog import Target
from parley.core.events import Event, Kind, Usage
from parley.core.money import Price
from parley.errors import (
    NotRecorded,
    ParleyError,
    ShuttingDown,
    TooLarge,
    UpstreamBroken,
    UpstreamLacksModel,
    UpstreamRefused,
)
from parley.flows.calls import decode
from parley.policies import tokens
from parley.policies.audit import CLIENT_LEFT, Audit, Entry, verdict
from parley.policies.counts import Counts
from parley.policies.unmetered import Unmetered
from parley.testing import FakeClock, FakeLedger, a_call, chunk

CALLER = Caller("key_1", "shop", "sk-pa")
TARGET = Target("main", "gpt-4o", Price(input=1_000_000, output=2_000_000, cached_input=500_000, source="test"))
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello world"}], "stream": True}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, (200, None, "answered")),
        (TooLarge(), (413, None, "refused")),
        (UpstreamRefused(code="context_length_exceeded"), (400, "context_length_exceeded", "refused")),
        (UpstreamLacksModel(), (404, "model_not_found", "refused")),
        (UpstreamBroken(), (502, "upstream_broken", "failed")),
        (asyncio.CancelledError(), (CLIENT_LEFT, None, "left")),
        (asyncio.CancelledError("a word"), (CLIENT_LEFT, None, "left")),
        (asyncio.CancelledError(ShuttingDown()), (503, "server_is_overloaded", "failed")),
        (KeyError("a fault of ours"), (500, "server_error", "failed")),
    ],
)
def test_each_end_has_its_verdict(error: BaseException | None, expected: tuple[int, str | None, str]) -> None:
    """Status, code and outcome: who is at fault can be read from it."""
    assert verdict(error) == expected


class House:
    """An audit with a clock and a ledger in memory, and one call."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ledger = FakeLedger()
        self.counts = Counts()
        self.audit = Audit(self.ledger, self.clock, self.counts, Unmetered(self.clock))
        self.call: Call = a_call(HELLO)

    async def run(self, *events: Event | BaseException, asked: Target | None = TARGET) -> Entry:
        """Record a call that brings *events* one second apart; an error among them ends it."""
        entry = self.audit.record(self.call, CALLER)
        try:
            async with entry:
                self.call.take(decode(self.call))
                if asked is not None:
                    entry.served_by(asked)
                for event in events:
                    self.clock.advance(1)
                    if isinstance(event, BaseException):
                        raise event
                    entry.count(event)
        except (ParleyError, asyncio.CancelledError):
            pass
        return entry


async def test_a_record_tells_who_asked_what() -> None:
    """Caller, call, target, time to the first token and in all."""
    house = House()
    await house.run(chunk("Hel"), chunk("lo"), Event(Kind.USAGE, b"", "m-1", Usage(10, 5, 4)))
    [record] = house.ledger.records
    assert (record.project, record.key_id, record.operation) == ("shop", "key_1", "chat.completions")
    assert (record.model_asked, record.model_answered, record.upstream) == ("gpt-4o", "m-1", "main")
    assert (record.first_token_us, record.total_us, record.streamed) == (1_000_000, 3_000_000, True)
    assert (record.id, record.at) == (house.call.id, house.call.at)


async def test_the_providers_count_is_believed() -> None:
    """Its usage, its cached tokens, and the price of what answered."""
    house = House()
    await house.run(chunk("Hello"), Event(Kind.USAGE, b"", "m-1", Usage(10, 5, 4)))
    [record] = house.ledger.records
    assert (record.input_tokens, record.cached_tokens, record.output_tokens, record.exact) == (10, 4, 5, True)
    assert (record.cost, record.price) == (6 * 1 + 4 * 0.5 + 5 * 2, "test")


async def test_without_the_providers_count_we_count() -> None:
    """What was asked and what was sent, marked as ours."""
    house = House()
    await house.run(chunk("hello"), chunk(" world"), UpstreamBroken())
    [record] = house.ledger.records
    assert (record.input_tokens, record.output_tokens, record.exact) == (9, 2, False)
    assert record.cost == 9 * 1 + 2 * 2


async def test_counting_is_not_the_calls_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client left when it left, however long a tokenizer takes to be loaded then."""
    house = House()

    def slow(*_: object) -> int:
        house.clock.advance(9)
        return 2

    monkeypatch.setattr(tokens, "count", slow)
    await house.run(chunk("hello"), asyncio.CancelledError())
    [record] = house.ledger.records
    assert (record.output_tokens, record.total_us) == (2, 2_000_000)


async def test_the_last_count_is_the_true_one() -> None:
    """A provider that tells its usage with every chunk tells more each time."""
    house = House()
    await house.run(*(Event(Kind.CHUNK, b"{}", usage=Usage(10, number)) for number in (1, 2, 3)))
    assert house.ledger.records[0].output_tokens == 3


async def test_who_was_not_answered_pays_nothing() -> None:
    """No target: no tokens, no cost, no model that answered."""
    house = House()
    await house.run(UpstreamBroken(), asked=None)
    [record] = house.ledger.records
    assert (record.input_tokens, record.cost, record.model_answered, record.upstream) == (0, 0, None, None)
    assert (record.outcome, record.first_token_us) == ("failed", None)


class Asking:
    """An answer that was asked for in vain."""

    attempts = 2
    asked = TARGET
    pending: ClassVar[list[Target]] = []
    answering = None
    spoilt: ClassVar[list[object]] = []


async def test_who_was_asked_in_vain_is_named() -> None:
    """The upstream that was tried last stands in the row; it costs nothing, for it did not answer."""
    house = House()
    entry = house.audit.record(house.call, CALLER)
    entry.follow(Asking())
    with pytest.raises(UpstreamBroken):
        async with entry:
            raise UpstreamBroken
    [record] = house.ledger.records
    assert (record.upstream, record.attempts, record.model_answered) == ("main", 2, None)
    assert (record.cost, record.price, record.input_tokens) == (0, "", 0)


async def test_a_record_that_cant_be_written_is_told() -> None:
    """NotRecorded takes the place of a good end; it is counted as that, and the operator hears of it."""
    house = House()
    house.ledger.broken = True
    entry = house.audit.record(house.call, CALLER)
    with pytest.raises(NotRecorded), capture_logs() as lines:
        async with entry:
            pass
    assert (house.counts.unrecorded, sum(house.counts.calls.values())) == (1, 0)
    assert [line["event"] for line in lines] == ["a call could not be recorded"]


async def test_an_open_call_is_answered_though_it_cant_be_written() -> None:
    """The operator hears of it; one whose answer was to be kept is refused all the same."""
    house = House()
    house.ledger.broken = True
    caller = replace(CALLER, open=True)
    with capture_logs() as lines:
        async with house.audit.record(house.call, caller):
            pass
        with pytest.raises(NotRecorded):
            async with house.audit.record(house.call, caller) as entry:
                entry.keep = object()  # type: ignore[assignment]
    told = [line["event"] for line in lines]
    assert told.count("a call could not be recorded") == house.counts.unrecorded == 2
    assert told.count("the database is away: calls go on without limits") == 1


async def test_nothing_is_kept_of_a_call_that_failed() -> None:
    """`keep` is written with an answered call only."""
    house = House()
    entry = house.audit.record(house.call, CALLER)
    entry.keep = object()  # type: ignore[assignment]
    with pytest.raises(UpstreamBroken):
        async with entry:
            raise UpstreamBroken
    assert house.ledger.stored == []
    assert len(house.ledger.records) == 1


async def test_open_calls_are_counted() -> None:
    """One while it runs, none after it, however it ended."""
    house = House()
    entry = house.audit.record(house.call, CALLER)
    async with entry:
        assert house.counts.open == 1
    await house.run(UpstreamBroken())
    assert house.counts.open == 0


async def test_metrics_add_up_what_records_say() -> None:
    """Calls by their end, tokens and cost by the model that answered."""
    house = House()
    await house.run(chunk("x"), Event(Kind.USAGE, b"", "m-1", Usage(10, 5)))
    await house.run(chunk("x"), Event(Kind.USAGE, b"", "m-1", Usage(1, 2)), UpstreamBroken())
    assert house.counts.calls == {
        ("chat.completions", "answered", 200): 1,
        ("chat.completions", "failed", 502): 1,
    }
    spent = house.counts.spent["m-1"]
    assert (spent.input, spent.output, spent.cost) == (11, 7, 11 * 1 + 7 * 2)


async def test_a_stream_longer_than_was_held_is_cut() -> None:
    """Though its upstream goes on: a budget holds no more. What was sent is booked, as we count it."""
    house = House()
    entry = house.audit.record(house.call, CALLER)
    house.call.most = 10
    entry.served_by(TARGET)

    async def pour() -> None:
        async with entry:
            for _ in range(1000):
                entry.count(chunk(" word"))

    with pytest.raises(UpstreamBroken):
        await pour()
    [record] = house.ledger.records
    assert (record.output_tokens, record.outcome, record.exact) == (27, "failed", False)
    entry = house.audit.record(house.call, CALLER)
    with pytest.raises(UpstreamBroken):
        entry.count(chunk("x" * 10_000))
