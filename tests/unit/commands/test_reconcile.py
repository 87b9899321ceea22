"""A provider's figures beside ours: each difference is explained."""

from decimal import Decimal

import pytest

from parley.commands.exports import Figures
from parley.commands.reconcile import Ours, compare, gathered, row, why
from parley.store.usage import Sum

OURS = Ours(2, 0, 100, 50, 3_000_000, frozenset({"parley.toml"}))


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (Figures(100, 50), ("agrees, but the file tells no cost",)),
        (Figures(100, 50, Decimal("0.003")), ("agrees",)),
        (Figures(100, 50, Decimal("0.002999998")), ("agrees",)),  # we round each call up
        (Figures(100, 50, Decimal("0.00"), Decimal("0.005")), ("agrees",)),  # they round to cents
        (Figures(107, 49), ("input tokens differ by +7", "output tokens differ by -1")),
        (
            Figures(100, 50, Decimal("0.004")),
            ("cost differs by +0.001: the price differs, ours is from parley.toml",),
        ),
        (
            Figures(None, None, Decimal("0.004")),
            ("cost differs by +0.001: tokens or price differ (the file tells no tokens), ours is from parley.toml",),
        ),
        (
            Figures(101, 50, Decimal("0.004")),
            (
                "input tokens differ by +1",
                "cost differs by +0.001: the tokens differ, and perhaps the price, ours is from parley.toml",
            ),
        ),
        (None, ("missing there: we have calls, the provider tells none",)),
    ],
)
def test_differences(theirs: Figures | None, told: tuple[str, ...]) -> None:
    """As far as the file tells."""
    assert why(OURS, theirs) == told


def test_what_we_counted_ourselves_is_told() -> None:
    """It explains why tokens differ; where they do not, nothing needs explaining."""
    ours = Ours(3, 2, 100, 50)
    assert why(ours, Figures(101, 50))[-1] == "counted by us, not exactly: 2 of 3 calls"
    assert why(ours, Figures(100, 50)) == ("agrees, but the file tells no cost",)


def test_what_is_missing_here() -> None:
    """But a line of nothing agrees with no rows."""
    assert why(None, Figures(1, 0))[0].startswith("missing here")
    assert why(None, Figures(0, 0, Decimal(0))) == ("agrees",)


def a_sum(upstream: str, price: str) -> Sum:
    """Return a sum of a day."""
    return Sum(20_000, None, None, "m", price, upstream, 1, 10, 0, 5, 0, 7)


def test_the_embedded_engine_is_left_out() -> None:
    """No provider bills it; with an upstream named, the others are left out too."""
    sums = [a_sum("local", "free"), a_sum("a", "p"), a_sum("b", "q")]
    assert gathered(sums, None) == {("2024-10-04", "m"): Ours(2, 0, 20, 10, 14, frozenset({"p", "q"}))}
    assert gathered(sums, "b")["2024-10-04", "m"].calls == 1


def test_rows_have_both_sides() -> None:
    """In the order of days and models."""
    found = compare({("2024-10-04", "m"): OURS}, {("2024-10-03", "n"): Figures(1, 2, Decimal("0.5"))})
    assert [row(one)[:4] for one in found] == [
        ["2024-10-03", "n", "-", "1+2 $0.5"],
        ["2024-10-04", "m", "100+50 $0.003", "-"],
    ]
    assert not any(one.agrees for one in found)
