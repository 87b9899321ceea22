"""Rules in the words of the Administration API."""

import pytest

from parley.core.money import CENT
from parley.core.rules import Period, Rule
from parley.errors import NotFound
from parley.flows.administration_limits import FIELDS, RATES, cents, shown_rates, shown_spending
from parley.schema.admin_limits import UNLIMITED, RateLimit, RateLimitUpdate
from parley.store.projects import Project
from parley.store.rules import State

PROJECT = Project("proj_1", "shop", 0, fit=True, open=True, drain=True)


def budget(period: Period, amount: int, spent: int = 0, held: int = 0) -> State:
    """Return a project's budget and how it stands."""
    return State(Rule("project", "proj_1", "*", "money", period, amount), "project shop", spent, held)


def test_every_rate_has_its_field() -> None:
    """In what is shown and in what is set; no two fields mean the same rule."""
    assert set(RATES) == set(RateLimitUpdate.__struct_fields__) <= set(RateLimit.__struct_fields__)
    assert len(FIELDS) == len(RATES)


def test_rates_of_a_model_are_shown() -> None:
    """Those of others are not; where nothing is limited stands what clients take for no limit."""
    rules = [Rule("project", "p", model, "tokens", "minute", 5) for model in ("m", "other")]
    told = shown_rates("m", [*rules, Rule("project", "p", "m", "calls", "now", 2)])
    assert (told.id, told.max_tokens_per_1_minute, told.max_concurrent_requests) == ("rl-m", 5, 2)
    assert shown_rates("other", rules).max_requests_per_1_minute == UNLIMITED


def test_a_part_of_a_cent_is_rounded_up() -> None:
    """A limit is never told as nothing."""
    assert (cents(1), cents(CENT), cents(CENT + 1), cents(0)) == (1, 1, 2, 0)


def test_a_budget_is_shown_with_its_month_first() -> None:
    """The others stand beside it."""
    told = shown_spending([budget("day", CENT), budget("month", 5 * CENT)], "project.spend_limit", PROJECT)
    assert (told.interval, told.threshold_amount, told.day_threshold_amount) == ("month", 5, 1)
    assert (told.fit, told.open, told.drain) == (True, True, True)


def test_a_budget_without_a_month_is_shown_all_the_same() -> None:
    """With its own interval."""
    told = shown_spending([budget("ever", 7 * CENT)], "project.spend_limit")
    assert (told.interval, told.threshold_amount, told.ever_threshold_amount) == ("ever", 7, 7)


@pytest.mark.parametrize(("spent", "held", "status"), [(6, 4, "enforcing"), (6, 3, "inactive"), (11, 0, "enforcing")])
def test_enforcing_is_told_once_nothing_is_left(spent: int, held: int, status: str) -> None:
    """What calls in flight hold counts as it does when they are decided."""
    assert shown_spending([budget("month", 10, spent, held)], "x").enforcement.status == status


def test_no_budget_is_not_found() -> None:
    """Nor is one that is for a single model."""
    other = State(Rule("project", "p", "m", "money", "month", 5), "", 0, 0)
    with pytest.raises(NotFound):
        shown_spending([other], "x")
