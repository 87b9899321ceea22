"""`parley limit` and `parley budget`: what the organization, a project or a key may take, set in the database itself.

A running server decides by a change from its next call on.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec
import typer

from parley.commands.keys import opened
from parley.commands.options import Options
from parley.commands.tables import show as show_table
from parley.core.money import dollars, nano
from parley.core.rules import ANY, Measure, Period, Rule, Scope
from parley.errors import SettingsError
from parley.store.database import Store
from parley.store.rules import Choice, State

RATES: dict[str, tuple[Measure, Period]] = {
    "requests-per-minute": ("requests", "minute"),
    "requests-per-day": ("requests", "day"),
    "tokens-per-minute": ("tokens", "minute"),
    "tokens-per-day": ("tokens", "day"),
    "at-once": ("calls", "now"),
}
BUDGETS: dict[str, tuple[Measure, Period]] = {
    "day": ("money", "day"),
    "month": ("money", "month"),
    "ever": ("money", "ever"),
}
NAMES = {what: name for name, what in (RATES | BUDGETS).items()}
CHOICES = {
    "fit": "shorter answers where the rest does not pay for whole ones (--fit)",
    "open": "answers without limits while the database is away (--open)",
    "drain": "streams that go on when their client hangs up (--drain)",
}
LARGEST = 2**62


class Whose(NamedTuple):
    """Whom a rule is for: a project by its name, a key by its id or prefix, or neither: the organization."""

    project: str | None
    key: str | None
    model: str | None


def amounts(
    given: Mapping[str, str | int | None], kinds: Mapping[str, tuple[Measure, Period]], *, needed: bool = True
) -> dict[str, int]:
    """Return what was *given* for options of *kinds*, dollars as nano-dollars. Raises SettingsError."""
    found: dict[str, int] = {}
    for option, value in given.items():
        if value is None:
            continue
        amount = _dollars(option, str(value)) if kinds[option][0] == "money" else int(value)
        if not 0 <= amount <= LARGEST:
            most = f"{LARGEST // 10**9} dollars" if kinds[option][0] == "money" else str(LARGEST)
            raise SettingsError(f"--{option}: {value} is not between 0 and {most}")
        found[option] = amount
    if needed and not found:
        raise SettingsError(f"give at least one of {', '.join(f'--{option}' for option in kinds)}")
    return found


def _dollars(option: str, text: str) -> int:
    """Return *text* as nano-dollars. Raises SettingsError."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise SettingsError(f'--{option}: "{text}" is not an amount in dollars, such as 40.00')
    return nano(amount)


def change(
    options: Options,
    whose: Whose,
    kinds: Mapping[str, tuple[Measure, Period]],
    given: Mapping[str, int | None],
    *,
    chosen: dict[str, bool] | None = None,
) -> None:
    """Set the rules *given*; None removes one; and what a project has *chosen*.

    Raises SettingsError, NotFound, NotRecorded.
    """

    async def work() -> None:
        async with opened(options) as store:
            scope, owner = await _owner(store, whose)
            for option, amount in given.items():
                rule = Rule(scope, owner, whose.model or ANY, *kinds[option], amount or 0)
                if amount is None:
                    await store.rules.remove(rule)
                else:
                    await store.rules.set(rule)
            if chosen:
                await store.rules.choose(owner, chosen)

    if whose.model is not None and "*" in whose.model:
        raise SettingsError(
            f"--model: `{whose.model}` is no model's name; a limit is for one model, or for all together"
        )
    if chosen and whose.project is None:
        raise SettingsError("--fit, --open, --drain and their opposites are for a project: name it with --project")
    asyncio.run(work())


async def _owner(store: Store, whose: Whose) -> tuple[Scope, str]:
    """Return the scope and the id of *whose*. Raises SettingsError, NotFound, Conflict, NotRecorded."""
    if whose.project is not None and whose.key is not None:
        raise SettingsError("--project and --key: give one of them, or neither for the whole organization")
    if whose.project is not None:
        return "project", await store.rules.project(whose.project)
    if whose.key is not None:
        return "key", (await store.keys.find(whose.key)).id
    return "organization", ""


def show(options: Options, kinds: Mapping[str, tuple[Measure, Period]], *, as_json: bool) -> None:
    """Print the rules of *kinds*, and for budgets what is spent and held."""

    async def work() -> tuple[list[State], list[Choice]]:
        async with opened(options) as store:
            return await store.rules.states(time.time_ns()), await store.rules.choices()

    every, choices = asyncio.run(work())
    found = [state for state in every if (state.rule.measure, state.rule.period) in kinds.values()]
    money = kinds is BUDGETS
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(plain(found, choices) if money else found)))
        return
    heads = ["FOR", "MODEL", "LIMIT", "AMOUNT", *(["SPENT", "HELD"] if money else [])]
    show_table(heads, [row(state, money=money) for state in found])
    for choice in choices if money else ():
        chosen = [text for name, text in CHOICES.items() if getattr(choice, name)]
        typer.echo(f"project {choice.name}: {', '.join(chosen)}")


def plain(states: Sequence[State], choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """Return budgets as JSON tells them, with what their projects chose; one that chose and has none has no rule."""
    chosen = {f"project {choice.name}": {name: getattr(choice, name) for name in CHOICES} for choice in choices}
    found = []
    for state in states:
        usual = dict.fromkeys(CHOICES, False if state.rule.scope == "project" else None)
        found.append(msgspec.structs.asdict(state) | chosen.get(state.name, usual))
    without = chosen.keys() - {state.name for state in states}
    return found + [{"rule": None, "name": name, "spent": 0, "held": 0, **chosen[name]} for name in sorted(without)]


def row(state: State, *, money: bool) -> list[str]:
    """Return the cells of *state*."""
    rule = state.rule
    cells = [state.name, rule.model, NAMES[rule.measure, rule.period]]
    if not money:
        return [*cells, str(rule.amount)]
    return [*cells, *(f"${dollars(amount)}" for amount in (rule.amount, state.spent, state.held))]
