"""Getting an answer: which target is asked, how often, and when we give up.

Every target of a route is asked in order of preference; one whose breaker is open, whose provider asked for a rest or
that is asked enough at once is passed over. When all failed for reasons that pass, there is another round after a
pause, as often as the upstream's `retries` and its retry budget allow, and never for a client that retries by itself.
A target that did not take our key or does not have the model is out for good, and one that stayed silent is not asked
twice. A prompt that is too long for one model goes on to another. All of it happens before the first event is in hand:
after that, an error belongs to the stream (`parley.upstreams.mending`).
"""

import asyncio
from types import TracebackType

from parley.core.call import Call
from parley.core.catalog import Route, Target
from parley.errors import (
    InvalidRequest,
    NoSuchModel,
    ParleyError,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamError,
    UpstreamLacksModel,
    UpstreamMisplaced,
    UpstreamsExhausted,
    UpstreamTimeout,
)
from parley.upstreams.answer import Answer
from parley.upstreams.hedging import race
from parley.upstreams.mending import Mended, Spoilt
from parley.upstreams.retries import LONGEST_PAUSE, pause
from parley.upstreams.upstreams import Upstreams

__all__ = ["Opening", "summary"]

FINAL = (UpstreamDenied, UpstreamLacksModel, UpstreamMisplaced, UpstreamTimeout)
TOO_LONG = "context_length_exceeded"
PASSED_OVER, NO_RETRY = "passed_over", "no_retry_left"


