"""What goes wrong with a database, and that the store comes back without a restart."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parley.errors import NotRecorded
from parley.store.bells import UNKNOWN, FileBell
from parley.store.database import Store, open_store
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
