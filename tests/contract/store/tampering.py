"""An audit log of ten rows, and the ways in which somebody may tamper with it."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.core.rules import Rule
from parley.store.chain import Link, follow
from parley.store.database import Store
from parley.store.proof import Kept, Proof, Report
from parley.store.tables import audit, audit_ends, calls
from tests.contract.store.rows import a_record

IDS = [f"req_{number:032x}" for number in range(7)]


async def proven(store: Store, kept: Kept | None = None) -> Report:
    """Return what the proof finds."""
    return await Proof(store._connections, lambda _done, _all: None, kept).verify()


async def fill(store: Store) -> None:
    """Write ten rows: calls in 1, 4, 6 to 9; a project in 2, its key in 3, a limit in 5, a budget in 10."""
    await store.ledger.write(a_record(id=IDS[0]))
    await store.keys.create()
    await store.ledger.write(a_record(id=IDS[1]))
    await store.rules.set(Rule("organization", "", "*", "requests", "minute", 60))
    for name in IDS[2:6]:
        await store.ledger.write(a_record(id=name))
    await store.rules.set(Rule("organization", "", "*", "money", "day", 60))


async def cheaper(connection: AsyncConnection) -> None:
    """Change the cost of a call."""
    await connection.execute(update(calls).where(calls.c.id == IDS[2]).values(cost=0))


async def forgotten(connection: AsyncConnection) -> None:
    """Delete a call."""
    await connection.execute(delete(calls).where(calls.c.id == IDS[1]))


async def invented(connection: AsyncConnection) -> None:
    """Insert a call."""
    row = (await connection.execute(select(calls).where(calls.c.id == IDS[0]))).one()
    await connection.execute(insert(calls).values(row._asdict() | {"id": IDS[6]}))


async def disowned(connection: AsyncConnection) -> None:
    """Change who did something."""
    await connection.execute(update(audit).where(audit.c.seq == 5).values(actor="nobody"))


async def rewritten(connection: AsyncConnection) -> None:
    """Change who did something, with the hash that the row would have had."""
    rows = (await connection.execute(select(audit).where(audit.c.seq.in_([4, 5])).order_by(audit.c.seq))).all()
    link = follow(rows[0].hash, Link(**(rows[1]._asdict() | {"actor": "nobody"})))
    await connection.execute(update(audit).where(audit.c.seq == 5).values(actor=link.actor, hash=link.hash))


async def swapped(connection: AsyncConnection, one: int = 5, two: int = 7) -> None:
    """Let two rows change places."""
    for before, after in ((one, 1000), (two, one), (1000, two)):
        await connection.execute(update(audit).where(audit.c.seq == before).values(seq=after))


async def neighbours_swapped(connection: AsyncConnection) -> None:
    """Let a row and the next change places."""
    await swapped(connection, 5, 6)


async def gone(connection: AsyncConnection) -> None:
    """Delete two rows of the audit log, one of calls and one of administration."""
    await connection.execute(delete(audit).where(audit.c.seq.in_([5, 6])))


async def cut(connection: AsyncConnection) -> None:
    """Delete the last row of the audit log."""
    await connection.execute(delete(audit).where(audit.c.seq == 10))


async def cut_with_head(connection: AsyncConnection) -> None:
    """Delete the last two rows and put the head back: the call of the one is a stranger then."""
    await connection.execute(delete(audit).where(audit.c.seq >= 9))
    row = (await connection.execute(select(audit).where(audit.c.seq == 8))).one()
    await connection.execute(update(audit_ends).where(audit_ends.c.name == "head").values(seq=8, hash=row.hash))


async def longer(connection: AsyncConnection) -> None:
    """Add a row to the audit log beyond its head."""
    row = (await connection.execute(select(audit).where(audit.c.seq == 10))).one()
    await connection.execute(insert(audit).values(row._asdict() | {"seq": 11}))


async def beheaded(connection: AsyncConnection) -> None:
    """Change the head's hash."""
    await connection.execute(update(audit_ends).where(audit_ends.c.name == "head").values(hash=bytes(32)))


async def moved_checkpoint(connection: AsyncConnection) -> None:
    """Delete the first rows and move the checkpoint, as if they had been pruned."""
    row = (await connection.execute(select(audit).where(audit.c.seq == 3))).one()
    await connection.execute(delete(audit).where(audit.c.seq <= 3))
    values = {"seq": 3, "at": row.at, "hash": row.hash}
    await connection.execute(update(audit_ends).where(audit_ends.c.name == "checkpoint").values(values))


OR_BEFORE = "was changed, or the row before it together with its hash"
TAMPERED: list[tuple[Callable[[AsyncConnection], Awaitable[Any]], list[str]]] = [
    (cheaper, [f"call {IDS[2]} was changed: it is not what audit row 6 lists"]),
    (forgotten, [f"call {IDS[1]} is missing: audit row 4 lists it"]),
    (invented, [f"call {IDS[6]} is invented: no audit row lists it"]),
    (disowned, [f"audit row 5 (rate_limit.updated) {OR_BEFORE}"]),
    (rewritten, [f"audit row 6 (calls) {OR_BEFORE}"]),
    (
        swapped,
        [
            "audit row 5 (calls) is not in its order: it was written as row 7",
            "audit row 7 (rate_limit.updated) is not in its order: it was written as row 5",
        ],
    ),
    (
        neighbours_swapped,
        [
            "audit row 5 (calls) is not in its order: it was written as row 6",
            "audit row 6 (rate_limit.updated) is not in its order: it was written as row 5",
        ],
    ),
    (gone, ["audit rows 5 to 6 are missing", f"call {IDS[2]} is invented: no audit row lists it"]),
    (cut, ["audit row 10 is missing"]),
    (cut_with_head, [f"call {IDS[5]} is invented: no audit row lists it"]),
    (longer, ["audit row 11 is invented: it stands outside of the chain"]),
    (beheaded, ["the head does not have the hash of audit row 10: one of them was changed"]),
    (
        moved_checkpoint,
        [
            "the checkpoint was changed: no row of the chain says that it was pruned up to row 3",
            f"call {IDS[0]} is invented: no audit row lists it",
        ],
    ),
]
