"""What the commands for limits and budgets make of what they are given."""

import re
from pathlib import Path

import pytest

from parley.commands.limits import BUDGETS, LARGEST, RATES, Whose, amounts, change, plain, row
from parley.commands.options import Options
from parley.core.rules import Rule
from parley.errors import SettingsError
from parley.settings import Settings
from parley.store.rules import Choice, State


def test_dollars_are_exact() -> None:
    """No digit is lost; what is finer than a nano-dollar counts up."""
    given = {"day": "0.1", "month": "12.345678901", "ever": "0.0000000001"}
    assert amounts(given, BUDGETS) == {"day": 100_000_000, "month": 12_345_678_901, "ever": 1}


def test_what_is_not_given_stays() -> None:
    """Only what is named is set; nought is an amount."""
    assert amounts({"requests-per-minute": 0, "at-once": None}, RATES) == {"requests-per-minute": 0}


@pytest.mark.parametrize("text", ["", "ten", "NaN", "Infinity", "-1", "1,5", "$5"])
def test_what_is_no_amount_is_named(text: str) -> None:
    """With the option it stood behind."""
    with pytest.raises(SettingsError, match=rf'--day: "{re.escape(text)}" is not an amount in dollars'):
        amounts({"day": text}, BUDGETS)


@pytest.mark.parametrize("value", [-1, LARGEST + 1])
def test_an_amount_that_no_counter_holds_is_refused(value: int) -> None:
    """Neither below nought nor beyond what a database keeps."""
    with pytest.raises(SettingsError, match=r"--tokens-per-day: -?\d+ is not between"):
        amounts({"tokens-per-day": value}, RATES)


def test_a_huge_sum_is_refused() -> None:
    """Four billion dollars are too many."""
    with pytest.raises(SettingsError, match="--ever: 1e30 is not between"):
        amounts({"ever": "1e30"}, BUDGETS)


def test_something_has_to_be_given() -> None:
    """The options that there are are named."""
    with pytest.raises(SettingsError, match="at least one of --day, --month, --ever"):
        amounts(dict.fromkeys(BUDGETS), BUDGETS)


@pytest.mark.parametrize("chosen", ["fit", "open", "drain"])
def test_a_choice_is_a_projects(tmp_path: Path, chosen: str) -> None:
    """A key has none of its own; nothing is opened."""
    options = Options(Settings(), tmp_path / "none")
    with pytest.raises(SettingsError, match="name it with --project"):
        change(options, Whose(None, "key_1", None), BUDGETS, {"day": 1}, chosen={chosen: True})
    assert not (tmp_path / "none").exists()


def test_a_budget_is_shown_in_dollars() -> None:
    """Amount, spent and held; a rate is a number."""
    budget = Rule("project", "proj_1", "*", "money", "day", 2_500_000_000)
    shown = ["project shop", "*", "day", "$2.500000000", "$0.000000007", "$0.000000000"]
    assert row(State(budget, "project shop", 7, 0), money=True) == shown
    rate = Rule("key", "key_1", "gpt-4", "calls", "now", 3)
    assert row(State(rate, "key sk-pa", 0, 0), money=False) == ["key sk-pa", "gpt-4", "at-once", "3"]


def test_json_tells_what_projects_chose() -> None:
    """Beside each of their budgets, and where they have none; who is no project has no choice."""
    shop = State(Rule("project", "proj_1", "*", "money", "day", 5), "project shop", 7, 0)
    desk = State(Rule("project", "proj_2", "*", "money", "day", 5), "project desk", 7, 0)
    everybody = State(Rule("organization", "", "*", "money", "day", 5), "organization", 7, 0)
    chosen = [
        Choice("shop", fit=True, open=False, drain=True),
        Choice("late", fit=False, open=True, drain=False),
    ]
    told = plain([everybody, shop, desk], chosen)
    assert [(one["name"], one["fit"], one["open"], one["drain"]) for one in told] == [
        ("organization", None, None, None),
        ("project shop", True, False, True),
        ("project desk", False, False, False),
        ("project late", False, True, False),
    ]
    assert (told[1]["rule"], told[1]["spent"], told[-1]["rule"], told[-1]["spent"]) == (shop.rule, 7, None, 0)
