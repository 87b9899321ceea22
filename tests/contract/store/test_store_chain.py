"""The audit log's chain on SQLite and PostgreSQL: one for all who write, and whatever is tampered with is named."""

import asyncio
import re
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.core.actor import acting
from parley.store.audits import Wanted, note
from parley.store.chain import HEAD, START
from parley.store.database import Store, open_store
from parley.store.tables import audit, audit_ends, calls
from tests.contract.store.counting import an_admission, end_leases, money, settle
from tests.contract.store.rows import a_completion, a_record, start
from tests.contract.store.tampering import IDS, TAMPERED, cheaper, cut, fill, proven

ALL = 2**62


def quiet(_done: int, _all: int) -> None:
    """Tell nobody."""


async def change_in_vain(store: Store) -> None:
    """Change something, say so, and fail."""
    async with store.connections.writing() as connection:
        await connection.execute(calls.update().values(cost=0))
        await note(connection, "project.updated", "proj_1")
        raise RuntimeError


async def test_what_nobody_touched_is_proven(store: Store) -> None:
    """Ten rows and six calls, and nothing wrong."""
    await fill(store)
    report = await proven(store)
    assert (report.faults, report.seq, report.rows, report.calls) == ([], 10, 10, 6)


async def test_an_empty_one_is_proven(store: Store) -> None:
    """The chain begins with 32 zero bytes."""
    report = await proven(store)
    assert (report.faults, report.seq, report.hash) == ([], 0, START)


@pytest.mark.parametrize(("tamper", "faults"), TAMPERED, ids=lambda value: getattr(value, "__name__", ""))
async def test_tampering_is_named(
    store: Store, tamper: Callable[[AsyncConnection], Awaitable[Any]], faults: list[str]
) -> None:
    """Each way of it is found, and nothing else is accused; the subjects of rules are left out here."""
    await fill(store)
    async with store._connections.writing() as connection:
        await tamper(connection)
    found = [re.sub(r" limit_\w+", "", fault) for fault in (await proven(store)).faults]
    assert found == faults


async def test_a_chain_cut_with_its_head_is_found_by_who_kept_it(store: Store) -> None:
    """The last row and the head put back: only a hash that was kept elsewhere tells."""
    await fill(store)
    kept = await proven(store)
    async with store._connections.writing() as connection:
        await cut(connection)
        row = (await connection.execute(select(audit).where(audit.c.seq == 9))).one()
        await connection.execute(update(audit_ends).where(audit_ends.c.name == HEAD).values(seq=9, hash=row.hash))
    assert (await proven(store)).faults == []
    faults = ["audit row 10, whose hash was kept, is not there: it would come after the head, row 9"]
    assert (await proven(store, (kept.seq, kept.hash))).faults == faults


async def test_a_hash_that_was_kept_is_found_again(store: Store) -> None:
    """The chain goes on from it; another hash is told."""
    await fill(store)
    kept = await proven(store)
    await store.ledger.write(a_record())
    assert (await proven(store, (kept.seq, kept.hash))).faults == []
    assert (await proven(store, (4, START))).faults == [
        "audit row 4 does not have the hash that was kept: the chain was written anew"
    ]


async def test_every_way_to_write_a_call_is_linked(url: str) -> None:
    """Plain, settled, with a kept answer, beside a bad one, cleaned, and lost."""
    dead, store = await open_store(url), await open_store(url)
    left, _ = an_admission(money(10, 1000))
    await dead.ledger.admit(left)
    await dead.close()
    await end_leases(store)
    await store.ledger.keep()
    admission, record = an_admission(money(10, 1000), cost=5)
    await store.ledger.admit(admission)
    await settle(store, admission, record)
    await store.ledger.write(a_record(), a_completion())
    rows = [a_record(), record, a_record(model_asked="a\ud800"), a_record(model_asked="a\0"), a_record(cost=2**70)]
    await asyncio.gather(*map(store.ledger.write, rows), return_exceptions=True)
    await asyncio.gather(*(store.ledger.write(a_record()) for _ in range(100)))
    report = await proven(store)
    assert (report.faults, report.calls) == ([], 106)
    await store.close()


async def test_two_stores_write_one_chain(url: str) -> None:
    """Settlements of two processes' stores, with keys made meanwhile: unbroken."""
    stores = [await open_store(url) for _ in range(2)]

    async def one(number: int) -> None:
        store = stores[number % 2]
        if number % 20 == 0:
            await store.keys.create(project=f"p{number % 3}")
        admission, record = an_admission(money(10, 100_000), cost=10)
        await store.ledger.admit(admission)
        await settle(store, admission, record)

    await asyncio.gather(*(one(number) for number in range(200)))
    report = await proven(stores[0])
    assert (report.faults, report.calls) == ([], 200)
    for store in stores:
        await store.close()


async def test_kill_9_leaves_it_whole(url: str, store: Store) -> None:
    """Two processes that write are killed: the chain verifies, and goes on."""
    writers = [start("write", url, "100000") for _ in range(2)]
    for writer in writers:
        assert writer.stdout
        for _ in range(50):
            await asyncio.to_thread(writer.stdout.readline)
    during = await proven(store)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    await asyncio.sleep(0.2)  # PostgreSQL may still commit what it was sent
    await store.ledger.write(a_record())
    report = await proven(store)
    assert (during.faults, report.faults) == ([], [])
    assert report.calls > 100