class Opening:
    """One answer, from the asking to the letting go.

    attempts: how often somebody was asked. asked: whom, at last. pending: those that are asked and have said nothing
    yet. answering: who gives the answer. spoilt: what has to be paid for all the same.
    """

    __slots__ = (
        "_answer",
        "_call",
        "_failures",
        "_kept",
        "_left",
        "_refusal",
        "_route",
        "_seats",
        "_since",
        "_upstreams",
        "_waited",
        "answering",
        "asked",
        "attempts",
        "pending",
        "spoilt",
    )

    def __init__(self, upstreams: Upstreams, call: Call, route: Route) -> None:
        self._upstreams = upstreams
        self._call = call
        self._route = route
        self._left = upstreams.order(route)  # those that may still answer
        self._since: dict[Target, float] = {}  # when each was asked last
        self._failures: list[tuple[Target, UpstreamError]] = []
        self._refusal: ParleyError | None = None  # of a prompt that is too long for a model
        self._answer: Answer | None = None
        self._seats: list[Target] = []
        self._kept: Target | None = None  # where we have a seat and have not asked
        self._waited = 0.0  # seconds for somebody who may be asked
        self.attempts = 0
        self.asked: Target | None = None
        self.pending: list[Target] = []
        self.answering: Target | None = None
        self.spoilt: list[Spoilt] = []

    async def __aenter__(self) -> Answer:
        try:
            answer = await self._open()
        except BaseException:
            self._free()
            raise
        if self._route.on_break != "error" and self._call.streamed:
            return Mended(self, answer, self._call, self._route.on_break)
        return answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._answer is not None:
            if isinstance(error, UpstreamError):
                self._broke(self._answer.target, error)
            else:
                self._upstreams.ended(self._answer.target)
            self._answer.close()
        self._free()

    async def again(self, call: Call, answer: Answer, error: UpstreamError, *, going_on: bool) -> Answer:
        """Return an answer to *call* from another target than that of *answer*, which broke with *error*.

        going_on: only from one that can go on with what another began. Raises *error* when nobody answers.
        """
        self._broke(answer.target, error)
        answer.close()
        self._answer = self.answering = None
        self._leave(answer.target)
        self._call = call
        able = self._upstreams.going_on if going_on else self._upstreams.providers
        self._left = [one for one in self._left if one != answer.target and one.upstream in able]
        try:
            found = await self._round(self._upstreams.retries_of(answer.target) + 1)
        except (UpstreamError, InvalidRequest, NoSuchModel):
            found = None
        if found is None:
            raise error
        return found

    async def _open(self) -> Answer:
        """Return the first answer that somebody gives. Raises the error that tells why nobody did."""
        number = 0
        while True:
            before = self.attempts
            answer = await self._round(number)
            if answer is not None:
                return answer
            if not self._left:
                break
            if self.attempts == before:
                await self._wait()
                continue
            number += 1
            wait = pause(number, self._failures[-1][1]) if self._failures else 0.0
            if max(wait, min(map(self._upstreams.wait, self._left))) > LONGEST_PAUSE:
                break  # the provider told when to come back: the client is told, not kept waiting
            await asyncio.sleep(wait)
        if self._refusal is not None:
            raise self._refusal
        raise summary(self._failures)

    async def _wait(self) -> None:
        """Wait until somebody of those that are left may be asked. Raises what is to be told when that takes long."""
        upstreams = self._upstreams
        soonest = min(self._left, key=upstreams.wait)
        seconds = upstreams.wait(soonest)
        self._waited += seconds
        if self._waited > LONGEST_PAUSE or (seconds and upstreams.is_open(soonest)):
            if self._failures:
                raise summary(self._failures)
            told = f"`{soonest}` is not asked at present: it failed too often, or its provider wants a rest."
            upstreams.attempts.count(soonest, PASSED_OVER)
            raise UpstreamBusy(told, retry_after=upstreams.told(soonest))
        if seconds:
            await asyncio.sleep(seconds)
            return
        since = asyncio.get_running_loop().time()
        if not await upstreams.sit(soonest, LONGEST_PAUSE - self._waited):
            upstreams.attempts.count(soonest, PASSED_OVER)
            raise UpstreamBusy(f"`{soonest}` is asked as much at once as it may be.", retry_after=1.0)
        self._waited += asyncio.get_running_loop().time() - since
        self._kept = soonest

    async def _round(self, number: int) -> Answer | None:
        """Ask each target that is left, and return the first answer; None when all failed or may not be asked now."""
        for target in tuple(self._left):
            if target not in self._left or not self._may(target):
                continue
            try:
                return await (self._ask(target) if self._route.hedge is None else self._hedged(target, number))
            except (UpstreamError, InvalidRequest, NoSuchModel) as error:
                self._note(target, error, number)
        return None

    async def _hedged(self, target: Target, number: int) -> Answer:
        """Ask *target*, and another as well when it is slow. Raises what *target* failed with when both do."""
        after = self._upstreams.patience(target, self._route.hedge)
        if after is None:
            return await self._ask(target)

        def other() -> Target | None:
            fresh = (one for one in self._left if one not in self._since and not self._upstreams.wait(one))
            return next((one for one in fresh if self._upstreams.retry(one) and self._may(one)), None)

        answer, failed = await race(self._ask, target, other, after, lambda one: self.spoilt.append(Spoilt(one)))
        for one, error in failed:
            if one is not target and isinstance(error, UpstreamError | InvalidRequest | NoSuchModel):
                self._note(one, error, number)
        if answer is None:
            raise next(error for one, error in failed if one is target)
        self._answer, self.asked, self.answering = answer, answer.target, answer.target
        return answer

    def _may(self, target: Target) -> bool:
        """Tell whether *target* may be asked now, and take a seat; a second time only if there is a retry to be had."""
        upstreams, kept = self._upstreams, target == self._kept
        if upstreams.wait(target) or not (kept or upstreams.take(target)):
            return False
        self._kept = None if kept else self._kept
        if target in self._since and not upstreams.retry(target):
            upstreams.attempts.count(target, NO_RETRY)
            self._give_up(target)
        elif upstreams.begin(target):
            return True
        upstreams.leave(target)
        return False

    async def _ask(self, target: Target) -> Answer:
        """Ask *target*, which may be asked, and note what becomes of it. Raises what it fails with."""
        upstreams = self._upstreams
        if target not in self._since:
            upstreams.first(target)
        self.attempts += 1
        self.asked = target
        self._since[target] = since = upstreams.attempts.clock.monotonic()
        self._seats.append(target)
        self.pending.append(target)
        try:
            answer = await upstreams.providers[target.upstream].ask(self._call, target)
        except BaseException as error:
            self._leave(target)
            upstreams.failed(self._call, target, error, since)
            if not isinstance(error, asyncio.CancelledError):  # else it is paid for: see `policies.audit`
                self.pending.remove(target)
            raise
        self.pending.remove(target)
        upstreams.answered(answer, since)
        self._answer, self.answering = answer, target
        return answer

    def _note(self, target: Target, error: ParleyError, number: int) -> None:
        """Note that *target* failed with *error*. Raises it where no other target could do better."""
        if error.error_code == TOO_LONG and any(one.model != target.model for one in self._left):
            self._refusal = self._refusal or error  # a larger model may take it
            self._left = [one for one in self._left if one.model != target.model]
            return
        if isinstance(error, UpstreamError) and error.retriable:
            self._failures.append((target, error))
            rounds = 0 if self._call.retried else self._upstreams.retries_of(target)
            if isinstance(error, FINAL) or number >= rounds:
                self._give_up(target)
        elif self._refusal is not None:
            self._give_up(target)
        elif self._failures and not isinstance(error, UpstreamError):
            self._give_up(target)  # a stand-in that can't do it: the client hears why it was needed
        else:
            raise error

    def _broke(self, target: Target, error: UpstreamError) -> None:
        """Note that *target* failed in the middle of its answer."""
        self._upstreams.failed(self._call, target, error, self._since[target])

    def _give_up(self, target: Target) -> None:
        """Do not ask *target* again."""
        self._left = [one for one in self._left if one is not target]

    def _leave(self, target: Target) -> None:
        """Give the seat at *target* back."""
        self._seats.remove(target)
        self._upstreams.leave(target)

    def _free(self) -> None:
        """Give all seats back."""
        for target in (*self._seats, *([self._kept] if self._kept else ())):
            self._upstreams.leave(target)
        self._seats.clear()
        self._kept = None


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
