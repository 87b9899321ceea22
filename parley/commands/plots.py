"""Plots in the terminal: bars of block characters, an eighth of a character fine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from rich.bar import Bar
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from parley.core.money import dollars

MOST = 92  # bars; what has more days is drawn by month
CENTS = 5  # characters behind the point that a figure beside its bar keeps


@dataclass(frozen=True)
class Share:
    """A bar of *part* in *whole* of its column, to the nearest eighth of a character; rich's own is cut to it."""

    part: int
    whole: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        eighths = 8 * options.max_width
        yield Bar(eighths, 0, round(eighths * self.part / self.whole), color="cyan")


def draw(console: Console, costs: Sequence[tuple[str, int]]) -> None:
    """Draw the cost (nano-dollars) of each day, also of those between that cost nothing."""
    bars = filled(costs)
    most = max((cost for _, cost in bars), default=0) or 1
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for name, cost in bars:
        table.add_row(name, Share(cost, most), f"${dollars(cost)[:-CENTS]}")
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
