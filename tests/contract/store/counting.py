"""What the tests of the counters take, settle and look at."""

from typing import Any

import msgspec
from sqlalchemy import func, select, update

from parley.store.counters import Counter, Kind, Need, settlement
from parley.store.database import Store
from parley.store.ledger import Admission, Record, Settled
from parley.store.tables import counters, holds, leases
from tests.contract.store.rows import a_record


def money(amount: int, limit: int) -> Need:
    """Return a need of money."""
    return Need("usd", Kind.MONEY, amount, limit)


def an_admission(*needs: Need, **changes: Any) -> tuple[Admission, Record]:
    """Return an admission, and the record of its call."""
    record = a_record(**changes)
    about = msgspec.json.encode(msgspec.structs.replace(record, outcome="lost", status=500, code="lost"))
    return Admission(record.id, needs, about), record


async def settle(store: Store, admission: Admission, record: Record) -> None:
    """Settle the call of *admission* with *record*."""
    changes = settlement(admission.needs, cost=record.cost, tokens=record.input_tokens + record.output_tokens)
    await store.ledger.write(record, None, Settled(admission.id, changes))


async def counter(store: Store, name: str) -> Counter:
    """Return the counter *name* as it is kept."""
    async with store._connections.reading() as connection:
        query = select(counters.c.value, counters.c.held).where(counters.c.name == name)
        return Counter(*(await connection.execute(query)).one())


async def held(store: Store) -> int:
    """Return how many holds there are."""
    async with store._connections.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(holds))).scalar_one())


async def end_leases(store: Store) -> None:
    """Let the time of every lease be over."""
    async with store._connections.writing() as connection:
        await connection.execute(update(leases).values(until=1))
