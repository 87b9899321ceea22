"""The contract of what administration works on, on SQLite and PostgreSQL."""

import time
from typing import Any

import pytest

from parley.core.rules import Rule
from parley.errors import Conflict, InvalidRequest, NotFound
from parley.store.administration import Administration
from parley.store.audits import Wanted
from parley.store.database import Store
from parley.store.keys import digest
from parley.store.pages import Window

NANO = 1_000_000_000


@pytest.fixture
def books(store: Store) -> Administration:
    """Lend the repositories."""
    return store.administration


async def test_a_renamed_project_keeps_its_name_in_the_rows(store: Store, books: Administration) -> None:
    """Callers have the first name; keys and rules find the project by both."""
    made = await books.projects.create("shop")
    await books.projects.rename(made.id, "store")
    await store.keys.create(project="store")
    await store.keys.create(project="shop")
    assert {caller.project for caller in (await store.keys.active()).values()} == {"shop"}
    assert await store.rules.project("store") == await store.rules.project("shop") == made.id


async def test_names_are_taken_once(books: Administration) -> None:
    """Neither a name nor a title of another project can be had."""
    one, two = await books.projects.create("one"), await books.projects.create("two")
    await books.projects.rename(one.id, "first")
    for name in ("one", "first", "two"):
        with pytest.raises(Conflict):
            await books.projects.create(name)
    with pytest.raises(Conflict):
        await books.projects.rename(two.id, "one")
    assert (await books.projects.rename(one.id, "one")).name == "one"


async def test_archiving_rings(store: Store, books: Administration) -> None:
    """The keys of the project are dead, the version differs, and no key is made there again."""
    project = await books.projects.create("shop")
    await store.keys.create(project="shop")
    other = await store.keys.create()
    version = store.keys.version()
    archived = await books.projects.archive(project.id)
    assert store.keys.version() != version
    assert list(await store.keys.active()) == [digest(other.secret)]
    assert await books.projects.archive(project.id) == archived
    with pytest.raises(Conflict):
        await store.keys.create(project="shop")
    with pytest.raises(InvalidRequest):
        await books.projects.open(project.id)


async def test_admin_keys_outlive_the_default_project(store: Store, books: Administration) -> None:
    """They are of no project in particular: archived with it, nobody could administrate."""
    admin = await store.keys.create(admin=True)
    found, _ = await books.projects.page(Window(), archived=False)
    await books.projects.archive(found[0].id)
    _, secret = await books.keyring.create_admin("deputy", None)
    assert set(await store.keys.active()) == {digest(admin.secret), digest(secret)}


async def test_an_account_and_its_keys_end_together(store: Store, books: Administration) -> None:
    """Its keys carry its name and end; others stay."""
    project = await books.projects.create("shop")
    account, key, _ = await books.accounts.open(project.id, "till", 5)
    await books.accounts.another_key(account, "second", None)
    other = await store.keys.create(project="shop")
    found, more = await books.keyring.page(project.id, Window(limit=2))
    assert ([one.owner_name for one in found], more) == (["till", "till"], True)
    assert (await books.keyring.get(project.id, key.id)).expires_at == 5
    await books.accounts.close(project.id, account.id)
    assert list(await store.keys.active()) == [digest(other.secret)]
    with pytest.raises(NotFound):
        await books.accounts.get(account.id, project=project.id)


async def test_a_key_carries_its_end(store: Store, books: Administration) -> None:
    """So the check of a key needs no trip to the database for it."""
    await books.keyring.create_admin("deputy", 77)
    assert [caller.expires_at for caller in (await store.keys.active()).values()] == [77]


async def test_a_key_tells_when_it_was_last_used(store: Store, books: Administration) -> None:
    """The latest time that any process knows; a key that is gone is no fault."""
    project = await books.projects.create("one")
    key = await store.keys.create(project="one")
    assert (await books.keyring.get(project.id, key.id)).last_used_at is None
    for at in (7, 5):
        await store.keys.used({key.id: at, "key_gone": 1})
    assert (await books.keyring.get(project.id, key.id)).last_used_at == 7


