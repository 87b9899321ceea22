"""The keys' contract, on SQLite and PostgreSQL."""

import asyncio

import pytest
from sqlalchemy import update

from parley.core.call import Caller
from parley.errors import Conflict, NotFound
from parley.store.database import Store, open_store
from parley.store.keys import digest
from parley.store.rules import Choice
from parley.store.tables import keys
from tests.contract.store.rows import start, until

NOTHING = {"fit": False, "open": False, "drain": False}


async def test_a_new_key_is_active(store: Store) -> None:
    """Its digest leads to its caller."""
    new = await store.keys.create(project="shop", name="till")
    caller = Caller(new.id, "shop", new.prefix, project_id=await store.rules.project("shop"))
    assert await store.keys.active() == {digest(new.secret): caller}


@pytest.mark.parametrize("chosen", ["fit", "open", "drain"])
async def test_a_key_knows_what_its_project_chose(store: Store, chosen: str) -> None:
    """Each choice by itself, taken back too; the projects that chose something are listed with it."""
    await store.keys.create(project="other")
    new = await store.keys.create(project="shop")
    project = await store.rules.project("shop")
    for value in (True, False):
        await store.rules.choose(project, {chosen: value})
        caller = (await store.keys.active())[digest(new.secret)]
        assert {name: getattr(caller, name) for name in ("fit", "open", "drain")} == NOTHING | {chosen: value}
        assert await store.rules.choices() == ([Choice("shop", **NOTHING | {chosen: True})] if value else [])
    assert getattr(await store.administration.projects.get(project), chosen) is False


@pytest.mark.parametrize(("admin", "head"), [(False, "sk-parley-"), (True, "sk-admin-parley-")])
async def test_a_key_tells_what_it_is(store: Store, admin: bool, head: str) -> None:
    """The head names an admin's key; 256 random bits follow."""
    new = await store.keys.create(admin=admin)
    assert new.secret.startswith(head)
    assert len(new.secret) - len(head) >= 32
    assert [caller.admin for caller in (await store.keys.active()).values()] == [admin]


async def test_the_secret_is_not_told_again(store: Store) -> None:
    """The list shows a prefix that people recognise, and nothing from which the key could be made."""
    new = await store.keys.create(name="till")
    info = (await store.keys.list())[0]
    assert (info.id, info.project, info.name, info.revoked_at) == (new.id, "default", "till", None)
    assert info.prefix.endswith(f"…{new.secret[-4:]}")
    assert new.secret not in repr(info)


@pytest.mark.parametrize("way", ["id", "prefix", "secret"])
async def test_a_key_is_revoked_by_any_of_its_names(store: Store, way: str) -> None:
    """Id, prefix and secret do; the key is no longer active and stays on the list."""
    new = await store.keys.create()
    revoked = await store.keys.revoke(getattr(new, way))
    assert revoked.revoked_at is not None
    assert await store.keys.active() == {}
    assert await store.keys.list() == [revoked]


async def test_revoking_twice_changes_nothing(store: Store) -> None:
    """The first time counts."""
    new = await store.keys.create()
    assert await store.keys.revoke(new.id) == await store.keys.revoke(new.secret)


async def test_a_borrowed_key_comes_back_as_another(store: Store) -> None:
    """Revoked and borrowed again it keeps its place on the list, with a new secret; the old one stays dead."""
    one = await store.keys.borrow("chat")
    await store.keys.revoke(one.secret)
    two = await store.keys.borrow("chat")
    assert (two.id, len(await store.keys.list())) == (one.id, 1)
    assert list(await store.keys.active()) == [digest(two.secret)]


async def test_a_borrowed_key_in_use_is_left_alone(store: Store) -> None:
    """Two at once are two keys; those of another name, project or kind are never taken."""
    for other in (
        await store.keys.create(name="shop"),
        await store.keys.create(name="chat", project="shop"),
        await store.keys.create(name="chat", admin=True),
    ):
        await store.keys.revoke(other.id)
    borrowed = await asyncio.gather(*(store.keys.borrow("chat") for _ in range(3)))
    assert {caller.key_id for caller in (await store.keys.active()).values()} == {one.id for one in borrowed}
    assert len(await store.keys.list()) == 6


async def test_an_unknown_key_cannot_be_revoked(store: Store) -> None:
    """It is NotFound."""
    with pytest.raises(NotFound):
        await store.keys.revoke("sk-parley-none")


async def test_a_prefix_of_two_keys_revokes_neither(store: Store) -> None:
    """It is a Conflict that names both ids."""
    one, two = await store.keys.create(), await store.keys.create()
    async with store._connections.writing() as connection:
        await connection.execute(update(keys).values(prefix="sk-parley-a…b"))
    with pytest.raises(Conflict, match=f"{one.id}, {two.id}"):
        await store.keys.revoke("sk-parley-a...b")
    assert len(await store.keys.active()) == 2


async def test_a_project_is_made_once(store: Store) -> None:
    """Keys made at once for a new project share it."""
    await asyncio.gather(*(store.keys.create(project="shop") for _ in range(5)))
    assert {caller.project for caller in (await store.keys.active()).values()} == {"shop"}


async def test_the_version_stands_still_while_nothing_changes(store: Store) -> None:
    """So the check of a known key costs no database trip."""
    await store.keys.create()
    await asyncio.sleep(0.1)
    assert store.keys.version() == store.keys.version()


async def test_every_change_raises_the_version(store: Store) -> None:
    """Making and revoking are both seen at once in this process."""
    versions = [store.keys.version()]
    new = await store.keys.create()
    versions.append(store.keys.version())
    await store.keys.revoke(new.id)
    versions.append(store.keys.version())
    assert len(set(versions)) == 3


async def test_another_store_hears_a_change(store: Store, url: str) -> None:
    """A second store, as of another worker, sees the version change."""
    other = await open_store(url)
    before = other.keys.version()
    await store.keys.create()
    await until(lambda: other.keys.version() != before)
    assert other.keys.version() != before
    await other.close()


async def test_a_key_revoked_by_another_process_is_dead_when_that_ends(store: Store, url: str) -> None:
    """`parley key revoke` elsewhere is seen here at once."""
    new = await store.keys.create()
    await asyncio.sleep(0.1)
    before = store.keys.version()
    process = start("revoke", url, new.id)
    assert await asyncio.to_thread(process.wait) == 0
    await asyncio.sleep(0.05)  # PostgreSQL's notice is on its way
    assert store.keys.version() != before
    assert await store.keys.active() == {}
    process.communicate()
