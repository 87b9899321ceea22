"""Calls that must not happen twice, on SQLite and PostgreSQL: one claim for all, an answer that comes with its row."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from parley.errors import NotRecorded
from parley.store.database import Store, open_store
from parley.store.replays import KEPT_SECONDS, Claim, Found, Kept
from parley.store.tables import idempotency
from tests.contract.store.counting import end_leases
from tests.contract.store.rows import a_record, new_id


def a_claim(key: str = "k", *, project: str = "default", digest: bytes = b"d") -> Claim:
    """Return the claim of a new call."""
    return Claim(project, key, digest, new_id())


async def end(store: Store, claim: Claim, answer: bytes | None = None) -> None:
    """End the call of *claim* with its row."""
    await store.ledger.write(a_record(id=claim.call), kept=Kept(claim, answer))


async def kept(store: Store) -> int:
    """Return how many claims there are, running or answered."""
    async with store._connections.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(idempotency))).scalar_one())


async def grow_old(store: Store) -> None:
    """Let a day go by for all that is kept."""
    async with store._connections.writing() as connection:
        day = KEPT_SECONDS * 1_000_000_000
        await connection.execute(update(idempotency).values(created_at=idempotency.c.created_at - day))


async def test_one_of_many_at_once_is_the_first(url: str) -> None:
    """Forty calls over two processes' stores: all are told the same first."""
    stores = [await open_store(url) for _ in range(2)]
    claims = [a_claim() for _ in range(40)]
    found = await asyncio.gather(*(stores[n % 2].ledger.claim(claim) for n, claim in enumerate(claims)))
    first = {one.call for one in found}
    assert len(first) == 1
    assert first < {claim.call for claim in claims}
    for store in stores:
        await store.close()


async def test_crossed_claims_come_to_an_end(url: str) -> None:
    """Two processes that claim the same keys in opposite orders wait for each other, and not for ever."""
    stores = [await open_store(url) for _ in range(2)]
    keys = [f"k{number}" for number in range(20)]
    orders = (keys, keys[::-1])
    claims = [(stores[n].ledger, a_claim(key)) for n in range(2) for key in orders[n]]
    async with asyncio.timeout(20):
        found = await asyncio.gather(*(ledger.claim(claim) for ledger, claim in claims))
    assert len({one.call for one in found}) == 20
    for store in stores:
        await store.close()


async def test_an_answer_is_there_with_its_row(url: str) -> None:
    """For every process, and after all of them have gone."""
    store, answer = await open_store(url), b"\x00the answer\xff"
    claim = a_claim()
    assert await store.ledger.claim(claim) == Found(claim.call, b"d", None)
    await end(store, claim, answer)
    await store.close()
    other = await open_store(url)
    assert await other.ledger.claim(a_claim(digest=b"e")) == Found(claim.call, b"d", answer)
    assert [row.id for row in await other.calls()] == [claim.call]
    await other.close()


async def test_a_call_without_an_answer_gives_the_key_free(store: Store) -> None:
    """Another may have it, for whatever it asks."""
    claim, other = a_claim(), a_claim(digest=b"e")
    await store.ledger.claim(claim)
    await end(store, claim)
    assert await store.ledger.claim(other) == Found(other.call, b"e", None)


async def test_a_key_is_its_projects_own(store: Store) -> None:
    """The same one of another project is another."""
    claims = [a_claim(project=name) for name in ("one", "two")]
    assert [(await store.ledger.claim(claim)).call for claim in claims] == [claim.call for claim in claims]


async def test_a_claim_handed_in_behind_a_row_finds_it_written(store: Store) -> None:
    """In one group too: who is woken by the first sees what became of it."""
    claim = a_claim()
    await store.ledger.claim(claim)
    _, found = await asyncio.gather(end(store, claim, b"answer"), store.ledger.claim(a_claim()))
    assert found.answer == b"answer"


async def test_a_process_that_died_gives_its_keys_free(url: str) -> None:
    """After its lease, and not before."""
    dead, store = await open_store(url), await open_store(url)
    claim, early, late = a_claim(), a_claim(), a_claim()
    await dead.ledger.claim(claim)
    await dead.close()
    assert (await store.ledger.claim(early)).call == claim.call
    await end_leases(store)
    assert (await store.ledger.claim(late)).call == late.call
    await store.close()


async def test_who_was_given_up_changes_nothing(url: str) -> None:
    """A process that slept through its lease has its row, and the other's claim stands."""
    slow, other = await open_store(url), await open_store(url)
    claim, second = a_claim(), a_claim()
    await slow.ledger.claim(claim)
    await end_leases(slow)
    await other.ledger.claim(second)
    await end(slow, claim, b"late")
    assert await other.ledger.claim(a_claim()) == Found(second.call, b"d", None)
    for store in (slow, other):
        await store.close()


async def test_an_answer_is_forgotten_after_a_day(store: Store) -> None:
    """Nobody gets it any more, and the keeper's turn clears it away."""
    for key in ("one", "two"):
        claim = a_claim(key)
        await store.ledger.claim(claim)
        await end(store, claim, b"answer")
    await grow_old(store)
    again = a_claim("two")
    assert (await store.ledger.claim(again)).call == again.call
    await store.ledger.keep()
    assert await kept(store) == 1


async def test_an_answer_without_a_row_is_none(store: Store) -> None:
    """The row's id is taken: nothing is kept, and the keeper's next turn gives the key free."""
    claim = a_claim()
    await store.ledger.claim(claim)
    await store.ledger.write(a_record(id=claim.call))
    with pytest.raises(NotRecorded):
        await end(store, claim, b"answer")
    assert (await store.ledger.claim(a_claim())).answer is None
    await store.ledger.keep()
    assert await kept(store) == 0
