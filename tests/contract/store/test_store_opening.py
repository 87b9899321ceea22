"""Opening a store: made, migrated once, refused with a sentence that helps."""

import asyncio
import stat
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import asdict
from sqlalchemy import Connection, text

from parley.errors import SettingsError
from parley.store.database import Store, open_store
from parley.store.proof import Proof
from parley.store.tables import calls, keys, metadata
from tests.contract.store.postgres_server import PostgresServer
from tests.contract.store.rows import a_record, start


async def test_what_was_kept_is_there_again(url: str) -> None:
    """A second opening finds the first one's keys."""
    store = await open_store(url)
    new = await store.keys.create()
    await store.close()
    again = await open_store(url)
    assert [info.id for info in await again.keys.list()] == [new.id]
    await again.close()


async def test_the_migrations_make_the_tables(store: Store) -> None:
    """Alembic finds no difference between the database and `tables.py`."""

    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with store._connections.reading() as connection:
        assert await connection.run_sync(difference) == []


async def test_many_processes_may_start_at_once(url: str) -> None:
    """Three workers that find an empty database all come up and write."""
    processes = [start("write", url, "5") for _ in range(3)]
    codes = [await asyncio.to_thread(process.wait) for process in processes]
    for process in processes:
        process.communicate()
    assert codes == [0, 0, 0]


async def test_a_database_of_the_first_revision_is_taken_along(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its calls and keys are there, and in the audit log's chain, which goes on behind them."""
    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", lambda settings, _: upgrade(settings, "0001"))
    old = await open_store(url)
    key = {"id": "key_1", "project_id": "proj_1", "name": "", "prefix": "sk", "digest": b"d", "admin": False}
    async with old.connections.writing() as connection:
        await connection.execute(text("INSERT INTO projects (id, name, created_at) VALUES ('proj_1', 'shop', 1)"))
        await connection.execute(keys.insert().values(key | {"created_at": 1}))
        rows = [asdict(a_record(project="shop", cost=number)) for number in range(600)]
        await connection.execute(calls.insert(), rows)
    await old.close()
    monkeypatch.undo()
    store = await open_store(url)
    assert [caller.project for caller in (await store.keys.active()).values()] == ["shop"]
    await store.ledger.write(a_record(project="shop"))
    report = await Proof(store.connections, lambda _, __: None).verify()
    assert (report.calls, report.faults) == (601, [])
    await store.close()


async def test_a_newer_database_is_refused(url: str) -> None:
    """An old Parley does not write into tables it does not know."""
    store = await open_store(url)
    async with store._connections.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    with pytest.raises(SettingsError, match="newer Parley"):
        await open_store(url)


async def test_alembic_is_not_loaded_without_need(url: str) -> None:
    """A database at the newest revision costs no import of Alembic at start."""
    await (await open_store(url)).close()
    program = (
        "import asyncio, sys; from parley.store.database import open_store\n"
        "async def main(): await (await open_store(sys.argv[1])).close()\n"
        "asyncio.run(main()); sys.exit('alembic' in sys.modules)"
    )
    root = str(Path(__file__).parents[3])
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, url, cwd=root)
    assert await process.wait() == 0


@pytest.mark.parametrize(
    "url", ["", "parley.db", "mysql://u:pw@h/d", "sqlite://", "sqlite:///:memory:", "postgresql://h:port/d"]
)
async def test_a_wrong_url_is_refused(url: str) -> None:
    """The sentence names the setting."""
    with pytest.raises(SettingsError, match=r"store\.url: "):
        await open_store(url)


async def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """A file in the folder's place is told as such."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be opened"):
        await open_store(f"sqlite:///{tmp_path}/file/parley.db")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """It is not written over."""
    (tmp_path / "parley.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(SettingsError, match="not a database"):
        await open_store(f"sqlite:///{tmp_path}/parley.db")


@pytest.mark.parametrize("name", ["nowhere", "absent"])
async def test_a_server_that_is_not_there_is_refused(postgres: PostgresServer, name: str) -> None:
    """No server, or no such database: the sentence does not show the password."""
    url = postgres.url("absent") if name == "absent" else "postgresql://parley:secret-word@127.0.0.1:1/db"
    with pytest.raises(SettingsError, match="Is PostgreSQL running") as caught:
        await open_store(url)
    assert "secret-word" not in caught.value.message


@pytest.mark.usefixtures("sqlite")
async def test_the_database_is_for_its_owner_only(file: Path) -> None:
    """Stored conversations are nobody else's to read."""
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in file.parent.glob("parley.db*")}
    assert modes == {0}
