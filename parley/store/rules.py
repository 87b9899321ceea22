"""Rules: the limits and budgets of the organization, its projects and its keys.

A budget begins with what its period has cost so far, as the rows tell. Whoever changes a rule rings the keys' bell, so
that the next call of every process is decided by it. How it fails: with NotRecorded.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.core.rules import Rule, budget_counter
from parley.errors import Conflict, NotFound
from parley.store.audits import note
from parley.store.bells import Bell
from parley.store.connections import Connections
from parley.store.tables import calls, counters, keys, named, projects, rules

INSERTS: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_IDENTITY = ("scope", "owner", "model", "measure", "period")
_WORDS = {
    ("requests", "minute"): "max_requests_per_1_minute",
    ("requests", "day"): "max_requests_per_1_day",
    ("tokens", "minute"): "max_tokens_per_1_minute",
    ("tokens", "day"): "max_tokens_per_1_day",
    ("calls", "now"): "max_calls_at_once",
}
"""What the API calls the limits; of money it is nano-dollars in one of our own words."""


_TITLE = func.coalesce(projects.c.title, projects.c.name)


class State(msgspec.Struct, frozen=True):
    """A rule and how it stands: for whom by name; of a budget what is spent and held in its present period."""

    rule: Rule
    name: str
    spent: int
    held: int


class Choice(msgspec.Struct, frozen=True):
    """What the project of this name chose (see `parley.core.call.Caller`)."""

    name: str
    fit: bool
    open: bool
    drain: bool


class Rules:
    """The rules of everybody."""

    def __init__(self, connections: Connections, bell: Bell) -> None:
        self._connections = connections
        self._bell = bell

    async def set(self, rule: Rule) -> None:
        """Set *rule*, in place of the one that limits the same. Raises NotRecorded."""
        await self.change([rule], [])

    async def remove(self, rule: Rule) -> bool:
        """Remove the rule that limits the same as *rule*; tell whether there was one. Raises NotRecorded."""
        return bool(await self.change([], [rule]))

    async def change(self, made: Iterable[Rule], gone: Iterable[Rule]) -> int:
        """Set the rules *made*, remove those *gone*, all or none; return how many were removed. Raises NotRecorded."""
        async with self._bell.change() as connection:
            placed = [(await _set(connection, rule), rule) for rule in made]
            removed = []
            for rule in gone:
                same = [getattr(rules.c, name) == getattr(rule, name) for name in _IDENTITY]
                found = (await connection.execute(delete(rules).where(*same).returning(rules.c.id))).scalar()
                if found is not None:
                    removed.append((found, rule))
            for name, rule in placed:  # notes come last: whoever holds the chain's head waits for nothing else
                await _note(connection, "updated", name, rule)
            for name, rule in removed:
                await _note(connection, "deleted", name, rule)
            return len(removed)

    async def project(self, name: str) -> str:
        """Return the id of the project called *name*. Raises NotFound, Conflict where it is archived, NotRecorded."""
        async with self._connections.reading() as connection:
            found = (await connection.execute(select(projects.c.id, projects.c.archived_at).where(named(name)))).first()
        if found is None:
            raise NotFound(f"There is no project `{name}`. `parley key create --project {name}` makes it.")
        if found.archived_at is not None:
            raise Conflict(f"The project `{name}` is archived: it cannot be changed any more.")
        return str(found.id)

    async def choose(self, project: str, choices: dict[str, bool]) -> None:
        """Set what the project with this id has chosen: `fit`, `open`, `drain` (see `parley.core.call.Caller`)."""
        async with self._bell.change() as connection:
            await connection.execute(update(projects).where(projects.c.id == project).values(choices))
            await note(connection, "project.updated", project, project, changes_requested=choices)

    async def choices(self) -> list[Choice]:
        """Return what projects chose, of those that chose something. Raises NotRecorded."""
        columns = projects.c.fit, projects.c.open, projects.c.drain
        query = select(_TITLE, *columns).where(or_(*columns)).order_by(_TITLE)
        async with self._connections.reading() as connection:
            return [Choice(*row) for row in await connection.execute(query)]

    async def states(self, now: int) -> list[State]:
        """Return every rule and how it stands at *now* (nanoseconds since 1970). Raises NotRecorded."""
        async with self._connections.reading() as connection:
            found = await every(connection)
            names = {row[0]: row[1] for row in await connection.execute(select(projects.c.id, _TITLE))}
            names |= {row[0]: row[1] for row in await connection.execute(select(keys.c.id, keys.c.prefix))}
            budgets = {rule: budget_counter(rule, now) for rule in found if rule.measure == "money"}
            query = select(counters).where(counters.c.name.in_(budgets.values()))
            stand = {name: (value, held) for name, value, held in await connection.execute(query)}
        return [State(rule, _title(rule, names), *stand.get(budgets.get(rule, ""), (0, 0))) for rule in found]


async def every(connection: AsyncConnection) -> "list[Rule]":
    """Return every rule, the organization's first, then in the order of their owners."""
    columns = [rules.c[name] for name in (*_IDENTITY, "amount")]
    found = await connection.execute(select(*columns).order_by(*columns))
    return [Rule(*row) for row in found]


