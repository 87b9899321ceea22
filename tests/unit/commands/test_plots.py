"""What is drawn."""

import io

from rich.console import Console

from parley.commands.plots import draw, filled


def test_bars_are_as_long_as_the_costs() -> None:
    """In block characters, an eighth fine, and days that cost nothing are there."""
    out = io.StringIO()
    draw(Console(file=out, width=40), [("2025-11-01", 8_000_000_000), ("2025-11-03", 1_000_000_000)])
    rows = [row.rstrip() for row in out.getvalue().splitlines()]
    assert [row.split()[0] for row in rows] == ["2025-11-01", "2025-11-02", "2025-11-03"]
    assert [row.count("█") for row in rows] == [21, 0, 2]
    assert rows[0].endswith("$8.0000")


def test_lengths_are_rounded() -> None:
    """To the nearest eighth of a character: a hair less than all is drawn as all."""
    out = io.StringIO()
    costs = [8_000_000_000, 7_999_999_999, 5_000_000_000, 20_000_000]
    draw(Console(file=out, width=40), [(f"2025-11-0{day}", cost) for day, cost in enumerate(costs, 1)])
    bars = ["".join(sign for sign in row if sign in "█▉▊▋▌▍▎▏") for row in out.getvalue().splitlines()]
    assert bars == ["█" * 21, "█" * 21, "█" * 13 + "▏", ""]  # 13.125 and 0.05 characters


def test_long_times_are_drawn_by_month() -> None:
    """So that it fits on a screen."""
    assert filled([("2025-01-31", 1), ("2025-01-30", 1), ("2025-06-01", 2)]) == [
        ("2025-01", 2),
        ("2025-02", 0),
        ("2025-03", 0),
        ("2025-04", 0),
        ("2025-05", 0),
        ("2025-06", 2),
    ]
    assert filled([]) == []
