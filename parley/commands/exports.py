"""Files that a provider exports of usage or costs, read as figures per day and model.

OpenAI's usage and costs API gives JSON: a page of buckets (or a list of pages) whose results are grouped by model or by
line item. Everything else comes as CSV with the columns date, model, input_tokens, output_tokens and, if it is known,
cost in dollars. Times are UTC. Fails with SettingsError, which names the place in the file.
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from parley.errors import SettingsError

DAY = 86_400
NEEDED = ("date", "model", "input_tokens", "output_tokens")
KINDS = {"completions": ("chat.completions", "completions"), "embeddings": ("embeddings",)}

Place = tuple[str, str]
"""A day, as 2026-11-25, and a model."""


class Figures(msgspec.Struct):
    """What a provider says; None where it says nothing. slack: how far its cost may be rounded, in dollars."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    slack: Decimal = Decimal(0)

    def add(self, tokens: tuple[int, int] | None, cost: Decimal | None) -> None:
        """Add one line of the file."""
        if tokens is not None:
            self.input_tokens = (self.input_tokens or 0) + tokens[0]
            self.output_tokens = (self.output_tokens or 0) + tokens[1]
        if cost is not None:
            self.cost = (self.cost or Decimal(0)) + cost
            self.slack += Decimal(5).scaleb(int(cost.as_tuple().exponent) - 1)


class Export(msgspec.Struct):
    """A file, read. first, last: the days it is about. operations: what it counts; None: everything."""

    figures: dict[Place, Figures]
    first: date
    last: date
    operations: tuple[str, ...] | None = None


def read(path: Path) -> Export:
    """Return what *path* says. Raises SettingsError."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--reconcile: {path} cannot be read: {error}") from error
    try:
        return _json(text) if text.lstrip()[:1] in {"{", "["} else _csv(text)
    except SettingsError as error:
        raise SettingsError(f"--reconcile: {path}: {error.message}") from error


def _csv(text: str) -> Export:
    """Return what a CSV file says. Raises SettingsError."""
    rows = csv.DictReader(io.StringIO(text), strict=True)
    figures: dict[Place, Figures] = {}
    try:
        missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
        if missing:
            raise SettingsError(f"the column {missing[0]} is missing")
        for row in rows:
            where = f"line {rows.line_num}"
            place = str(_day(row["date"], where)), row["model"] or "-"
            tokens = _count(row["input_tokens"], where), _count(row["output_tokens"], where)
            figures.setdefault(place, Figures()).add(tokens, _money(row["cost"], where) if row.get("cost") else None)
    except csv.Error as error:
        raise SettingsError(f"line {rows.line_num}: {error}") from error
    if not figures:
        raise SettingsError("there are no lines in it")
    days = [date.fromisoformat(on) for on, _ in figures]
    return Export(figures, min(days), max(days))


def _day(value: str | None, where: str) -> date:
    """Return the UTC day of *value*, which is a day or a time. Raises SettingsError."""
    try:
        found = datetime.fromisoformat((value or "").strip())
    except ValueError as error:
        raise SettingsError(f"{where}: {value!r} is not a day, such as 2026-11-25") from error
    return (found.astimezone(UTC) if found.tzinfo else found).date()


def _count(value: Any, where: str) -> int:
    """Return a count of tokens. Raises SettingsError."""
    amount = _money(value, where)
    if amount != amount.to_integral_value() or amount < 0:
        raise SettingsError(f"{where}: {value!r} is not a number of tokens")
    return int(amount)


def _money(value: Any, where: str) -> Decimal:
    """Return an amount. Raises SettingsError."""
    try:
        amount = Decimal(str(value).strip().lstrip("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > 10**15:
        raise SettingsError(f"{where}: {value!r} is not a number")
    return amount


def _json(text: str) -> Export:
    """Return what pages of buckets say. Raises SettingsError."""
    try:
        told = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"it is no JSON: {error}") from error
    figures: dict[Place, Figures] = {}
    days: list[date] = []
    kinds: set[str] = set()
    try:
        for where, bucket in _buckets(told):
            start, end = int(bucket["start_time"]), int(bucket["end_time"])
            if start // DAY != (end - 1) // DAY:
                raise SettingsError(f"{where}: it is longer than a day")
            days.append(datetime.fromtimestamp(start, UTC).date())
            for result in bucket["results"]:
                kinds.add(str(result["object"]).removeprefix("organization.").split(".")[-2])
                _add(figures, str(days[-1]), result, where)
    except (KeyError, TypeError, ValueError, OverflowError, OSError, IndexError, AttributeError) as error:
        raise SettingsError(f"it is no page of OpenAI's usage or costs API: {error!r}") from error
    if not days:
        raise SettingsError("there are no buckets in it")
    return Export(figures, min(days), max(days), _operations(kinds))


def _operations(kinds: set[str]) -> tuple[str, ...] | None:
    """Return which operations of ours results of *kinds* count; costs count all of them."""
    if not kinds <= KINDS.keys() or not kinds:
        return None
    return tuple(name for kind in sorted(kinds) for name in KINDS[kind])


def _buckets(told: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each bucket, and where it stands."""
    pages = told if isinstance(told, list) else [told]
    for number, page in enumerate(pages):
        for index, bucket in enumerate(page["data"]):
            yield f"page {number + 1}, bucket {index + 1}", bucket


def _add(figures: dict[Place, Figures], on: str, result: dict[str, Any], where: str) -> None:
    """Add one result of a bucket. Raises SettingsError."""
    amount = result.get("amount")
    name = result.get("line_item") if amount else result.get("model")
    if not name:
        raise SettingsError(f"{where}: group it by model (usage) or by line_item (costs), when you export it")
    if amount:
        model = str(name).partition(", ")[0]
        figures.setdefault((on, model), Figures()).add(None, _money(amount["value"], where))
        return
    tokens = _count(result.get("input_tokens", 0), where), _count(result.get("output_tokens", 0), where)
    figures.setdefault((on, str(name)), Figures()).add(tokens, None)