async def test_keys_of_another_project_are_not_there(store: Store, books: Administration) -> None:
    """Neither read nor deleted; an admin key is no project's."""
    one, two = await books.projects.create("one"), await books.projects.create("two")
    mine, admin = await store.keys.create(project="one"), await store.keys.create(project="one", admin=True)
    for project, name in ((two.id, mine.id), (one.id, admin.id), (None, mine.id)):
        with pytest.raises(NotFound):
            await books.keyring.delete(project, name)
    assert len(await store.keys.active()) == 2


async def test_pages_go_both_ways(books: Administration) -> None:
    """Every item comes once, in either order, forward and back."""
    made = [(await books.alerts.create("", "month", number, b"{}")).id for number in range(5)]
    await books.alerts.create("proj_1", "month", 9, b"{}")
    for order, expected in (("asc", made), ("desc", made[::-1])):
        seen: list[str] = []
        asked: dict[str, Any] = {"limit": 2, "order": order}
        while True:
            found, more = await books.alerts.page(Window(after=seen[-1] if seen else "", **asked), project="")
            seen += [alert.id for alert in found]
            if not more:
                break
        assert seen == expected
        found, more = await books.alerts.page(Window(before=expected[3], **asked), project="")
        assert ([alert.id for alert in found], more) == (expected[1:3], True)


async def test_a_cursor_of_another_list_is_refused(books: Administration) -> None:
    """It is an InvalidRequest that names the parameter."""
    other = await books.alerts.create("proj_1", "month", 9, b"{}")
    for param in ("after", "before"):
        with pytest.raises(InvalidRequest) as raised:
            await books.alerts.page(Window(**{param: other.id}), project="")
        assert raised.value.param == param


async def test_a_person_comes_as_invited(store: Store, books: Administration) -> None:
    """Added by address, with the invite's role and projects; the invite is accepted, once."""
    one, two = await books.projects.create("one"), await books.projects.create("two")
    granted = f'[{{"id":"{two.id}","role":"owner"}},{{"id":"proj_gone","role":"member"}}]'
    invite = await books.invites.create("Ann@Example.org", "owner", granted.encode())
    member = await books.members.join(one.id, "member", email="ANN@example.org")
    assert (await books.people.get(member.id)).role == "owner"
    assert (await books.members.get(member.id, project=two.id)).role == "owner"
    assert (await books.invites.get(invite.id)).accepted_at is not None
    deeds, _ = await store.audits.list(Wanted(kinds=("invite.accepted",)))
    assert [deed.link.subject for deed in deeds] == [invite.id]
    with pytest.raises(Conflict):
        await books.members.join(one.id, "member", person=member.id)
    with pytest.raises(Conflict):
        await books.invites.create("ann@example.org", "reader", b"[]")


async def test_a_person_leaves_everything(books: Administration) -> None:
    """Nothing is left in any project."""
    project = await books.projects.create("one")
    member = await books.members.join(project.id, "member", email="ann@example.org")
    await books.people.leave(member.id)
    assert await books.members.page(Window(), project=project.id) == ([], False)
    with pytest.raises(NotFound):
        await books.members.join(project.id, "member", person=member.id)


async def test_any_text_is_kept(books: Administration) -> None:
    """Also what a database cannot hold, in place of which stands what it can."""
    made = await books.projects.create("a\0b")
    assert (await books.projects.get(made.id)).name == "a\ufffdb"
    account = await books.accounts.create(made.id, "a\0b")
    assert (await books.accounts.get(account.id)).name == "a\ufffdb"
    with pytest.raises(NotFound):
        await books.people.get("\0")


async def test_rules_change_together(books: Administration) -> None:
    """Some are set and others removed in one transaction."""
    one, two = (Rule("project", "proj_1", "m", "requests", period, 5) for period in ("minute", "day"))
    assert await books.rules.change([one], [two]) == 0
    assert await books.rules.change([two], [one]) == 1
    assert [state.rule for state in await books.rules.states(time.time_ns())] == [two]
