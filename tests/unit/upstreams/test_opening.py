"""Who is asked, how often, and what the client is told when all fail."""

import asyncio
from collections import Counter

import pytest

from parley.core.catalog import Target
from parley.core.money import FREE
from parley.errors import (
    InvalidRequest,
    NoSuchModel,
    ParleyError,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamLacksModel,
    UpstreamMisplaced,
    UpstreamRefused,
    UpstreamsExhausted,
    UpstreamTimeout,
)
from parley.testing import FakeClock, RecordingReply, ScriptedProvider, a_call, chunk
from parley.upstreams.attempts import Attempts
from parley.upstreams.opening import LONGEST_PAUSE, Opening, Upstreams, pause, summary

A, B = Target("a", "m", FREE), Target("b", "m", FREE)
GOOD = [chunk("Hello")]
SOON = UpstreamBusy(retry_after=0)


class Scene:
    """Two upstreams with scripts, and how often each is tried again."""

    def __init__(self, a: list[object], b: list[object] | None = None, retries: tuple[int, int] = (0, 0)) -> None:
        self.a = ScriptedProvider(*([it] if isinstance(it, ParleyError) else it for it in a))  # type: ignore[arg-type]
        self.b = ScriptedProvider(*([it] if isinstance(it, ParleyError) else it for it in b or []))  # type: ignore[arg-type]
        self.counts: Counter[tuple[str, str]] = Counter()
        self.upstreams = Upstreams(
            {"a": self.a, "b": self.b}, {"a": retries[0], "b": retries[1]}, Attempts(FakeClock(), self.counts)
        )

    def open(self, *targets: Target) -> Opening:
        """Return the opening of an answer."""
        return self.upstreams.open(a_call({}), targets or (A, B))

    @property
    def asked(self) -> tuple[int, int]:
        """How often each was asked."""
        return len(self.a.asked), len(self.b.asked)


async def test_the_preferred_target_answers() -> None:
    """The others are not asked; the answer is let go on the way out."""
    scene = Scene([GOOD], [GOOD])
    async with scene.open() as answer:
        assert answer.target is A
    assert scene.asked == (1, 0)
    assert scene.a.answers[0].closed


@pytest.mark.parametrize(
    "error",
    [UpstreamBroken(), UpstreamBusy(), UpstreamDenied(), UpstreamLacksModel(), UpstreamMisplaced(), UpstreamTimeout()],
    ids=lambda it: type(it).__name__,
)
async def test_the_next_target_is_asked(error: ParleyError) -> None:
    """For every failure that is not the request's own."""
    scene = Scene([error], [GOOD])
    opening = scene.open()
    async with opening as answer:
        assert answer.target is B
    assert (scene.asked, opening.attempts, opening.asked) == ((1, 1), 2, B)


@pytest.mark.parametrize("error", [UpstreamRefused(), InvalidRequest()])
async def test_a_refusal_is_not_shopped_around(error: ParleyError) -> None:
    """The request itself is wrong: the client is told at once."""
    scene = Scene([error], [GOOD], retries=(3, 3))
    with pytest.raises(type(error)):
        async with scene.open():
            pass
    assert scene.asked == (1, 0)


async def test_there_is_another_round() -> None:
    """When all failed for reasons that pass, each as often as its own retries say."""
    scene = Scene([SOON, SOON, SOON], [SOON, GOOD], retries=(2, 1))
    async with scene.open() as answer:
        assert answer.target is B
    assert scene.asked == (2, 2)


async def test_rounds_end() -> None:
    """First try and retries of each, no more."""
    scene = Scene([SOON] * 9, [SOON] * 9, retries=(3, 1))
    with pytest.raises(UpstreamBusy):
        async with scene.open():
            pass
    assert scene.asked == (4, 2)


@pytest.mark.parametrize("error", [UpstreamDenied(), UpstreamLacksModel(), UpstreamMisplaced(), UpstreamTimeout()])
async def test_a_final_failure_is_not_repeated(error: ParleyError) -> None:
    """A key that was not taken, a model that is not there, a silence: none of them passes in a second."""
    scene = Scene([error], [SOON, GOOD], retries=(3, 3))
    async with scene.open() as answer:
        assert answer.target is B
    assert scene.asked == (1, 2)


