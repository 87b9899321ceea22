"""A call that must not happen twice: who is first, who waits, and what they get."""

import asyncio

import msgspec
import pytest

from parley.core.call import Caller
from parley.core.events import Event, Kind
from parley.errors import InvalidRequest, KeyInUse, KeyReused, NotRecorded
from parley.policies.replays import LARGEST, LONGEST_KEY, Replays, Turn
from parley.store.replays import Kept
from parley.testing import FakeLedger, RecordingReply, a_call, chunk

CALLER = Caller("key_1", "shop", "sk-pa")
OTHER = Caller("key_2", "other", "sk-pa")
HELLO = {"model": "m", "messages": []}


class Scene:
    """A ledger, and those who claim keys in it."""

    def __init__(self, patience: float = 5.0) -> None:
        self.ledger = FakeLedger()
        self.replays = Replays(self.ledger, patience)

    def turn(self, body: object = HELLO, key: str = "k", caller: Caller = CALLER) -> Turn:
        """Return the turn of a call."""
        found = self.replays.turn(a_call(body, key=key), caller)
        assert found is not None
        return found

    def settle(self, turn: Turn, *, answered: bool) -> Kept | None:
        """End the call of *turn* as the audit does."""
        kept = turn.kept(answered=answered)
        if kept is not None:
            self.ledger._end(kept)
        turn.end()
        return kept


def test_a_call_without_a_key_has_no_turn() -> None:
    """It pays for nothing."""
    assert Scene().replays.turn(a_call(HELLO), CALLER) is None


@pytest.mark.parametrize("key", ["", "x" * (LONGEST_KEY + 1)])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """And the header is named."""
    with pytest.raises(InvalidRequest, match="Idempotency-Key") as caught:
        Scene().turn(key=key)
    assert caught.value.param == "Idempotency-Key"


def test_a_second_key_is_refused() -> None:
    """For nobody knows which one is meant."""
    call = a_call(HELLO, key="k")
    assert call.once is not None
    call.once = msgspec.structs.replace(call.once, repeated=True)
    with pytest.raises(InvalidRequest, match="more than once") as caught:
        Scene().replays.turn(call, CALLER)
    assert caught.value.param == "Idempotency-Key"


async def test_the_longest_key_is_taken() -> None:
    """The limit itself is allowed."""
    assert await Scene().turn(key="x" * LONGEST_KEY).wait() is None


async def test_the_same_again_gets_the_same_events() -> None:
    """Each with its kind, and the model that gave them."""
    scene = Scene()
    first = scene.turn()
    assert await first.wait() is None
    for event in (chunk("Hel"), chunk("lo"), Event(Kind.USAGE, b"")):
        first.take(event)
    scene.settle(first, answered=True)
    earlier = await scene.turn().wait()
    assert earlier is not None
    assert earlier.model == "m-1"
    reply = RecordingReply()
    await earlier.pour(reply)
    told = [(event.kind, event.raw) for event in reply.events]
    assert told == [(Kind.CHUNK, chunk("Hel").raw), (Kind.CHUNK, chunk("lo").raw), (Kind.USAGE, b"")]


async def test_another_body_is_a_conflict() -> None:
    """While the first runs, and after it."""
    scene = Scene()
    first = scene.turn()
    await first.wait()
    with pytest.raises(KeyReused):
        await scene.turn({"model": "other"}).wait()
    scene.settle(first, answered=True)
    with pytest.raises(KeyReused) as caught:
        await scene.turn({"model": "other"}).wait()
    assert (caught.value.status, caught.value.error_code) == (409, "idempotency_key_reused")
    assert caught.value.param == "Idempotency-Key"


async def test_a_key_is_its_projects_own() -> None:
    """Two projects may have thought of the same one."""
    scene = Scene()
    assert await scene.turn().wait() is None
    assert await scene.turn(caller=OTHER).wait() is None


async def test_who_comes_meanwhile_waits_for_the_first() -> None:
    """All of them get its answer."""
    scene = Scene()
    first = scene.turn()
    await first.wait()
    others = [asyncio.ensure_future(scene.turn().wait()) for _ in range(5)]
    await asyncio.sleep(0)
    first.take(chunk("Hello"))
    assert not any(other.done() for other in others)
    scene.settle(first, answered=True)
    found = await asyncio.gather(*others)
    assert [earlier.events for earlier in found if earlier] == [[(Kind.CHUNK, chunk("Hello").raw)]] * 5


async def test_a_first_that_failed_gives_the_key_to_one_that_waits() -> None:
    """One of them runs; the others wait for that one."""
    scene = Scene()
    first = scene.turn()
    await first.wait()
    turns = [scene.turn() for _ in range(3)]
    others = [asyncio.ensure_future(turn.wait()) for turn in turns]
    await asyncio.sleep(0)
    scene.settle(first, answered=False)
    done, _ = await asyncio.wait(others, timeout=0.1)
    [second] = done
    assert second.result() is None
    scene.settle(turns[others.index(second)], answered=True)
    found = await asyncio.gather(*others)
    assert sum(earlier is not None for earlier in found) == 2


async def test_a_first_elsewhere_is_looked_at_again() -> None:
    """In another process nobody can wake us."""
    scene = Scene()
    first = scene.turn()
    await first.wait()
    second = Turn(Replays(scene.ledger, 5.0), scene.turn()._claim)
    waiting = asyncio.ensure_future(second.wait())
    await asyncio.sleep(0.01)
    scene.settle(first, answered=True)
    assert await waiting is not None


async def test_patience_ends() -> None:
    """The client may ask again: the key is in use."""
    scene = Scene(patience=0.01)
    await scene.turn().wait()
    second = scene.turn()
    with pytest.raises(KeyInUse) as caught:
        await second.wait()
    assert caught.value.retry_after
    assert scene.settle(second, answered=False) is None


async def test_who_leaves_while_claiming_leaves_nothing() -> None:
    """The claim may be written behind its back: its end gives it up."""

    class Slow(FakeLedger):
        async def claim(self, claim: object) -> object:
            await super().claim(claim)  # type: ignore[arg-type]
            return await asyncio.sleep(60)

    scene = Scene()
    scene.replays.claims = scene.ledger = Slow()  # type: ignore[assignment]
    turn = scene.turn()
    waiting = asyncio.ensure_future(turn.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert scene.ledger.claims
    scene.settle(turn, answered=False)
    assert not scene.ledger.claims


async def test_an_answer_that_is_too_large_is_not_kept() -> None:
    """The key is free again."""
    scene = Scene()
    turn = scene.turn()
    await turn.wait()
    for _ in range(2):
        turn.take(Event(Kind.CHUNK, b"x" * (LARGEST // 2 + 1)))
    kept = scene.settle(turn, answered=True)
    assert kept is not None
    assert kept.answer is None


async def test_a_ledger_that_is_away_lets_nobody_in() -> None:
    """Nobody knows who was first."""
    scene = Scene()
    scene.ledger.broken = True
    with pytest.raises(NotRecorded):
        await scene.turn().wait()
