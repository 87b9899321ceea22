"""All upstreams: who speaks to each, what is known of its targets, and what may be asked of it."""

import asyncio
import random
from collections.abc import Callable, Mapping

import structlog

from parley.core.call import Call
from parley.core.catalog import Hedge, Route, Target
from parley.errors import (
    UpstreamBroken,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamError,
    UpstreamMisplaced,
    UpstreamTimeout,
)
from parley.sections import UpstreamSettings
from parley.upstreams.answer import Answer, Provider
from parley.upstreams.attempts import Attempts
from parley.upstreams.board import Board
from parley.upstreams.health import SECOND, Health, Report
from parley.upstreams.retries import Budget
from parley.upstreams.seats import Seats

log = structlog.get_logger()

ENGINE = UpstreamSettings(base_url="", retries=0, prefill="plain")  # of what the file does not name
AILING = (UpstreamBroken, UpstreamTimeout, UpstreamBusy)
MISLED = (UpstreamDenied, UpstreamMisplaced)
"""What counts against a target; a refusal shows that it lives, and a wrong key or address is to be told every time."""
TOO_MANY = 429
REMEMBERED = 4096  # targets; a catch-all may have any number of them


class Upstreams:
    """All upstreams, by name. For one event loop.

    settings: what the operator chose for each. board: what the workers of the machine share; None: nothing is shared.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        settings: Mapping[str, UpstreamSettings],
        attempts: Attempts,
        board: Board | None = None,
    ) -> None:
        self.providers = providers
        self.attempts = attempts
        self._settings = settings
        self._board = board or Board()
        self._clock = attempts.clock
        self._healths: dict[Target, Health] = {}
        self._named: dict[str, Health] = {}  # the same: routes may give a target another price or weight
        self._budgets = {name: Budget() for name in providers}
        self._seats = {name: Seats(one.at_once) for name, one in settings.items() if one.at_once}
        self._keys: dict[str, Callable[[Target], float]] = {
            "weight": self._by_weight,
            "latency": self._by_latency,
            "price": self._by_price,
        }
        self.going_on = frozenset(name for name in providers if self._of(name).prefill != "none")

    def health(self, target: Target) -> Health:
        """Return what is known of *target*."""
        found = self._healths.get(target)
        if found is None:
            if len(self._healths) >= REMEMBERED:
                self._healths.clear()
                self._named.clear()
            found = self._named.get(str(target))
            if found is None:
                found = self._named[str(target)] = Health(target, self._board, self._of(target.upstream).breaker)
            self._healths[target] = found
        return found

    def order(self, route: Route) -> list[Target]:
        """Return the targets of *route* in the order in which they are asked."""
        if route.pick == "order":
            return list(route.targets)
        found: list[Target] = []
        for size in route.tiers:
            tier = route.targets[len(found) : len(found) + size]
            found += sorted(tier, key=self._keys[route.pick])
        return found

    def _by_weight(self, target: Target) -> float:
        """Return a number by chance, the smaller the heavier (Efraimidis and Spirakis, 2006)."""
        return -float(random.random() ** (1 / target.weight))  # noqa: S311 - not a secret

    def _by_latency(self, target: Target) -> float:
        """Return how long it takes; one that nobody has asked yet comes first."""
        return self.health(target).pace.mean

    def _by_price(self, target: Target) -> int:
        """Return what a prompt and an answer of the same length cost."""
        return target.price.input + target.price.output if target.price else 0

    def retries_of(self, target: Target) -> int:
        """Return in how many rounds more *target* may be asked."""
        return self._of(target.upstream).retries

    def first(self, target: Target) -> None:
        """Note that a call asks *target* for the first time."""
        self._budgets[target.upstream].earn()

    def retry(self, target: Target) -> bool:
        """Take a retry of *target*, if there is one to be had."""
        return self._budgets[target.upstream].spend(self._clock.monotonic())

    def wait(self, target: Target) -> float:
        """Return for how many seconds nobody may ask *target*."""
        return self.health(target).wait(self._now()) / SECOND

    def told(self, target: Target) -> float:
        """Return after how many seconds a client may come again for *target*, which may not be asked now."""
        seconds = self.wait(target)
        return min(seconds, self._of(target.upstream).breaker.cooldown) if self.is_open(target) else seconds

    def is_open(self, target: Target) -> bool:
        """Tell whether *target* is left alone because it failed."""
        return self.health(target).is_open

    def begin(self, target: Target) -> bool:
        """Tell whether *target* may be asked now."""
        return self.health(target).begin(self._now())

    def take(self, target: Target) -> bool:
        """Take a seat at *target*, if there is one."""
        seats = self._seats.get(target.upstream)
        return seats is None or seats.take()

    async def sit(self, target: Target, seconds: float) -> bool:
        """Take a seat at *target* within *seconds*; tell whether there was one."""
        seats = self._seats.get(target.upstream)
        return seats is None or await seats.wait(seconds)

    def leave(self, target: Target) -> None:
        """Give a seat at *target* back."""
        seats = self._seats.get(target.upstream)
        if seats is not None:
            seats.leave()

    def patience(self, target: Target, hedge: Hedge | None) -> float | None:
        """Return after how many seconds somebody is asked beside *target*; None: nobody is."""
        return self.health(target).pace.p95 if hedge == "p95" else hedge

    def answered(self, answer: Answer, since: float) -> None:
        """Note that a target, asked at *since*, has begun with its *answer*."""
        now = self._clock.monotonic()
        health = self.health(answer.target)
        if health.begun():
            log.warning("a target answers again: it is asked as before", target=str(answer.target))
        health.pace.add(now - since)
        if answer.rest:
            health.rest(int(now * SECOND), answer.rest)
        self.attempts.answered(answer.target)

    def ended(self, target: Target) -> None:
        """Note that *target* has answered well, to the end or for as long as somebody listened."""
        self.health(target).well(self._now())

    def failed(self, call: Call, target: Target, error: BaseException, since: float) -> None:
        """Note that *target*, asked by *call* at *since*, failed with *error*, before its answer or in it."""
        health, now = self.health(target), self._now()
        if isinstance(error, asyncio.CancelledError):
            self.attempts.cancelled(target)
        if not isinstance(error, UpstreamError):
            health.left()
            return
        self.attempts.failed(call, target, error, since)
        if error.retry_after is not None and isinstance(error, UpstreamBusy):
            health.rest(now, error.retry_after)
        if error.answered == TOO_MANY or isinstance(error, MISLED):
            health.left()
        elif not isinstance(error, AILING):
            health.well(now)
        elif health.failed(now):
            log.error("a target failed too often: nobody asks it for a while", target=str(target))

    def reports(self) -> list[Report]:
        """Return how every target is that has answered so far or is left alone; made-up models have done neither."""
        now = self._now()
        return [one.report(now) for one in self._named.values() if one.pace.mean or one.is_open or one.wait(now)]

    def _now(self) -> int:
        return int(self._clock.monotonic() * SECOND)

    def _of(self, upstream: str) -> UpstreamSettings:
        return self._settings.get(upstream, ENGINE)