async def test_what_a_person_did_is_told_newest_first(store: Store) -> None:
    """Who, what, to what, of which project; calls are not among it."""
    await fill(store)
    with acting("key_boss"):
        new = await store.keys.create(project="shop", name="till")
        await store.keys.revoke(new.id)
        await store.keys.revoke(new.id)  # changes nothing
    deeds, more = await store.audits.list(Wanted(limit=3))
    kinds = ["api_key.deleted", "api_key.created", "project.created"]
    assert [deed.link.kind for deed in deeds] == kinds
    assert {(deed.link.actor, deed.project) for deed in deeds} == {("key_boss", "shop")}
    assert (more, deeds[0].link.subject) == (True, new.id)
    older, more = await store.audits.list(Wanted(after=deeds[-1].link.seq))
    assert [deed.link.seq for deed in older] == [10, 5, 3, 2]
    assert (more, older[0].link.actor.startswith("cli:")) == (False, True)


async def test_pages_go_back_too(store: Store) -> None:
    """`before` gives the nearest newer ones, the newest first all the same."""
    await fill(store)
    deeds, more = await store.audits.list(Wanted(before=2, limit=2))
    assert ([deed.link.seq for deed in deeds], more) == ([5, 3], True)


async def test_filters(store: Store) -> None:
    """By kind, by actor, by subject, by project, by time."""
    await fill(store)
    with acting("key_boss"):
        new = await store.keys.create()
    made = (await store.audits.list(Wanted()))[0][0].link
    for wanted in (
        Wanted(kinds=("api_key.created",), since=made.at),
        Wanted(actors=("key_boss",)),
        Wanted(subjects=(new.id,)),
        Wanted(projects=(made.project,), limit=1),
    ):
        assert [deed.link for deed in (await store.audits.list(wanted))[0]] == [made]
    assert len((await store.audits.list(Wanted(until=made.at)))[0]) == 4


async def test_a_change_that_fails_is_not_told(store: Store) -> None:
    """The row and the change are one transaction."""
    await fill(store)
    with pytest.raises(RuntimeError):
        await change_in_vain(store)
    report = await proven(store)
    assert (report.seq, report.faults) == (10, [])


async def test_all_of_it_can_be_walked(store: Store) -> None:
    """From a time until another."""
    await fill(store)
    links = [link async for link in store.audits.walk()]
    assert [link.seq for link in links] == list(range(1, 11))
    some = [link.seq async for link in store.audits.walk(since=links[3].at, until=links[8].at)]
    assert some == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("with_calls", [True, False])
async def test_a_pruned_one_is_proven(store: Store, with_calls: bool) -> None:
    """From its checkpoint on, twice; the calls that were listed are deleted or kept, as it was wanted."""
    await fill(store)
    links = [link async for link in store.audits.walk()]
    assert await store.audits.prune(links[6].at, with_calls=with_calls, tell=quiet) == 6
    report = await proven(store)
    assert (report.faults, report.seq, report.calls) == ([], 11, 3 if with_calls else 6)
    await store.ledger.write(a_record())
    assert await store.audits.prune(time.time_ns(), with_calls=with_calls, tell=quiet) == 6
    assert ((await proven(store)).faults, len(await store.calls())) == ([], 0 if with_calls else 7)


async def test_calls_that_were_kept_are_proven_together(store: Store) -> None:
    """One of them changed is told, though not which."""
    await fill(store)
    await store.audits.prune(ALL, with_calls=False, tell=quiet)
    async with store._connections.writing() as connection:
        await cheaper(connection)
    faults = (await proven(store)).faults
    assert len(faults) == 1
    assert "6 are there of 6" in faults[0]


async def test_a_call_invented_beside_kept_ones_is_named(store: Store) -> None:
    """It is younger than the checkpoint."""
    await fill(store)
    await store.audits.prune(ALL, with_calls=False, tell=quiet)
    row = (await store.calls())[0]
    values = {name: getattr(row, name) for name in row.__struct_fields__} | {"id": IDS[6], "at": time.time_ns()}
    async with store._connections.writing() as connection:
        await connection.execute(calls.insert().values(values))
    assert (await proven(store)).faults == [f"call {IDS[6]} is invented: no audit row lists it"]


async def test_a_text_in_the_place_of_bytes_is_named(sqlite: Store) -> None:
    """As SQLite's own functions leave it; it can be listed and exported too."""
    await fill(sqlite)
    async with sqlite.connections.writing() as connection:
        await connection.execute(text("UPDATE audit SET payload = replace(payload, 'a', 'b') WHERE seq = 2"))
        await connection.execute(text("UPDATE audit SET hash = 'abc' WHERE seq = 5"))
    report = await proven(sqlite)
    assert any("audit row 2" in fault for fault in report.faults)
    assert any("audit row 5" in fault for fault in report.faults)
    assert len([link async for link in sqlite.audits.walk()]) == 10
    assert (await sqlite.audits.list(Wanted()))[0]


@pytest.mark.parametrize("name", ["head", "checkpoint"])
async def test_an_end_that_is_gone_is_named(store: Store, name: str) -> None:
    """It is a removal, no outage."""
    await fill(store)
    async with store.connections.writing() as connection:
        await connection.execute(delete(audit_ends).where(audit_ends.c.name == name))
    assert (await proven(store)).faults == [f"the {name} of the chain (table audit_ends) is missing"]
