"""Who is asked beside a slow target, and what becomes of the loser."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from parley.core.catalog import Target
from parley.core.money import FREE
from parley.errors import UpstreamBroken
from parley.testing import ScriptedAnswer
from parley.upstreams.hedging import race

A, B = Target("a", "m", FREE), Target("b", "m", FREE)


class Scene:
    """Two targets that answer, or fail, after so many seconds."""

    def __init__(self, **plans: tuple[float, Exception | None]) -> None:
        self.plans = plans
        self.answers: dict[str, ScriptedAnswer] = {}
        self.lost: list[Target] = []

    async def ask(self, target: Target) -> ScriptedAnswer:
        """Do as planned."""
        seconds, error = self.plans[target.upstream]
        await asyncio.sleep(seconds)
        if error:
            raise error
        self.answers[target.upstream] = ScriptedAnswer(target, [])
        return self.answers[target.upstream]

    def race(self, after: float = 0.02) -> Coroutine[Any, Any, tuple[Any, list[Any]]]:
        """Let them race."""
        return race(self.ask, A, lambda: B if "b" in self.plans else None, after, self.lost.append)


async def test_a_quick_target_is_asked_alone() -> None:
    """Nobody is asked beside it."""
    scene = Scene(a=(0, None), b=(0, None))
    answer, failed = await scene.race()
    assert (answer.target, failed, scene.lost, list(scene.answers)) == (A, [], [], ["a"])


async def test_the_first_that_answers_is_taken() -> None:
    """The other is cancelled, and has to be paid for."""
    scene = Scene(a=(5, None), b=(0, None))
    answer, _ = await scene.race()
    assert (answer.target, scene.lost, list(scene.answers)) == (B, [A], ["b"])


async def test_a_failure_leaves_the_other() -> None:
    """Whichever it is; it is told."""
    broken = UpstreamBroken()
    scene = Scene(a=(0.3, None), b=(0, broken))
    answer, failed = await scene.race(0.001)
    assert (answer.target, failed, scene.lost) == (A, [(B, broken)], [])


async def test_both_may_fail() -> None:
    """Then there is no answer, and both failures are told."""
    scene = Scene(a=(0.3, UpstreamBroken()), b=(0, UpstreamBroken()))
    answer, failed = await scene.race(0.001)
    assert (answer, [target for target, _ in failed]) == (None, [B, A])


async def test_a_slow_target_without_another_is_waited_for() -> None:
    """There may be none that can be asked."""
    answer, _ = await Scene(a=(0.1, None)).race(0.001)
    assert answer.target is A


async def test_whoever_leaves_ends_both() -> None:
    """The one that was asked first is told as lost; the last is the call's own."""
    scene = Scene(a=(5, None), b=(5, None))
    racing = asyncio.ensure_future(scene.race(0.001))
    await asyncio.sleep(0.02)
    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing
    assert scene.lost == [A]


async def test_an_answer_that_is_as_fast_is_closed() -> None:
    """Both came in the same moment: one is taken, the other let go."""
    scene = Scene(a=(0.02, None), b=(0.0, None))

    async def ask(target: Target) -> ScriptedAnswer:
        await gate.wait()
        scene.answers[target.upstream] = ScriptedAnswer(target, [])
        return scene.answers[target.upstream]

    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, gate.set)
    answer, _ = await race(ask, A, lambda: B, 0.001, scene.lost.append)
    assert answer is scene.answers["a"]
    assert (scene.answers["a"].closed, scene.answers["b"].closed, scene.lost) == (False, True, [B])
