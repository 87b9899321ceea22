"""`parley key`: makes, lists and revokes keys, in the database itself: the server may run or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import typer

from parley.assembly import store_of
from parley.commands.options import Options
from parley.commands.tables import show as show_table
from parley.errors import SettingsError
from parley.store.database import Store
from parley.store.keys import KeyInfo

NANO = 1_000_000_000
LONGEST = 64  # characters of a name that is made
WIDEST = 40  # characters of a name in the table


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Store]:
    """Open the store of *options*, made if need be; leaving closes it. Raises SettingsError."""
    options.make_data()
    store = await store_of(options.settings, options.data)
    try:
        yield store
    finally:
        await store.close()


def create(options: Options, *, project: str, name: str | None = None, admin: bool = False) -> str:
    """Make a key and return it; it is nowhere else. Raises SettingsError, NotRecorded."""
    checked("--project", project)
    if name is not None:
        checked("--name", name)

    async def work() -> str:
        async with opened(options) as store:
            return (await store.keys.create(project=project, name=name or "", admin=admin)).secret

    return asyncio.run(work())


def borrow(options: Options, name: str) -> str:
    """Make a key for a while and return it; revoke it after use. Raises SettingsError, NotRecorded."""

    async def work() -> str:
        async with opened(options) as store:
            return (await store.keys.borrow(name)).secret

    return asyncio.run(work())


def checked(option: str, name: str) -> None:
    """Refuse a *name* that nobody could tell from another in a list. Raises SettingsError, which names the *option*."""
    if not name.strip():
        raise SettingsError(f"{option}: give it a name, or leave the option out")
    if len(name) > LONGEST or not name.isprintable() or name != name.strip():
        raise SettingsError(f"{option}: at most {LONGEST} characters on one line, with no space at either end")


def revoke(options: Options, key: str) -> KeyInfo:
    """Revoke *key* (id, prefix or the key itself) and return what is known of it. Raises NotFound, Conflict."""

    async def work() -> KeyInfo:
        async with opened(options) as store:
            return await store.keys.revoke(key)

    return asyncio.run(work())


def show(options: Options, *, as_json: bool) -> None:
    """Print every key, the oldest first."""

    async def work() -> list[KeyInfo]:
        async with opened(options) as store:
            return await store.keys.list()

    found = asyncio.run(work())
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    show_table(["ID", "PROJECT", "NAME", "PREFIX", "CREATED", "REVOKED"], [row(info) for info in found])


def row(info: KeyInfo) -> list[str]:
    """Return the cells of *info* in the table."""
    kind = " (admin)" if info.admin else ""
    revoked = day(info.revoked_at) if info.revoked_at else "-"
    return [info.id, cut(info.project) + kind, cut(info.name) or "-", info.prefix, day(info.created_at), revoked]


def cut(name: str) -> str:
    """Return *name* as it fits into a table, on one line; the whole of it stands in the JSON."""
    line = " ".join(name.split())
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"


def day(at: int) -> str:
    """Return *at* (nanoseconds since 1970) as a UTC time to the second."""
    return datetime.fromtimestamp(at / NANO, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
