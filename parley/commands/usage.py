"""`parley usage`: what was used and spent, read from the database itself: the server may run or not.

Fails with SettingsError, which names the option that is wrong, and with NotRecorded.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import typer
from rich.console import Console

from parley.commands import plots
from parley.commands.keys import cut, day, opened
from parley.commands.options import Options
from parley.commands.tables import show as show_table
from parley.core.money import NANO, dollars
from parley.errors import NotFound, SettingsError
from parley.store.database import Store
from parley.store.ledger import Record
from parley.store.usage import Column, Question, Sum

DAY = 86_400
USUAL = 30  # days
GROUPS = ("day", "month", "model", "project", "key")
COLUMNS: dict[str, Column] = {"model": "model", "project": "project", "key": "key"}
COUNTS = ("CALLS", "INPUT", "CACHED", "OUTPUT", "ESTIMATED")
EPOCH = date(1970, 1, 1)


class Stretch(NamedTuple):
    """From the first day to the last, both in it; UTC."""

    first: date
    last: date

    @property
    def start(self) -> int:
        """Return its begin in nanoseconds since 1970."""
        return nanoseconds(self.first)

    @property
    def end(self) -> int:
        """Return the nanosecond after it."""
        return nanoseconds(self.last) + DAY * NANO


class Line(msgspec.Struct):
    """A line of the table. cost: nano-dollars; estimated: calls whose tokens their provider did not tell."""

    group: dict[str, str]
    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    estimated: int = 0
    cost: int = 0

    def add(self, one: "Sum | Line") -> None:
        """Add what *one* has."""
        self.calls += one.calls
        self.input_tokens += one.input_tokens
        self.cached_tokens += one.cached_tokens
        self.output_tokens += one.output_tokens
        self.estimated += one.estimated
        self.cost += one.cost

    @property
    def counts(self) -> list[str]:
        """Return the cells of what was counted."""
        told = (self.calls, self.input_tokens, self.cached_tokens, self.output_tokens, self.estimated)
        return [*map(str, told), f"${dollars(self.cost)}"]


def nanoseconds(of: date) -> int:
    """Return when the day *of* begins, in nanoseconds since 1970."""
    return (of - EPOCH).days * DAY * NANO


def stretch(first: str | None, last: str | None, now: float) -> Stretch:
    """Return the days that are asked for; by default the last thirty. Raises SettingsError."""
    until = dated("--to", last) if last else datetime.fromtimestamp(now, UTC).date()
    since = dated("--from", first) if first else max(EPOCH, until - timedelta(days=USUAL - 1))
    if since > until:
        raise SettingsError(f"--from: {since} is after {until}")
    return Stretch(since, until)


def dated(option: str, text: str) -> date:
    """Return the day that *text* is. Raises SettingsError."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f'{option}: "{text}" is not a day, such as 2026-11-25') from error
    if not EPOCH <= found <= date(2250, 1, 1):
        raise SettingsError(f"{option}: {found} is not between 1970 and 2250")
    return found


def grouped(by: Sequence[str]) -> tuple[str, ...]:
    """Return what lines are made *by*; each once. Raises SettingsError."""
    for name in by:
        if name not in GROUPS:
            raise SettingsError(f'--by: must be {", ".join(GROUPS[:-1])} or {GROUPS[-1]}, not "{name}"')
    return tuple(dict.fromkeys(by)) or ("day",)


def lines(found: Iterable[Sum], by: Sequence[str]) -> list[Line]:
    """Return the sums *found*, which are one a day, as lines *by* these groups, in their order."""
    made: dict[tuple[str, ...], Line] = {}
    for one in found:
        on = str(EPOCH + timedelta(days=one.bucket))
        told = {"day": on, "month": on[:7], "model": one.model, "project": one.project, "key": one.key}
        group = {name: told[name] or "-" for name in by}
        made.setdefault(tuple(group.values()), Line(group)).add(one)
    return [made[group] for group in sorted(made)]


class Asked(NamedTuple):
    """What is to be shown; project: its name or its id."""

    days: Stretch
    by: tuple[str, ...]
    project: str | None = None

    @property
    def question(self) -> Question:
        """Return what the store is asked."""
        return Question(
            start=self.days.start,
            end=self.days.end,
            width=DAY * NANO,
            by=tuple(COLUMNS[name] for name in self.by if name in COLUMNS),
            projects=(self.project,) if self.project is not None else None,
        )


def show(options: Options, asked: Asked, *, as_json: bool, plot: bool) -> None:
    """Print what was used; and draw the cost of each day, in a terminal or where a *plot* is asked for."""

    async def work() -> tuple[list[Sum], dict[str, str]]:
        async with opened(options) as store:
            names = {info.id: info.prefix for info in await store.keys.list()} if "key" in asked.by else {}
            await _known(store, asked.project)
            return await store.usage.sums(asked.question), names

    found, names = asyncio.run(work())
    made = lines(found, asked.by)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode([plain(line) for line in made])))
        return
    total = Line({})
    for line in made:
        total.add(line)
    rows = [[*(cut(names.get(name, name)) for name in line.group.values()), *line.counts] for line in made]
    rows.append(["total", *[""] * (len(asked.by) - 1), *total.counts])
    show_table([*(name.upper() for name in asked.by), *COUNTS, "COST"], rows)
    console = Console()
    if made and (plot or console.is_terminal):
        console.print()
        plots.draw(console, [(line.group["day"], line.cost) for line in lines(found, ["day"])])


async def _known(store: Store, project: str | None) -> None:
    """Return if there is this project, or none is asked for. Raises NotFound."""
    if project is not None and not await store.usage.is_project(project):
        raise NotFound(f"There is no project `{project}`.")


def plain(line: Line) -> dict[str, Any]:
    """Return *line* as JSON has it: its cost in nano-dollars, and in dollars as exact text."""
    told: dict[str, Any] = msgspec.to_builtins(line)
    return {**told.pop("group"), **told, "dollars": dollars(line.cost)}


def show_calls(options: Options, last: int, project: str | None, *, as_json: bool) -> None:
    """Print the *last* calls, the newest first."""

    async def work() -> list[Record]:
        async with opened(options) as store:
            await _known(store, project)
            return await store.calls(project, last)

    found = asyncio.run(work())
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    heads = ["TIME", "ID", "PROJECT", "OPERATION", "MODEL", "STATUS", "OUTCOME", "INPUT", "OUTPUT", "COST"]
    show_table(heads, [call_row(record) for record in found])


def call_row(record: Record) -> list[str]:
    """Return the cells of one call; `~` stands before tokens that its provider did not tell."""
    mark = "" if record.exact else "~"
    return [
        day(record.at),
        record.id,
        cut(record.project),
        record.operation,
        cut(record.model_answered or record.model_asked or "") or "-",
        str(record.status),
        record.outcome,
        f"{mark}{record.input_tokens}",
        f"{mark}{record.output_tokens}",
        f"${dollars(record.cost)}",
    ]


def today() -> float:
    """Return the time, in seconds since 1970."""
    return time.time()
