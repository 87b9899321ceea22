"""Plots in the terminal: bars of block characters, an eighth of a character fine."""

from collections.abc import Sequence
from datetime import date, timedelta

from rich.bar import Bar
from rich.console import Console
from rich.table import Table

from parley.core.money import dollars

MOST = 92  # bars; what has more days is drawn by month
CENTS = 5  # characters behind the point that a figure beside its bar keeps


def draw(console: Console, costs: Sequence[tuple[str, int]]) -> None:
    """Draw the cost (nano-dollars) of each day, also of those between that cost nothing."""
    bars = filled(costs)
    most = max((cost for _, cost in bars), default=0) or 1
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for name, cost in bars:
        table.add_row(name, Bar(most, 0, cost, color="cyan"), f"${dollars(cost)[:-CENTS]}")
    console.print(table)


def filled(costs: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return *costs* by day with the days between, or by month where that would be too long."""
    known = dict(costs)
    if not known:
        return []
    first, last = (date.fromisoformat(day) for day in (min(known), max(known)))
    days = [str(first + timedelta(days=number)) for number in range((last - first).days + 1)]
    if len(days) <= MOST:
        return [(day, known.get(day, 0)) for day in days]
    months = dict.fromkeys((day[:7] for day in days), 0)
    for day, cost in known.items():
        months[day[:7]] += cost
    return list(months.items())
