"""Counters: rates, seats and money, taken all or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.store.counters import DEBT, MINUTE, Change, Counter, Kind, Need, decide, settlement

NOW = 1_700_000_000_000_000_000


def rate(amount: int = 1, limit: int = 60, *, estimated: bool = False) -> Need:
    """Return a need of a rate per minute."""
    return Need("rpm", Kind.RATE, amount, limit, MINUTE, estimated)


def money(amount: int, limit: int) -> Need:
    """Return a need of money."""
    return Need("usd", Kind.MONEY, amount, limit)


def test_a_bucket_lets_through_its_limit_at_once_and_then_its_pace() -> None:
    """Sixty a minute: sixty now, the next one a second later."""
    counters = {"rpm": Counter()}
    assert sum(decide([rate()], counters, NOW).short is None for _ in range(100)) == 60
    assert decide([rate()], counters, NOW + MINUTE // 60 - 1).short is not None
    assert decide([rate()], counters, NOW + MINUTE // 60).short is None


def test_a_standing_tells_what_is_left_and_when_it_is_full_again() -> None:
    """After one of sixty: 59 left, full in a second."""
    verdict = decide([rate()], {"rpm": Counter()}, NOW)
    assert (verdict.standings[0].remaining, verdict.standings[0].reset) == (59, MINUTE // 60)


def test_who_is_refused_hears_how_long_to_wait() -> None:
    """Three a minute, all taken: twenty seconds."""
    counters = {"rpm": Counter()}
    for _ in range(3):
        decide([rate(limit=3)], counters, NOW)
    short = decide([rate(limit=3)], counters, NOW).short
    assert short is not None
    assert short.wait == 20_000_000_000


def test_more_than_a_whole_bucket_never_fits_and_no_wait_is_told() -> None:
    """Waiting would not help."""
    short = decide([rate(61)], {"rpm": Counter()}, NOW).short
    assert short is not None
    assert short.wait == 0


@pytest.mark.parametrize("kind", list(Kind))
def test_a_limit_of_nought_lets_nothing_through(kind: Kind) -> None:
    """Whatever it limits."""
    assert decide([Need("x", kind, 1, 0, MINUTE)], {"x": Counter()}, NOW).short is not None


def test_who_takes_nothing_is_let_through() -> None:
    """A limit of nought on images does not concern a call that makes none."""
    assert decide([rate(0, 0)], {"rpm": Counter()}, NOW).short is None


def test_a_limit_of_nought_is_always_whole() -> None:
    """No time makes room, whatever was let through before it was nought."""
    short = decide([rate(limit=0)], {"rpm": Counter(value=NOW + MINUTE // 2)}, NOW).short
    assert short is not None
    assert (short.remaining, short.reset, short.wait) == (0, 0, 0)


def test_all_is_taken_or_nothing() -> None:
    """A budget that is used up leaves the rate untouched."""
    counters = {"rpm": Counter(), "usd": Counter(value=10)}
    assert decide([rate(), money(1, 10)], counters, NOW).short is not None
    assert counters == {"rpm": Counter(), "usd": Counter(value=10)}


def test_a_clock_that_jumped_back_blocks_for_no_longer_than_the_debt() -> None:
    """A bucket full only in an hour, says the counter: it is believed for two periods."""
    counters = {"rpm": Counter(value=NOW + 60 * MINUTE)}
    assert decide([rate()], counters, NOW).standings[0].reset == DEBT * MINUTE
    assert decide([rate()], counters, NOW + 61 * MINUTE).short is None


@given(st.integers(1, 1000), st.integers(0, 1000), st.integers(1, 10_000))
def test_a_corrected_estimate_stands_as_if_it_had_been_right(estimate: int, actual: int, limit: int) -> None:
    """Taking the estimate and settling the truth is taking the truth."""
    need, right = rate(estimate, limit, estimated=True), rate(actual, limit, estimated=True)
    counters = {"rpm": Counter()}
    if decide([need], counters, NOW).short is None:
        (change,) = settlement([need], cost=0, tokens=actual)
        assert counters["rpm"].value + change.value == NOW - (-right.amount * MINUTE // limit)


def test_a_settled_call_holds_nothing_and_has_cost_its_cost() -> None:
    """The money and the seat come back, the cost is booked, a request stays counted."""
    needs = [rate(), Need("seats", Kind.SEATS, 1, 5), money(100, 1000)]
    assert settlement(needs, cost=7, tokens=3) == (Change("seats", 0, -1), Change("usd", 7, -100))


@given(st.lists(st.integers(0, 50), max_size=40), st.integers(0, 200))
def test_a_budget_is_never_exceeded(costs: list[int], limit: int) -> None:
    """Whatever is asked for, and whoever asks next."""
    counters = {"usd": Counter()}
    for cost in costs:
        decide([money(cost, limit)], counters, NOW)
        assert counters["usd"].held <= limit
