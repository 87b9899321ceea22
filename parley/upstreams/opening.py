"""Getting an answer: which target is asked, how often, and when we give up.

Every target is asked in order of preference; when all of them failed for reasons that pass, there is another round
after a pause, as often as the upstream's `retries` allow. A target that did not take our key or does not have the model
is out for good, and one that stayed silent is not asked twice. All of it happens before the first event is in hand:
after that, an error belongs to the stream.
"""

import asyncio
import random
from collections.abc import Mapping
from types import TracebackType

from parley.core.call import Call
from parley.core.catalog import Target
from parley.errors import (
    InvalidRequest,
    NoSuchModel,
    UpstreamDenied,
    UpstreamError,
    UpstreamLacksModel,
    UpstreamMisplaced,
    UpstreamsExhausted,
    UpstreamTimeout,
)
from parley.upstreams.answer import Answer, Provider
from parley.upstreams.attempts import Attempts

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0  # seconds
FINAL = (UpstreamDenied, UpstreamLacksModel, UpstreamMisplaced, UpstreamTimeout)


def pause(attempt: int, error: UpstreamError) -> float:
    """Return the seconds to wait before round *attempt* (from 1): what the provider asked for, else full jitter."""
    if error.retry_after is not None:
        return error.retry_after
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))  # noqa: S311 - not a secret


class Upstreams:
    """All upstreams, by name."""

    def __init__(self, providers: Mapping[str, Provider], retries: Mapping[str, int], attempts: Attempts) -> None:
        self.providers = providers
        self.retries = retries
        self.attempts = attempts

    def open(self, call: Call, targets: tuple[Target, ...]) -> "Opening":
        """Return the opening of an answer to *call* from one of *targets*: enter it to get the answer."""
        return Opening(self, call, targets)


class Opening:
    """One answer, from the asking to the letting go."""

    __slots__ = ("_answer", "_call", "_failures", "_since", "_targets", "_upstreams", "asked", "attempts")

    def __init__(self, upstreams: Upstreams, call: Call, targets: tuple[Target, ...]) -> None:
        self._upstreams = upstreams
        self._call = call
        self._targets = targets  # those that may still answer
        self._since = 0.0  # when the last one was asked
        self._failures: list[tuple[Target, UpstreamError]] = []
        self._answer: Answer | None = None
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
            wait = pause(number, self._failures[-1][1])
            if wait > LONGEST_PAUSE:
                break  # the provider told when to come back: the client is told, not kept waiting
            await asyncio.sleep(wait)
        raise summary(self._failures)

    async def _round(self, number: int) -> Answer | None:
        """Ask each target that is left, and return the first answer; None when all failed."""
        upstreams = self._upstreams
        for target in self._targets:
            self.attempts += 1
            self.asked = target
            self._since = upstreams.attempts.clock.monotonic()
            try:
                answer = await upstreams.providers[target.upstream].ask(self._call, target)
                upstreams.attempts.answered(target)
                return answer  # noqa: TRY300 - what follows is for failures
            except UpstreamError as error:
                upstreams.attempts.failed(self._call, target, error, self._since)
                if not error.retriable:
                    raise
                self._failures.append((target, error))
                if isinstance(error, FINAL) or number >= upstreams.retries.get(target.upstream, 0):
                    self._give_up(target)
            except (InvalidRequest, NoSuchModel):
                if not self._failures:
                    raise
                self._give_up(target)  # a stand-in that can't do it: the client hears why it was needed
            except asyncio.CancelledError:
                upstreams.attempts.cancelled(target)
                raise
        return None

    def _give_up(self, target: Target) -> None:
        """Do not ask *target* again."""
        self._targets = tuple(one for one in self._targets if one is not target)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._answer is None:
            return
        self._answer.close()
        if isinstance(error, UpstreamError):
            self._upstreams.attempts.failed(self._call, self._answer.target, error, self._since)


def summary(failures: list[tuple[Target, UpstreamError]]) -> UpstreamError:
    """Return the one error that tells the client what *failures* mean: all of them, in the last word of each target."""
    _, last = failures[-1]
    final = {str(target): error for target, error in failures}
    if len(final) == 1:
        return last
    told = " ".join(f"{target}: {error.message}" for target, error in final.items())
    message = f"None of the model's providers could answer. {told}"
    if any((type(error), error.error_code) != (type(last), last.error_code) for error in final.values()):
        return UpstreamsExhausted(message)
    soonest = min((error.retry_after for error in final.values() if error.retry_after is not None), default=None)
    return type(last)(message, code=last.error_code, retry_after=soonest)
