"""Who is asked, how often, and what the client is told when all fail."""

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from parley.core.catalog import Pick, Route, Target
from parley.core.money import FREE, Price
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
from parley.sections import UpstreamSettings
from parley.testing import FakeClock, RecordingReply, ScriptedProvider, a_call, chunk
from parley.upstreams.attempts import Attempts
from parley.upstreams.opening import Opening, summary
from parley.upstreams.retries import LONGEST_PAUSE, pause
from parley.upstreams.seats import Seats
from parley.upstreams.upstreams import Upstreams

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
            {"a": self.a, "b": self.b},
            {name: UpstreamSettings(base_url="", retries=number) for name, number in zip("ab", retries, strict=True)},
            Attempts(FakeClock(), self.counts),
        )

    def open(self, *targets: Target) -> Opening:
        """Return the opening of an answer."""
        return Opening(self.upstreams, a_call({}), Route(targets or (A, B)))

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


TOO_LONG = UpstreamRefused("Too long.", code="context_length_exceeded")


async def test_a_prompt_that_is_too_long_goes_to_another_model() -> None:
    """The same model elsewhere is not asked; where no other takes it, the client hears the first refusal."""
    large = Target("b", "large", FREE)
    scene = Scene([TOO_LONG], [GOOD])
    async with scene.open(A, B, large) as answer:
        assert answer.target is large
    again = Scene([TOO_LONG], [UpstreamRefused("Too long for me too.", code="context_length_exceeded")])
    with pytest.raises(UpstreamRefused, match=r"^Too long\.$"):
        async with again.open(A, large):
            pass
    alone = Scene([TOO_LONG], [GOOD])
    with pytest.raises(UpstreamRefused):
        async with alone.open(A, B):
            pass
    assert alone.asked == (1, 0)


async def test_a_client_that_retries_is_not_multiplied() -> None:
    """It asks again by itself; another target is asked all the same."""
    scene = Scene([SOON, GOOD], [SOON], retries=(3, 3))
    opening = scene.open()
    opening._call.retried = True
    with pytest.raises(UpstreamBusy):
        async with opening:
            pass
    assert scene.asked == (1, 1)


async def test_an_open_breaker_is_passed_over() -> None:
    """Nobody is asked there; a route that has nobody else tells when to come again."""
    scene = Scene([UpstreamBroken()] * 5, [GOOD] * 6)
    for _ in range(6):
        async with scene.open() as answer:
            assert answer.target is B
    assert scene.asked == (5, 6)
    with pytest.raises(UpstreamBusy) as caught:
        async with scene.open(A):
            pass
    assert caught.value.retry_after == 15
    assert scene.asked == (5, 6)


async def test_a_provider_is_given_its_rest() -> None:
    """It said how long: until then it is passed over, and a breaker does not count its refusals."""
    busy = UpstreamBusy(retry_after=60)
    busy.answered = 429
    scene = Scene([busy], [GOOD, GOOD])
    for _ in range(2):
        async with scene.open() as answer:
            assert answer.target is B
    assert scene.asked == (1, 2)
    with pytest.raises(UpstreamBusy) as caught:
        async with scene.open(A):
            pass
    assert caught.value.retry_after == 60


async def test_a_storm_is_not_made_worse() -> None:
    """When the budget of retries is used up each call asks once."""
    busy = UpstreamBusy(retry_after=0)
    busy.answered = 429  # which opens no breaker
    scene = Scene([busy] * 200, retries=(2, 0))
    for _ in range(100):
        with pytest.raises(UpstreamBusy):
            async with scene.open(A):
                pass
    assert 100 <= scene.asked[0] <= 121


async def test_an_upstream_is_asked_so_many_at_once() -> None:
    """The next target takes what is too much; alone, the call waits for a place."""
    scene = Scene([GOOD, GOOD], [GOOD])
    scene.upstreams._seats["a"] = Seats(1)
    async with scene.open() as first:
        async with scene.open() as second:
            assert (first.target, second.target) == (A, B)
        waiting = asyncio.ensure_future(scene.open(A).__aenter__())
        await asyncio.sleep(0.01)
        assert scene.asked == (1, 1)
    assert (await waiting).target is A


