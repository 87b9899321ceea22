"""Usage: the ledger's rows of a stretch of time, summed by time, project, key, model and more.

One query answers one question, however many buckets and groups it has, and reads the rows of its time only (the index
`calls_by_time`, or `calls_by_project` where that is narrower). Counted is what was answered or has cost something:
refused calls have used nothing. How it fails: with NotRecorded.
"""

from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Select, case, func, literal_column, null, or_, select

from parley.store.connections import Connections
from parley.store.storable import storable
from parley.store.tables import calls, named, projects

Column = Literal["project", "key", "model", "price", "upstream"]

_MODEL = func.coalesce(calls.c.model_answered, calls.c.model_asked)
_COLUMNS: dict[Column, ColumnElement[Any]] = {
    "project": calls.c.project,
    "key": calls.c.key_id,
    "model": _MODEL,
    "price": calls.c.price,
    "upstream": calls.c.upstream,
}


class Question(msgspec.Struct, frozen=True):
    """What to sum: the rows from *start* until before *end* (nanoseconds since 1970) that the filters let through.

    width: how long a bucket is, in nanoseconds, counted from 1970; None: all in one. by: what each sum is of.
    operations, projects (ids or names), keys, models: None lets everything through.
    """

    start: int
    end: int
    width: int | None = None
    by: tuple[Column, ...] = ()
    operations: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None


class Sum(msgspec.Struct, frozen=True):
    """What the calls of one bucket and one group have used; what they are not grouped by is None.

    bucket: how many widths after 1970 it begins. project_id: as far as there is such a project. estimated: how many
    calls have tokens that we counted and not their provider. cost: nano-dollars.
    """

    bucket: int
    project: str | None
    key: str | None
    model: str | None
    price: str | None
    upstream: str | None
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    estimated: int
    cost: int
    project_id: str | None = None


class Usage:
    """The sums of the ledger."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def sums(self, question: Question) -> list[Sum]:
        """Return the sums that *question* asks for, by time and then by group; empty ones are left out."""
        async with self._connections.summing() as connection:
            return [_sum(*row) for row in await connection.execute(_query(question))]

    async def is_project(self, name: str) -> bool:
        """Tell whether there is a project with this name or id, or was one when calls were made."""
        made = select(projects.c.id).where(or_(projects.c.id == name, named(name)))
        called = select(calls.c.id).where(calls.c.project == name).limit(1)
        async with self._connections.reading() as connection:
            return any([(await connection.execute(query)).first() for query in (made, called)])


def _sum(bucket: int, *rest: Any) -> Sum:
    """Return a row as a value: PostgreSQL's sums are decimals."""
    groups, counts, project_id = rest[:5], rest[5:-1], rest[-1]
    values: list[Any] = [int(bucket), *groups, *map(int, counts), project_id]
    return Sum(*values)


def _query(question: Question) -> Select[Any]:
    """Return the query: rows are summed first, and their projects looked up for the sums only."""
    bucket: ColumnElement[Any] = literal_column("0")
    grouped = [_COLUMNS[name] for name in question.by]
    if question.width is not None:
        bucket = calls.c.at // literal_column(str(question.width), calls.c.at.type)
        grouped.append(bucket)
    groups = [(column if name in question.by else null()).label(name) for name, column in _COLUMNS.items()]
    inner = select(bucket.label("bucket"), *groups, *_counts()).where(*_conditions(question))
    sums = inner.group_by(*grouped).having(func.count() > 0).subquery()
    order = [sums.c["bucket"], *(sums.c[name] for name in question.by)]
    if "project" not in question.by:
        return select(sums, null()).order_by(*order)
    today = func.coalesce(projects.c.title, sums.c.project)  # rows hold the name that it had at first
    shown = [today if column.name == "project" else column for column in sums.columns]
    return select(*shown, projects.c.id).outerjoin(projects, projects.c.name == sums.c.project).order_by(*order)


def _counts() -> list[ColumnElement[Any]]:
    """Return what is summed, in the order of `Sum`'s fields."""
    estimated = func.sum(case((calls.c.exact, 0), else_=1))
    tokens = [func.sum(column) for column in (calls.c.input_tokens, calls.c.cached_tokens, calls.c.output_tokens)]
    return [
        column.label(f"count_{number}")
        for number, column in enumerate([func.count(), *tokens, estimated, func.sum(calls.c.cost)])
    ]


def _conditions(question: Question) -> list[ColumnElement[bool]]:
    """Return which rows are summed."""
    used = calls.c.input_tokens + calls.c.output_tokens > 0
    found: list[ColumnElement[bool]] = [
        calls.c.at >= question.start,
        calls.c.at < question.end,
        or_(calls.c.outcome == "answered", calls.c.cost > 0, used),
    ]
    if question.operations is not None:
        found.append(calls.c.operation.in_(question.operations))
    if question.projects is not None:
        names = [storable(name) for name in question.projects]
        first = select(projects.c.name).where(or_(projects.c.id.in_(names), projects.c.title.in_(names)))
        found.append(or_(calls.c.project.in_(names), calls.c.project.in_(first)))
    if question.keys is not None:
        found.append(calls.c.key_id.in_([storable(name) for name in question.keys]))
    if question.models is not None:
        found.append(_MODEL.in_([storable(name) for name in question.models]))
    return found
