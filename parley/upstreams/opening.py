"""Getting an answer: which target is asked, how often, and when we give up.

Every target is asked in order of preference; when all of them failed for reasons that pass, there is another round
after a pause, as often as the upstream's `retries` allow. A target that did not take our key, has no quota left for us
or does not have the model is out for good, and one that stayed silent is not asked twice. All of it happens before the
first event is in hand: after that, an error belongs to the stream.
"""

import asyncio
import random
from collections.abc import Mapping
from types import TracebackType

from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.clock import Clock
from parley.errors import (
    InvalidRequest,
    NoSuchModel,
    ParleyError,
    UpstreamDenied,
    UpstreamError,
    UpstreamLacksModel,
    UpstreamNoQuota,
    UpstreamsExhausted,
    UpstreamTimeout,
)
from parley.upstreams.answer import Answer, Provider
from parley.upstreams.attempts import ANSWERED, CANCELLED, Tally, note, outcome

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0  # seconds
FINAL = (UpstreamDenied, UpstreamNoQuota, UpstreamLacksModel, UpstreamTimeout)


def pause(attempt: int, error: UpstreamError) -> float:
    """Return the seconds to wait before round *attempt* (from 1): what the provider asked for, else full jitter."""
    if error.retry_after is not None:
        return error.retry_after
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))  # noqa: S311 - not a secret


class Upstreams:
    """All upstreams, by name; each attempt is counted in *tally*."""

    def __init__(
        self, providers: Mapping[str, Provider], retries: Mapping[str, int], tally: Tally, clock: Clock
    ) -> None:
        self.providers = providers
        self.retries = retries
        self.tally = tally
        self.clock = clock

    def open(self, call: Call, targets: tuple[Target, ...]) -> "Opening":
        """Return the opening of an answer to *call* from one of *targets*: enter it to get the answer."""
        return Opening(self, call, targets)


class Opening:
    """One answer, from the asking to the letting go."""

    __slots__ = ("_all", "_answer", "_begun", "_call", "_failures", "_targets", "asked", "attempts")

    def __init__(self, upstreams: Upstreams, call: Call, targets: tuple[Target, ...]) -> None:
        self._all = upstreams
        self._call = call
        self._targets = targets  # those that may still answer
        self._failures: list[UpstreamError] = []
        self._answer: Answer | None = None
        self._begun = call.arrived  # the running attempt; the first one when the call came, for a look costs time
        self.attempts = 0
        self.asked: Target | None = None

    async def __aenter__(self) -> Answer:
        number = 0
        while True:
            answer = await self._round(number)
            if answer is not None:
                self._answer = answer
                return answer
            if not self._targets:
                break
            number += 1
            wait = pause(number, self._failures[-1])
            if wait > LONGEST_PAUSE:
                break  # the provider told when to come back: the client is told, not kept waiting
            await asyncio.sleep(wait)
            self._begun = self._all.clock.monotonic()
        raise summary(self._failures)

    async def _round(self, number: int) -> Answer | None:
        """Ask each target that is left, and return the first answer; None when all failed."""
        for target in self._targets:
            self.attempts += 1
            self.asked = target
            try:
                return await self._all.providers[target.upstream].ask(self._call, target)
            except UpstreamError as error:
                self._failed(target, error)
                if not error.retriable:
                    raise
                self._failures.append(error)
                if isinstance(error, FINAL) or number >= self._all.retries.get(target.upstream, 0):
                    self._give_up(target)
            except (InvalidRequest, NoSuchModel) as error:
                self._failed(target, error)
                if not self._failures:
                    raise
                self._give_up(target)  # a stand-in that can't do it: the client hears why it was needed
            except asyncio.CancelledError:
                self._all.tally[target.upstream, CANCELLED] += 1
                raise
        return None

    def _failed(self, target: Target, error: ParleyError) -> None:
        """Count and log that *target* did not answer, or not to the end."""
        upstreams, begun = self._all, self._begun
        self._begun = upstreams.clock.monotonic()
        upstreams.tally[target.upstream, outcome(error)] += 1
        note(self._call, target, upstreams.providers[target.upstream].address, error, self._begun - begun)

    def _give_up(self, target: Target) -> None:
        """Do not ask *target* again."""
        self._targets = tuple(one for one in self._targets if one is not target)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        answer = self._answer
        if answer is None:
            return
        answer.close()
        if isinstance(error, UpstreamError):
            self._failed(answer.target, error)
        else:
            word = CANCELLED if isinstance(error, asyncio.CancelledError) else ANSWERED
            self._all.tally[answer.target.upstream, word] += 1


def summary(failures: list[UpstreamError]) -> UpstreamError:
    """Return the one error that tells the client what *failures* mean."""
    last = failures[-1]
    if all(type(error) is type(last) for error in failures):
        return last
    told = "; ".join(dict.fromkeys(error.message for error in failures))
    return UpstreamsExhausted(f"None of the model's providers could answer: {told}")