async def test_who_is_told_to_come_back_late_tells_the_client() -> None:
    """A retry-after longer than our patience is passed on, not waited for."""
    scene = Scene([UpstreamBusy(retry_after=LONGEST_PAUSE + 1)], retries=(5, 0))
    with pytest.raises(UpstreamBusy) as failure:
        async with scene.open(A):
            pass
    assert failure.value.retry_after == LONGEST_PAUSE + 1
    assert scene.asked == (1, 0)


async def test_a_client_that_leaves_in_a_pause_ends_it() -> None:
    """Nobody is asked any more."""
    scene = Scene([UpstreamBusy(retry_after=5), GOOD], retries=(1, 0))
    task = asyncio.ensure_future(scene.open(A).__aenter__())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scene.asked == (1, 0)


@pytest.mark.parametrize("attempt", range(1, 12))
def test_a_pause_grows_to_its_limit(attempt: int) -> None:
    """Full jitter: anything from nothing to twice the last bound, never above eight seconds."""
    bound = min(LONGEST_PAUSE, 0.25 * 2**attempt)
    assert all(0 <= pause(attempt, UpstreamBroken()) <= bound for _ in range(50))


def test_a_provider_that_tells_when_is_believed() -> None:
    """Its retry-after is the pause."""
    assert pause(1, UpstreamBusy(retry_after=3.5)) == 3.5


async def test_every_attempt_is_counted() -> None:
    """By upstream and what became of it, an answer that broke too."""
    scene = Scene([UpstreamDenied()], [[chunk("Hel"), UpstreamBroken()]])
    with pytest.raises(UpstreamBroken):
        async with scene.open() as answer:
            await answer.pour(RecordingReply())
    assert scene.counts == {("a", "upstream_denied"): 1, ("b", "answered"): 1, ("b", "upstream_broken"): 1}


async def test_an_attempt_that_nobody_waited_for_is_counted() -> None:
    """An upstream that hangs while its clients leave is seen to do so."""
    scene = Scene([])

    async def hang(*_: object) -> None:
        await asyncio.sleep(60)

    scene.a.ask = hang  # type: ignore[assignment,method-assign]
    task = asyncio.ensure_future(scene.open(A).__aenter__())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scene.counts == {("a", "cancelled"): 1}


def test_failures_of_one_target_are_told_as_the_last() -> None:
    """With its own words and retry-after."""
    last = UpstreamBusy(retry_after=2)
    assert summary([(A, UpstreamBroken()), (A, last)]) is last


def test_failures_of_one_kind_are_told_as_it() -> None:
    """Who failed is named, and the soonest time to come back."""
    told = summary([(A, UpstreamBusy("One.", retry_after=2)), (B, UpstreamBusy("Two.", retry_after=9))])
    assert isinstance(told, UpstreamBusy)
    assert told.message.endswith("a/m: One. b/m: Two.")
    assert told.retry_after == 2


def test_two_empty_accounts_are_told_as_that() -> None:
    """The code is theirs; where another did not take our key, neither code is the whole truth."""
    spent = UpstreamDenied("Spent.", code="upstream_insufficient_quota")
    assert summary([(A, spent), (B, spent)]).error_code == "upstream_insufficient_quota"
    assert isinstance(summary([(A, spent), (B, UpstreamDenied())]), UpstreamsExhausted)


def test_failures_of_several_kinds_are_summed_up() -> None:
    """Each target once, with its last word, in order."""
    told = summary([(A, UpstreamBroken("One.")), (B, UpstreamTimeout("Two.")), (A, UpstreamBroken("Three."))])
    assert isinstance(told, UpstreamsExhausted)
    assert told.message.endswith("a/m: Three. b/m: Two.")


@pytest.mark.parametrize("error", [InvalidRequest(), NoSuchModel()])
async def test_a_stand_in_that_cannot_do_it_does_not_hide_why_it_was_needed(error: ParleyError) -> None:
    """The first target broke; that the second refuses a parameter, or was removed, is not the client's fault."""
    scene = Scene([UpstreamBroken()], [error])
    with pytest.raises(UpstreamBroken):
        await scene.open().__aenter__()
    assert scene.asked == (1, 1)
