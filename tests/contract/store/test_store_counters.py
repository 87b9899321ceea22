"""Counters on SQLite and PostgreSQL: taken together, given back once, not lost with the process that held them."""

import asyncio

import pytest

from parley.errors import NotRecorded
from parley.store.counters import MINUTE, Counter, Kind, Need
from parley.store.database import Store, open_store
from tests.contract.store.counting import an_admission, counter, end_leases, held, money, settle


async def test_forty_of_four_hundred_at_once_are_paid_for(url: str) -> None:
    """Two processes' stores, one budget: exactly forty fit, and all is spent."""
    stores = [await open_store(url) for _ in range(2)]

    async def one(number: int) -> bool:
        store = stores[number % 2]
        admission, record = an_admission(money(10, 400), cost=10)
        verdict = await store.ledger.admit(admission)
        if verdict.short is None:
            await settle(store, admission, record)
        return verdict.short is None

    admitted = await asyncio.gather(*(one(number) for number in range(400)))
    assert sum(admitted) == 40
    assert await counter(stores[0], "usd") == Counter(400, 0)
    assert len(await stores[0].calls(limit=1000)) == 40
    for store in stores:
        await store.close()


async def test_what_was_not_used_is_there_for_the_next(store: Store) -> None:
    """A call that cost less than was held leaves the rest."""
    admission, record = an_admission(money(100, 100), cost=30)
    assert (await store.ledger.admit(admission)).short is None
    other, _ = an_admission(money(70, 100))
    assert (await store.ledger.admit(other)).short is not None
    await settle(store, admission, record)
    assert (await store.ledger.admit(other)).short is None


async def test_a_row_that_cannot_be_written_gives_nothing_back(store: Store) -> None:
    """The id is taken: the hold stands as it stood."""
    admission, record = an_admission(money(100, 100), cost=30)
    await store.ledger.admit(admission)
    await store.ledger.write(record)
    with pytest.raises(NotRecorded):
        await settle(store, admission, record)
    assert await counter(store, "usd") == Counter(0, 100)


async def test_a_good_row_is_written_beside_a_bad_one(store: Store) -> None:
    """In one group, one settlement fails, and the others are booked once."""
    taken = [an_admission(money(10, 1000), cost=5) for _ in range(4)]
    for admission, _ in taken:
        await store.ledger.admit(admission)
    await store.ledger.write(taken[1][1])
    results = await asyncio.gather(*(settle(store, *one) for one in taken), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), NotRecorded, type(None), type(None)]
    assert await counter(store, "usd") == Counter(15, 10)


async def test_what_a_dead_process_held_is_spent_and_has_a_row(url: str) -> None:
    """Its seat is free again, its money counts as spent, its call is told as lost; and all of it once."""
    dead, store = await open_store(url), await open_store(url)
    admission, _ = an_admission(money(100, 100), Need("seats", Kind.SEATS, 1, 1))
    await dead.ledger.admit(admission)
    await dead.close()
    await end_leases(store)
    assert [await store.ledger.keep() for _ in range(2)] == [1, 0]
    assert (await counter(store, "usd"), await counter(store, "seats")) == (Counter(100, 0), Counter(0, 0))
    assert [(row.id, row.outcome, row.cost) for row in await store.calls()] == [(admission.id, "lost", 100)]
    assert await held(store) == 0
    await store.close()


async def test_who_was_given_up_cannot_settle(url: str) -> None:
    """A process that slept through its lease hears NotRecorded: the row is told already."""
    late, other = await open_store(url), await open_store(url)
    admission, record = an_admission(money(100, 100), cost=30)
    await late.ledger.admit(admission)
    await end_leases(late)
    assert await other.ledger.keep() == 1
    with pytest.raises(NotRecorded):
        await settle(late, admission, record)
    assert await counter(late, "usd") == Counter(100, 0)
    assert [row.outcome for row in await late.calls()] == ["lost"]
    await late.close()
    await other.close()


async def test_who_renews_keeps_what_it_holds(url: str) -> None:
    """A process that lives is not taken for dead, however long its calls take."""
    slow, other = await open_store(url), await open_store(url)
    admission, record = an_admission(money(100, 100), cost=30)
    await slow.ledger.admit(admission)
    await end_leases(slow)
    assert [await slow.ledger.keep(), await other.ledger.keep()] == [0, 0]
    await settle(slow, admission, record)
    assert await counter(slow, "usd") == Counter(30, 0)
    await slow.close()
    await other.close()


async def test_a_rate_is_one_for_all(url: str) -> None:
    """Two stores, sixty a minute: sixty and what time brought back."""
    stores = [await open_store(url) for _ in range(2)]
    need = Need("rpm", Kind.RATE, 1, 60, MINUTE)
    verdicts = await asyncio.gather(*(stores[n % 2].ledger.admit(an_admission(need)[0]) for n in range(100)))
    assert 60 <= sum(verdict.short is None for verdict in verdicts) <= 63
    for store in stores:
        await store.close()


async def test_who_left_while_it_asked_holds_nothing(store: Store) -> None:
    """Cut off at any moment of the asking: settling the call gives back what was taken, if it was."""
    for moment in range(40):
        admission, record = an_admission(money(10, 1000), cost=0)
        asking = asyncio.ensure_future(store.ledger.admit(admission))
        await asyncio.sleep(moment % 8 * 0.0003)
        asking.cancel()
        await settle(store, admission, record)
    assert await counter(store, "usd") == Counter(0, 0)
    assert await held(store) == 0


async def test_what_was_never_taken_is_not_given_back(store: Store) -> None:
    """Settling a call that was refused, or whose asking failed, changes no counter."""
    taken, record = an_admission(money(100, 100), cost=30)
    await store.ledger.admit(taken)
    refused, other = an_admission(money(50, 100), cost=0)
    assert (await store.ledger.admit(refused)).short is not None
    await settle(store, refused, other)
    assert await counter(store, "usd") == Counter(0, 100)
    await settle(store, taken, record)
    assert await counter(store, "usd") == Counter(30, 0)
