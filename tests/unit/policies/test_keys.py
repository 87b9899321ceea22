"""The check of the API key: who calls, without a trip to the database."""

import pytest
from msgspec.structs import replace

from parley.core.call import Call, Caller
from parley.errors import NotRecorded, Unauthenticated
from parley.policies.keys import Keys, mask, shown
from parley.store.keys import digest
from parley.testing import SECRET, FakeKeyBook


def call(authorization: str | None) -> Call:
    """Return a call with this header."""
    return Call("chat.completions", b"", authorization, at=0, arrived=0.0, id="req_1")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_key_tells_its_caller(scheme: str) -> None:
    """The scheme's case does not matter."""
    caller = await Keys(FakeKeyBook()).identify(call(f"{scheme} {SECRET}"))
    assert (caller.key_id, caller.project, caller.admin) == ("key_1", "default", False)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", f"Basic {SECRET}", SECRET])
async def test_no_key_is_told_apart_from_a_wrong_one(header: str | None) -> None:
    """Without a key there is no code, as OpenAI has it."""
    with pytest.raises(Unauthenticated) as failure:
        await Keys(FakeKeyBook()).identify(call(header))
    assert failure.value.error_code is None


@pytest.mark.parametrize("key", [SECRET + "x", SECRET[:-1], SECRET.upper(), "sk-ÿ\udcff"])
async def test_a_wrong_key_is_refused(key: str) -> None:
    """With OpenAI's code, and the key masked."""
    with pytest.raises(Unauthenticated) as failure:
        await Keys(FakeKeyBook()).identify(call(f"Bearer {key}"))
    assert failure.value.error_code == "invalid_api_key"
    assert key not in failure.value.message


async def test_a_warm_check_asks_nobody() -> None:
    """A hundred calls read the keys once."""
    book = FakeKeyBook()
    keys = Keys(book)
    for _ in range(100):
        await keys.identify(call(f"Bearer {SECRET}"))
    assert book.reads == 1


async def test_a_revoked_key_is_dead_at_once() -> None:
    """The change of the version number is enough."""
    book = FakeKeyBook()
    keys = Keys(book)
    await keys.identify(call(f"Bearer {SECRET}"))
    del book.callers[digest(SECRET)]
    book.number += 1
    with pytest.raises(Unauthenticated):
        await keys.identify(call(f"Bearer {SECRET}"))


@pytest.mark.parametrize("secret", ["", "a", "sk-12", "x" * 18])
def test_a_short_key_is_hidden_all_but_two_signs(secret: str) -> None:
    """What is shown would else be most of it."""
    assert mask(secret) == secret[:2] + "***"


def test_a_long_key_can_be_recognised() -> None:
    """By its head and its tail."""
    assert mask("sk-parley-0123456789") == "sk-pa***6789"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (None, None),
        ("", None),
        ("Bearer", "***"),
        ("Bearer sk-parley-0123456789", "sk-pa***6789"),
        ("bearer  sk-parley-0123456789 ", "sk-pa***6789"),
        ("sk-parley-0123456789", "sk-pa***6789"),
        ("Basic dXNlcjpwYXNzd29yZC1vZi1taW5l", "Ba***"),
    ],
)
def test_a_header_that_opened_nothing_can_be_recognised(header: str | None, told: str | None) -> None:
    """The key is masked, also where `Bearer` was forgotten; of a password nothing is shown, not even its end."""
    assert shown(header) == told


async def test_a_key_ends() -> None:
    """At its time, also when it is known already; nobody has to ring."""
    book = FakeKeyBook()
    book.callers = {name: replace(caller, expires_at=5) for name, caller in book.callers.items()}
    keys = Keys(book)
    early, late = call(f"Bearer {SECRET}"), call(f"Bearer {SECRET}")
    early.at, late.at = 4, 5
    assert (await keys.identify(early)).key_id == "key_1"
    with pytest.raises(Unauthenticated) as failure:
        await keys.identify(late)
    assert failure.value.error_code == "expired_api_key"


class AwayBook(FakeKeyBook):
    """A book that can be out of reach."""

    away = False

    async def active(self) -> dict[bytes, Caller]:
        """Return the living keys. Raises NotRecorded while away."""
        if self.away:
            raise NotRecorded
        return await super().active()


@pytest.mark.parametrize("open_", [True, False])
async def test_while_the_database_is_away_only_open_projects_go_on(open_: bool) -> None:
    """With the keys that were known; a wrong key opens nothing then either."""
    book = AwayBook()
    book.callers[digest(SECRET)] = replace(book.callers[digest(SECRET)], open=open_)
    keys = Keys(book)
    await keys.identify(call(f"Bearer {SECRET}"))
    book.away, book.number = True, 2
    if open_:
        assert (await keys.identify(call(f"Bearer {SECRET}"))).key_id == "key_1"
    else:
        with pytest.raises(NotRecorded):
            await keys.identify(call(f"Bearer {SECRET}"))
    with pytest.raises(NotRecorded):
        await keys.identify(call(f"Bearer {SECRET}x"))
    book.away = False
    assert (await keys.identify(call(f"Bearer {SECRET}"))).key_id == "key_1"


async def test_it_is_told_when_keys_were_used() -> None:
    """Once, the last time of each; kept where nobody could be told."""
    keys = Keys(FakeKeyBook())
    for at in (5, 7):
        await keys.identify(Call("chat.completions", b"", f"Bearer {SECRET}", at=at, arrived=0.0, id="req_1"))
    told: list[dict[str, int]] = []

    async def fail(used: dict[str, int]) -> None:
        assert used
        raise NotRecorded

    async def note(used: dict[str, int]) -> None:
        told.append(used)

    with pytest.raises(NotRecorded):
        await keys.tell(fail)
    await keys.tell(note)
    await keys.tell(note)
    assert told == [{"key_1": 7}]