@pytest.mark.parametrize(("pick", "first"), [("order", A), ("price", B), ("latency", B)])
def test_a_tier_is_asked_in_the_order_that_was_picked(pick: Pick, first: Target) -> None:
    """As listed, the cheapest, or the fastest of late; the next tier comes behind it in any case."""
    dear, cheap, last = (
        replace(A, price=Price(9, 9, 9, "x")),
        replace(B, price=Price(1, 1, 1, "x")),
        Target("c", "m", FREE),
    )
    scene = Scene([], [])
    scene.upstreams.health(dear).pace.add(2)
    scene.upstreams.health(cheap).pace.add(1)
    found = scene.upstreams.order(Route((dear, cheap, last), tiers=(2, 1), pick=pick))
    assert (found[0].upstream, found[2]) == (first.upstream, last)


def test_a_tier_is_dealt_by_weight() -> None:
    """Three to one, in the long run."""
    scene, heavy = Scene([], []), replace(A, weight=3.0)
    route = Route((heavy, B), tiers=(2,), pick="weight")
    share = sum(scene.upstreams.order(route)[0] is heavy for _ in range(2000)) / 2000
    assert 0.7 < share < 0.8


async def test_a_slow_target_is_hedged() -> None:
    """Another is asked as well; whoever lost is paid for, and no seat is kept."""
    scene = Scene([], [GOOD])

    async def sleep(*_: object) -> None:
        await asyncio.sleep(5)

    scene.a.ask = sleep  # type: ignore[method-assign, assignment]
    opening = Opening(scene.upstreams, a_call({}), Route((A, B), hedge=0.01))
    async with opening as answer:
        assert answer.target is B
    assert [one.target for one in opening.spoilt] == [A]
    assert (opening.answering, opening.attempts, scene.counts["a", "cancelled"]) == (B, 2, 1)


async def test_who_waits_for_a_seat_gets_it() -> None:
    """However many wait: each asks with the seat that it was given, in the order of coming."""
    scene = Scene([GOOD] * 4)
    scene.upstreams._seats["a"] = Seats(1)

    async def one() -> None:
        async with scene.open(A):
            await asyncio.sleep(0.01)

    async with asyncio.timeout(5):
        await asyncio.gather(*(one() for _ in range(4)))
    assert scene.asked == (4, 0)


async def test_nobody_waits_for_a_seat_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so long the client is told to come again."""
    monkeypatch.setattr("parley.upstreams.opening.LONGEST_PAUSE", 0.02)
    scene = Scene([GOOD])
    scene.upstreams._seats["a"] = Seats(1)
    async with scene.open(A):
        with pytest.raises(UpstreamBusy) as caught:
            async with scene.open(A):
                pass
    assert (caught.value.retry_after, scene.counts["a", "passed_over"]) == (1.0, 1)
    assert scene.upstreams.take(A)


@pytest.mark.parametrize("error", [UpstreamDenied(), UpstreamMisplaced()], ids=lambda it: type(it).__name__)
async def test_a_wrong_key_is_told_every_time(error: ParleyError) -> None:
    """No breaker hides what its operator has to mend."""
    scene = Scene([error] * 8)
    for _ in range(8):
        with pytest.raises(type(error)):
            async with scene.open(A):
                pass
    assert scene.asked == (8, 0)


async def test_a_target_that_always_breaks_is_left_alone() -> None:
    """Each stream begins well and then breaks: that is no answer."""
    scene = Scene([[chunk("Hello"), UpstreamBroken()]] * 5, [GOOD])
    for _ in range(5):
        with pytest.raises(UpstreamBroken):
            async with scene.open() as answer:
                await answer.pour(RecordingReply())
    async with scene.open() as answer:
        assert answer.target is B


async def test_both_of_a_hedge_may_fail() -> None:
    """Each failure is noted: who does not take our key is not asked again."""
    scene = Scene([], [UpstreamDenied()], retries=(0, 1))

    async def slow(*_: object) -> None:
        await asyncio.sleep(0.05)
        raise UpstreamBroken

    scene.a.ask = slow  # type: ignore[method-assign, assignment]
    opening = Opening(scene.upstreams, a_call({}), Route((A, B), hedge=0.01))
    with pytest.raises(UpstreamsExhausted):
        async with opening:
            pass
    assert (len(scene.b.asked), opening.pending, opening.spoilt) == (1, [], [])


def test_a_target_is_known_once() -> None:
    """Whatever price or weight a route gives it: one breaker, one line in /status."""
    scene = Scene([], [])
    one, other = scene.upstreams.health(A), scene.upstreams.health(replace(A, weight=3.0))
    assert one is other
    one.pace.add(1)
    assert [report.target for report in scene.upstreams.reports()] == ["a/m"]
