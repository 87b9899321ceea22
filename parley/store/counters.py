"""Counters: what limits and budgets are decided by and reported from. Pure: the ledgers read, ask here, and write back.

A call *needs* something of several counters: a place in a rate, a seat, money. All of it is taken or nothing
(`decide`), in one transaction of the database that every worker and replica shares. What was taken is a *hold* until
the call is settled, in the transaction that writes its row (`settlement`).

- A rate is a bucket that fills again at a constant pace (GCRA, ITU-T I.371): one number, the time at which it will
  be full. Its burst is what it lets through in one period after a rest.
- Seats count the calls in flight.
- Money is what was spent, and what is held for calls that are not settled: the sum never exceeds the limit.

Everything is an integer: nanoseconds, tokens, nano-dollars. So sums are exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

import msgspec

MINUTE = 60_000_000_000
DAY = 24 * 60 * MINUTE
DEBT = 2  # periods: a bucket is never further from full, whatever a correction or a clock that jumped did to it


class Kind(IntEnum):
    """What a counter counts."""

    RATE = 0
    SEATS = 1
    MONEY = 2


class Need(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a call takes of one counter.

    counter: its name. amount, limit: requests, tokens, calls or nano-dollars. period: nanoseconds, of a rate.
    estimated: whether the amount is put right when the call has ended (tokens; money always is).
    """

    counter: str
    kind: Kind
    amount: int
    limit: int
    period: int = 0
    estimated: bool = False


class Counter(msgspec.Struct, gc=False):
    """The state of one counter: `value` is the time at which a rate's bucket is full, or what was spent; `held`: seats
    taken, or money held."""  # noqa: D205, D209 - one sentence

    value: int = 0
    held: int = 0


class Standing(msgspec.Struct, frozen=True, gc=False):
    """How a counter stands after a decision, as its need counts it; times in nanoseconds.

    reset: until a bucket is full; one that holds nothing always is. wait: until there is room for what was refused; 0
    where time alone makes none.
    """

    need: Need
    remaining: int
    reset: int
    wait: int = 0


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What became of an admission: what was short, if anything, and how every counter stands."""

    short: Standing | None
    standings: tuple[Standing, ...]


class Change(msgspec.Struct, frozen=True, gc=False):
    """What a settlement adds to a counter."""

    counter: str
    value: int
    held: int


def _span(need: Need, amount: int) -> int:
    """Return the time in which a bucket gets *amount* back."""
    if need.limit > 0:
        return -(-amount * need.period // need.limit)
    return need.period + 1 if amount else 0


def _used(need: Need, counter: Counter, now: int) -> int:
    """Return the time until the bucket is full."""
    used, most = counter.value - now, DEBT * need.period
    return 0 if used < 0 else min(used, most)


def _left(need: Need, counter: Counter, now: int) -> int:
    """Return how much *need* could take at most."""
    if need.kind is Kind.RATE:
        return max(need.period - _used(need, counter, now), 0) * need.limit // need.period
    spent = counter.value if need.kind is Kind.MONEY else 0
    return need.limit - spent - counter.held


def fits(need: Need, counter: Counter, now: int) -> bool:
    """Tell whether *counter* has room for *need* at *now*."""
    if need.kind is Kind.RATE:
        return _used(need, counter, now) + _span(need, need.amount) <= need.period
    return need.amount <= _left(need, counter, now)


def take(need: Need, counter: Counter, now: int) -> None:
    """Take *need* out of *counter*."""
    if need.kind is Kind.RATE:
        counter.value = now + _used(need, counter, now) + _span(need, need.amount)
    else:
        counter.held += need.amount


def standing(need: Need, counter: Counter, now: int) -> Standing:
    """Return how *counter* stands for *need*."""
    if need.kind is not Kind.RATE:
        left = _left(need, counter, now)
        return Standing(need, max(0, left), 0)
    used, span = _used(need, counter, now), _span(need, need.amount)
    room = need.period - used
    wait = span - room if span <= need.period else 0  # more than a whole bucket never fits
    reset = used if need.limit > 0 else 0  # what an earlier limit let through is no matter of this one
    return Standing(need, room * need.limit // need.period if room > 0 else 0, reset, max(0, wait))


def decide(needs: Sequence[Need], counters: Mapping[str, Counter], now: int) -> Verdict:
    """Take all *needs* out of *counters*, or none of them; *counters* has every counter that is named."""
    short = next((need for need in needs if not fits(need, counters[need.counter], now)), None)
    if short is None:
        for need in needs:
            take(need, counters[need.counter], now)
    standings = tuple(standing(need, counters[need.counter], now) for need in needs)
    found = None if short is None else standing(short, counters[short.counter], now)
    return Verdict(found, standings)


def settlement(needs: Iterable[Need], *, cost: int, tokens: int) -> tuple[Change, ...]:
    """Return what settling a call that took *needs* changes: it cost *cost* nano-dollars and used *tokens*."""
    return tuple(change for need in needs if (change := _change(need, cost, tokens)) is not None)


def debt(needs: Iterable[Need], cost: int) -> tuple[Change, ...]:
    """Return what a call that cost *cost* changes where it went on without taking *needs*."""
    return tuple(Change(need.counter, cost, 0) for need in needs if need.kind is Kind.MONEY)


def _change(need: Need, cost: int, tokens: int) -> Change | None:
    if need.kind is Kind.MONEY:
        return Change(need.counter, cost, -need.amount)
    if need.kind is Kind.SEATS:
        return Change(need.counter, 0, -need.amount)
    if need.estimated:
        return Change(need.counter, _span(need, tokens) - _span(need, need.amount), 0)
    return None
