"""What `parley usage` sums, and which days it takes."""

from datetime import date

import pytest

from parley.commands.usage import Stretch, grouped, lines, plain, stretch
from parley.errors import SettingsError
from parley.store.usage import Sum

NOW = 1_764_072_000.0  # 2025-11-25, 12:00 UTC


def a_sum(day: date, model: str, calls: int = 1, cost: int = 5) -> Sum:
    """Return the sum of a day."""
    return Sum((day - date(1970, 1, 1)).days, "shop", None, model, None, None, calls, 10, 2, 3, 1, cost)


def test_thirty_days_are_usual() -> None:
    """Today's is the last; both ends are in it."""
    usual = stretch(None, None, NOW)
    assert usual == Stretch(date(2025, 10, 27), date(2025, 11, 25))
    assert usual.end - usual.start == 30 * 86_400 * 10**9
    assert stretch("2025-11-01", "2025-11-01", NOW).start == 1_761_955_200 * 10**9


@pytest.mark.parametrize(
    ("first", "last", "option"),
    [
        ("yesterday", None, "--from"),
        (None, "2025-13-01", "--to"),
        ("2025-11-02", "2025-11-01", "--from"),
        ("9999-01-01", None, "--from"),
        (None, "1960-01-01", "--to"),
    ],
)
def test_wrong_days_are_named(first: str | None, last: str | None, option: str) -> None:
    """By their option."""
    with pytest.raises(SettingsError, match=f"^{option}: "):
        stretch(first, last, NOW)


def test_groups() -> None:
    """By day if nothing is said; each group once; others are refused."""
    assert grouped([]) == ("day",)
    assert grouped(["model", "day", "model"]) == ("model", "day")
    with pytest.raises(SettingsError, match=r"^--by: must be day, month"):
        grouped(["colour"])


def test_months_are_summed_of_days() -> None:
    """In the order of their names; what has no name is a dash."""
    days = [date(2025, 11, 2), date(2025, 10, 31), date(2025, 11, 1)]
    found = lines([a_sum(day, "m") for day in days], ["month"])
    assert [(line.group, line.calls, line.cost, line.input_tokens) for line in found] == [
        ({"month": "2025-10"}, 1, 5, 10),
        ({"month": "2025-11"}, 2, 10, 20),
    ]
    assert lines([a_sum(days[0], "")], ["model"])[0].group == {"model": "-"}


def test_json_has_exact_dollars() -> None:
    """As text, beside the nano-dollars."""
    [line] = lines([a_sum(date(2025, 11, 2), "m", cost=2**53 + 1)], ["model"])
    told = plain(line)
    assert (told["model"], told["cost"], told["dollars"]) == ("m", 2**53 + 1, "9007199.254740993")
