"""`parley usage --reconcile FILE`: a provider's figures beside our rows, per day and model, each difference explained.

Calls of the embedded engine are left out: no provider bills them. Fails with SettingsError and NotRecorded.
"""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import typer

from parley.commands import exports
from parley.commands.exports import Export, Figures, Place
from parley.commands.keys import cut, opened
from parley.commands.options import Options
from parley.commands.tables import show as show_table
from parley.commands.usage import DAY, EPOCH, Stretch
from parley.core.money import NANO
from parley.errors import SettingsError
from parley.settings import LOCAL
from parley.store.usage import Question, Sum

AGREES = "agrees"


class Ours(msgspec.Struct):
    """What our rows of a day and a model say. prices: who set them; cost: nano-dollars."""

    calls: int = 0
    estimated: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    prices: frozenset[str] = frozenset()


class Finding(msgspec.Struct, frozen=True):
    """A day and a model: both sides, and why they differ; `agrees` where they do not."""

    day: str
    model: str
    ours: Ours | None
    theirs: Figures | None
    why: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Tell whether both sides say the same."""
        return self.why[0].startswith(AGREES)


def gathered(sums: Iterable[Sum], upstream: str | None) -> dict[Place, Ours]:
    """Return our *sums* per day and model: those of *upstream*, or of all that are providers."""
    found: dict[Place, Ours] = {}
    for one in sums:
        if (one.upstream != upstream) if upstream is not None else one.upstream == LOCAL:
            continue
        place = str(EPOCH + timedelta(days=one.bucket)), one.model or "-"
        ours = found.setdefault(place, Ours())
        ours.calls += one.calls
        ours.estimated += one.estimated
        ours.input_tokens += one.input_tokens
        ours.output_tokens += one.output_tokens
        ours.cost += one.cost
        ours.prices |= {one.price} if one.price else set()
    return found


def compare(ours: dict[Place, Ours], theirs: dict[Place, Figures]) -> list[Finding]:
    """Return every day and model that either side has, in order."""
    places = sorted(ours.keys() | theirs.keys())
    return [Finding(*place, mine := ours.get(place), said := theirs.get(place), why(mine, said)) for place in places]


def why(ours: Ours | None, theirs: Figures | None) -> tuple[str, ...]:
    """Return why the two sides differ, or that they agree."""
    if theirs is None:
        return ("missing there: we have calls, the provider tells none",)
    if ours is None:
        silent = not (theirs.input_tokens or theirs.output_tokens or theirs.cost)
        return (AGREES,) if silent else ("missing here: called past this server, or its rows are gone",)
    agrees = AGREES if theirs.cost is not None else f"{AGREES}, but the file tells no cost"
    return (*_tokens(ours, theirs), *_cost(ours, theirs)) or (agrees,)


def _tokens(ours: Ours, theirs: Figures) -> Iterator[str]:
    """Yield how the tokens differ, and whether we counted them ourselves."""
    differ = False
    for name, mine, said in (
        ("input", ours.input_tokens, theirs.input_tokens),
        ("output", ours.output_tokens, theirs.output_tokens),
    ):
        if said is not None and mine != said:
            differ = True
            yield f"{name} tokens differ by {said - mine:+d}"
    if differ and ours.estimated:
        yield f"counted by us, not exactly: {ours.estimated} of {ours.calls} calls"


def _cost(ours: Ours, theirs: Figures) -> Iterator[str]:
    """Yield how the cost differs, beyond what rounding makes: we round each call up, they their last place."""
    if theirs.cost is None:
        return
    by = theirs.cost - Decimal(ours.cost) / NANO
    if abs(by) <= theirs.slack + Decimal(ours.calls) / NANO:
        return
    counted = (theirs.input_tokens, theirs.output_tokens)
    prices = ", ".join(sorted(ours.prices)) or "none"
    if counted == (ours.input_tokens, ours.output_tokens):
        yield f"cost differs by {by:+f}: the price differs, ours is from {prices}"
    elif counted == (None, None):
        yield f"cost differs by {by:+f}: tokens or price differ (the file tells no tokens), ours is from {prices}"
    else:
        yield f"cost differs by {by:+f}: the tokens differ, and perhaps the price, ours is from {prices}"


def run(options: Options, path: Path, upstream: str | None, *, as_json: bool) -> int:
    """Print each day and model; return 0 where all agree, or else 1. Raises SettingsError, NotRecorded."""
    export = exports.read(path)
    sums = asyncio.run(_sums(options, export))
    known = {LOCAL, *options.settings.upstreams, *(one.upstream for one in sums)}
    if upstream is not None and upstream not in known:
        raise SettingsError(f"--upstream: there is none called {upstream}")
    found = compare(gathered(sums, upstream), export.figures)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)))
    else:
        show_table(["DAY", "MODEL", "OURS", "THEIRS", "WHY"], [row(one) for one in found])
    return 0 if all(one.agrees for one in found) else 1


async def _sums(options: Options, export: Export) -> list[Sum]:
    """Return our sums of the days of *export*."""
    days = Stretch(export.first, export.last)
    question = Question(
        start=days.start,
        end=days.end,
        width=DAY * NANO,
        by=("model", "price", "upstream"),
        operations=export.operations,
    )
    async with opened(options) as store:
        return await store.usage.sums(question)


def row(one: Finding) -> list[str]:
    """Return the cells of *one*: of each side input and output tokens, and the cost."""
    ours, theirs = one.ours, one.theirs
    mine = f"{ours.input_tokens}+{ours.output_tokens} ${Decimal(ours.cost) / NANO:f}" if ours else "-"
    said = []
    if theirs is not None and theirs.input_tokens is not None:
        said.append(f"{theirs.input_tokens}+{theirs.output_tokens}")
    if theirs is not None and theirs.cost is not None:
        said.append(f"${theirs.cost:f}")
    return [one.day, cut(one.model), mine, " ".join(said) or "-", "; ".join(one.why)]
