"""What goes wrong with a database, and that the store comes back without a restart."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import astuple

from parley.errors import NotRecorded
from parley.store.bells import UNKNOWN, FileBell
from parley.store.counters import Counter
from parley.store.database import Store, open_store
from parley.store.ledger import Entry, Settled
from parley.store.postgres_ledger import PostgresLedger, _Group
from parley.store.sqlite_book import Book
from parley.store.sqlite_ledger import SqliteLedger
from tests.contract.store.counting import an_admission, counter, held, money, settle
from tests.contract.store.postgres_server import PostgresServer
from tests.contract.store.rows import a_completion, a_record, until


@pytest.fixture
async def remote(postgres: PostgresServer) -> AsyncIterator[Store]:
    """Lend an open store on PostgreSQL."""
    it = await open_store(postgres.new_database())
    yield it
    await it.close()


async def test_a_locked_database_refuses_within_its_limit(sqlite: Store, file: Path) -> None:
    """Another process holds the lock: NotRecorded within five seconds, and all is well once it lets go."""
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    first = asyncio.ensure_future(sqlite.ledger.write(a_record()))
    await asyncio.sleep(0.1)
    results = await asyncio.gather(first, sqlite.ledger.write(a_record()), sqlite.ready(), return_exceptions=True)
    assert [type(result) for result in results] == [NotRecorded] * 3
    assert time.monotonic() - began < 6
    blocker.execute("ROLLBACK")
    blocker.close()
    await sqlite.ready()
    await sqlite.ledger.write(a_record())
    assert len(await sqlite.calls()) == 1


async def test_a_short_lock_is_waited_for(sqlite: Store, file: Path) -> None:
    """A backup that holds the lock for half a second costs no call."""
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    write = asyncio.ensure_future(sqlite.ledger.write(a_record()))
    await asyncio.sleep(0.5)
    assert not write.done()
    blocker.execute("ROLLBACK")
    blocker.close()
    await write


async def test_a_full_disk_refuses_and_leaves_nothing_half(sqlite: Store) -> None:
    """Neither row nor completion is there; once there is room, writing goes on."""
    await sqlite.ready()
    connection = sqlite.ledger._book._connection  # type: ignore[attr-defined]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(NotRecorded):
        await sqlite.ledger.write(a_record(), a_completion(answer=b"x" * 100_000))
    assert await sqlite.calls() == []
    assert await sqlite.completions.list("default") == ([], False)
    connection.execute("PRAGMA max_page_count = 100000")
    await sqlite.ledger.write(a_record(), a_completion(answer=b"x" * 100_000))
    assert len(await sqlite.calls()) == 1


async def test_keys_of_a_locked_database_are_not_guessed(sqlite: Store, file: Path) -> None:
    """A change that cannot be written is NotRecorded, and the version has changed: keys are read again."""
    before = sqlite.keys.version()
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NotRecorded):
        await sqlite.keys.create()
    blocker.close()
    assert sqlite.keys.version() != before


async def test_a_bell_left_in_mid_change_keeps_everybody_asking(sqlite: Store) -> None:
    """When a process dies between its commit and its ring, no version is ever the same twice."""
    bell = sqlite._bell
    assert isinstance(bell, FileBell)
    bell._cell[0] = UNKNOWN
    assert len({sqlite.keys.version() for _ in range(5)}) == 5


async def test_a_restarted_server_is_written_to_again(remote: Store, postgres: PostgresServer) -> None:
    """The ledger connects anew; rows written while the server is away are NotRecorded within five seconds."""
    await remote.ledger.write(a_record())
    await asyncio.to_thread(postgres.stop)
    began = time.monotonic()
    try:
        with pytest.raises(NotRecorded):
            await remote.ledger.write(a_record())
        assert time.monotonic() - began < 6
        with pytest.raises(NotRecorded):
            await remote.keys.active()
    finally:
        await asyncio.to_thread(postgres.start)
    await remote.ready()
    await remote.ledger.write(a_record())
    assert len(await remote.calls()) == 2


async def test_a_short_restart_costs_no_call(remote: Store, postgres: PostgresServer) -> None:
    """A row that meets a dead connection waits for the next one."""
    await remote.ledger.write(a_record())
    await asyncio.to_thread(postgres.stop)
    write = asyncio.ensure_future(remote.ledger.write(a_record()))
    await asyncio.to_thread(postgres.start)
    await write
    assert len(await remote.calls()) == 2


async def test_the_version_is_unknown_while_nobody_listens(remote: Store, postgres: PostgresServer) -> None:
    """Fail closed: a new number at each look while the connection is lost, a new steady one after."""
    before = remote.keys.version()
    await asyncio.to_thread(postgres.stop)
    try:
        await asyncio.sleep(0.05)
        assert len({before} | {remote.keys.version() for _ in range(5)}) == 6
    finally:
        await asyncio.to_thread(postgres.start)
    await until(lambda: remote.keys.version() == remote.keys.version())
    assert remote.keys.version() == remote.keys.version() != before


async def test_a_locked_table_refuses_within_its_limit(remote: Store) -> None:
    """Somebody holds the table: NotRecorded, nothing written, and all is well once it lets go."""
    async with remote._connections.writing() as connection:
        await connection.exec_driver_sql("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(NotRecorded):
            await remote.ledger.write(a_record())
        assert time.monotonic() - began < 6
    await remote.ledger.write(a_record())
    assert len(await remote.calls()) == 1


async def test_what_could_not_be_settled_is_settled_later(remote: Store) -> None:
    """Its cost is booked and its hold given back once the table is free; the row tells what its client heard."""
    admission, record = an_admission(money(100, 100), cost=30)
    await remote.ledger.admit(admission)
    async with remote._connections.writing() as connection:
        await connection.exec_driver_sql("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(NotRecorded):
            await settle(remote, admission, record)
    assert [await remote.ledger.catch_up() for _ in range(2)] == [1, 0]
    assert (await counter(remote, "usd"), await held(remote)) == (Counter(30, 0), 0)
    [row] = await remote.calls()
    assert (row.status, row.code, row.outcome, row.cost) == (503, "not_recorded", "failed", 30)


async def test_what_could_not_be_settled_in_a_locked_file_is_settled_later(sqlite: Store, file: Path) -> None:
    """Also where the client had left before the failure was known."""
    taken = [an_admission(money(10, 100), cost=3) for _ in range(2)]
    for admission, _ in taken:
        await sqlite.ledger.admit(admission)
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    settling = [asyncio.ensure_future(settle(sqlite, *one)) for one in taken]
    await asyncio.sleep(0.05)
    settling[0].cancel()
    results = await asyncio.gather(*settling, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, NotRecorded]
    blocker.close()
    assert await sqlite.ledger.catch_up() == 2
    assert (await counter(sqlite, "usd"), await held(sqlite)) == (Counter(6, 0), 0)
    assert sorted(row.status for row in await sqlite.calls()) == [200, 503]


async def test_a_row_that_was_committed_after_all_stands_once(remote: Store) -> None:
    """The first attempt was given up, and yet committed: trying again changes nothing and ends."""
    admission, record = an_admission(money(100, 100), cost=30)
    await remote.ledger.admit(admission)
    await settle(remote, admission, record)
    late = Entry(asyncio.get_running_loop().create_future(), astuple(record), None, Settled(admission.id, ()))
    remote.ledger._backlog.add(late)  # type: ignore[attr-defined]
    assert await remote.ledger.catch_up() == 0
    assert (await counter(remote, "usd"), [row.status for row in await remote.calls()]) == (Counter(30, 0), [200])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [RuntimeError("a fault of ours"), asyncpg.InternalClientError("between two steps")])
async def test_no_fault_ends_the_writer(store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Whatever a group meets, its calls are told at the worst, and the next one is written."""
    whole = {SqliteLedger: (Book, "_write"), PostgresLedger: (_Group, "write")}
    owner, name = whole[type(store.ledger)]  # type: ignore[index]
    write, faults = getattr(owner, name), [error]

    def once(*arguments: Any) -> Any:
        if faults:
            raise faults.pop()
        return write(*arguments)

    monkeypatch.setattr(owner, name, once)
    with suppress(NotRecorded):
        await store.ledger.write(a_record())
    assert faults == []
    last = a_record()
    await store.ledger.write(last)
    assert last.id in {record.id for record in await store.calls()}
