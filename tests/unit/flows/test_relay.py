"""The way of an event: counted, kept, sent."""

import asyncio

import pytest

from parley.core.call import Caller
from parley.flows.keeping import Keeper
from parley.flows.relay import Relay
from parley.policies.audit import Audit
from parley.policies.counts import Counts
from parley.policies.unmetered import Unmetered
from parley.testing import FakeClock, FakeLedger, RecordingReply, a_call, chunk

CALLER = Caller(key_id="key_1", project="default", prefix="sk-pa")


@pytest.mark.parametrize("kept", [True, False])
async def test_an_event_is_counted_kept_and_sent(kept: bool) -> None:
    """In this order, for what was sent must be counted."""
    call = a_call({"model": "m", "messages": []})
    ledger = FakeLedger()
    keeper = Keeper(call, CALLER) if kept else None
    reply = RecordingReply()
    event = chunk("Hel")
    async with Audit(ledger, FakeClock(), Counts(), Unmetered(FakeClock())).record(call, CALLER) as entry:
        relay = Relay(entry, reply, keeper)
        relay.send(event)
        assert relay.flush()
        await relay.drain()
    assert reply.events == [event]
    assert ledger.records[0].first_token_us is not None


async def test_the_client_is_waited_for() -> None:
    """Its slowness is the relay's."""
    waited = asyncio.Event()

    async def wait(_: object) -> None:
        waited.set()

    call = a_call({"model": "m", "messages": []})
    relay = Relay(
        Audit(FakeLedger(), FakeClock(), Counts(), Unmetered(FakeClock())).record(call, CALLER),
        RecordingReply(wait),
        None,
    )
    relay.send(chunk("Hel"))
    assert not relay.flush()
    await relay.drain()
    assert waited.is_set()