def ruling(found: Iterable[Rule], project: str, key: str) -> tuple[Rule, ...]:
    """Return the rules of *found* that hold for the key with this id of the *project* with that one."""
    owners = {("organization", ""), ("project", project), ("key", key)}
    return tuple(rule for rule in found if (rule.scope, rule.owner) in owners)


def _title(rule: Rule, names: dict[str, str]) -> str:
    """Return whom *rule* is for, by name."""
    return f"{rule.scope} {names.get(rule.owner, rule.owner)}".strip()


async def _set(connection: AsyncConnection, rule: Rule) -> str:
    """Set *rule*, and return its id."""
    row = {name: getattr(rule, name) for name in (*_IDENTITY, "amount")}
    made = INSERTS[connection.dialect.name](rules).values(id="limit_" + secrets.token_hex(12), **row)
    placed = made.on_conflict_do_update(index_elements=list(_IDENTITY), set_={"amount": rule.amount})
    found = (await connection.execute(placed.returning(rules.c.id))).scalar_one()
    if rule.measure == "money":
        await _begin(connection, rule)
    return str(found)


async def _note(connection: AsyncConnection, done: str, id_: str, rule: Rule) -> None:
    """Write that *rule* was updated or deleted, in the words of the API where it has them."""
    kind = "spend_limit" if rule.measure == "money" else "rate_limit"
    whose = {name: getattr(rule, name) for name in _IDENTITY}
    project = rule.owner if rule.scope == "project" else ""
    if rule.scope == "key":
        found = await connection.execute(select(keys.c.project_id).where(keys.c.id == rule.owner))
        project = found.scalar() or ""
    if done == "deleted":
        await note(connection, f"{kind}.{done}", id_, project, limit=whose)
    else:
        name = _WORDS.get((rule.measure, rule.period), f"max_{rule.measure}_{rule.period}")
        await note(connection, f"{kind}.{done}", id_, project, limit=whose, changes_requested={name: rule.amount})


async def _begin(connection: AsyncConnection, rule: Rule) -> None:
    """Make the counter of a budget, with what its period has cost so far; one that is there already goes on."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE calls IN SHARE ROW EXCLUSIVE MODE"))  # SQLite has one writer anyway
    now = time.time_ns()
    cost = (await connection.execute(spent(rule, now))).scalar_one()
    name = budget_counter(rule, now)
    made = INSERTS[connection.dialect.name](counters).values(name=name, value=int(cost), held=0)
    await connection.execute(made.on_conflict_do_nothing(index_elements=["name"]))


def spent(rule: Rule, now: int) -> Select[Any]:
    """Return the query for what *rule*'s period has cost so far."""
    today = datetime.fromtimestamp(now / 1e9, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = {"day": today, "month": today.replace(day=1)}
    query = select(func.coalesce(func.sum(calls.c.cost), 0))
    if rule.period in starts:
        query = query.where(calls.c.at >= int(starts[rule.period].timestamp()) * 1_000_000_000)
    if rule.scope == "project":
        query = query.where(
            calls.c.project == select(projects.c.name).where(projects.c.id == rule.owner).scalar_subquery()
        )
    if rule.scope == "key":
        query = query.where(calls.c.key_id == select(keys.c.id).where(keys.c.id == rule.owner).scalar_subquery())
    if rule.model != "*":
        query = query.where(calls.c.model_asked == rule.model)
    return query
