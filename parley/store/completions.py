"""Stored chat completions: what OpenAI keeps when a request says `store: true`.

They belong to a project: another project's caller does not see them. `metadata` is kept one row a pair beside
them. Fails with NotFound, and with NotRecorded when the database cannot be reached.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, insert, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import NotFound
from parley.store.connections import Connections
from parley.store.storable import storable
from parley.store.tables import completions, labels


class StoredCompletion(msgspec.Struct, frozen=True):
    """One stored completion.

    created: nanoseconds since 1970, so that those of one second have an order. request: the JSON of what was asked
    (messages and the rest). answer: the JSON
    of the `chat.completion` object.
    """

    id: str
    project: str
    created: int
    model: str
    request: bytes
    answer: bytes
    metadata: dict[str, str] = {}

    def clean(self) -> "StoredCompletion":
        """Return it with only such characters as every database keeps."""
        pairs = {storable(name): storable(value) for name, value in self.metadata.items()}
        return msgspec.structs.replace(self, model=storable(self.model), metadata=pairs)

    def renamed(self, call: str) -> "StoredCompletion":
        """Return it under an id made of that of its *call*: its own is taken, for an upstream has repeated itself."""
        name = "chatcmpl-" + call.removeprefix("req_")
        answer = msgspec.json.encode({**msgspec.json.decode(self.answer), "id": name})
        return msgspec.structs.replace(self, id=name, answer=answer)

    def row(self) -> tuple[str, str, int, str, bytes, bytes]:
        """Return it as a row of `completions`, in the order of its columns."""
        return self.project, self.id, self.created, self.model, self.request, self.answer

    def label_rows(self) -> list[tuple[str, str, str, str]]:
        """Return its metadata as rows of `completion_labels`, in the order of its columns."""
        return [(self.project, self.id, name, value) for name, value in self.metadata.items()]


Page = tuple[list[StoredCompletion], bool]


class Completions:
    """The stored completions."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, item: StoredCompletion) -> None:
        """Keep *item*. Raises NotRecorded."""
        async with self._connections.writing() as connection:
            item = item.clean()
            await connection.execute(insert(completions).values(item.row()))
            await _label(connection, item.project, item.id, item.metadata)

    async def get(self, project: str, id: str) -> StoredCompletion:  # noqa: A002 - it is the completion's id
        """Return the completion *id* of *project*. Raises NotFound."""
        async with self._connections.reading() as connection:
            return await _one(connection, project, id)

    async def update(self, project: str, id: str, metadata: dict[str, str]) -> StoredCompletion:  # noqa: A002
        """Replace the metadata of the completion *id* and return it. Raises NotFound."""
        async with self._connections.writing() as connection:
            await connection.execute(
                delete(labels).where(labels.c.project == project, labels.c.completion == storable(id))
            )
            await _one(connection, project, id)
            await _label(connection, project, id, metadata)
            return await _one(connection, project, id)

    async def delete(self, project: str, id: str) -> None:  # noqa: A002
        """Forget the completion *id*. Raises NotFound."""
        async with self._connections.writing() as connection:
            gone = await connection.execute(
                delete(completions).where(completions.c.project == project, completions.c.id == storable(id))
            )
            if not gone.rowcount:
                raise _missing(id)

    async def list(
        self,
        project: str,
        *,
        after: str | None = None,
        limit: int = 20,
        order: Literal["asc", "desc"] = "asc",
        model: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Page:
        """Return at most *limit* completions of *project* by age, and whether more follow.

        after: the id of the last one the client has. metadata: pairs that each must have. Raises NotFound
        when *after* is no completion of the project.
        """
        async with self._connections.reading() as connection:
            query = _filtered(project, model, metadata or {})
            if after is not None:
                last = await _one(connection, project, after)
                query = query.where(_beyond(last, order))
            age = (completions.c.created, completions.c.id)
            query = query.order_by(*(column.desc() if order == "desc" else column.asc() for column in age))
            rows = (await connection.execute(query.limit(limit + 1))).all()
            return await _with_labels(connection, rows[:limit]), len(rows) > limit


def _filtered(project: str, model: str | None, metadata: dict[str, str]) -> Select[*tuple[Any, ...]]:
    """Select the completions of *project* that have *model* and every pair of *metadata*."""
    query: Select[*tuple[Any, ...]] = select(completions).where(completions.c.project == project)
    if model is not None:
        query = query.where(completions.c.model == storable(model))
    for name, value in metadata.items():
        query = query.where(
            exists().where(
                labels.c.project == completions.c.project,
                labels.c.completion == completions.c.id,
                labels.c.name == storable(name),
                labels.c.value == storable(value),
            )
        )
    return query


def _beyond(last: StoredCompletion, order: str) -> ColumnElement[bool]:
    """Return the condition of coming after *last*."""
    created, key = completions.c.created, completions.c.id
    if order == "desc":
        return or_(created < last.created, and_(created == last.created, key < last.id))
    return or_(created > last.created, and_(created == last.created, key > last.id))


async def _one(connection: AsyncConnection, project: str, key: str) -> StoredCompletion:
    query = select(completions).where(completions.c.project == project, completions.c.id == storable(key))
    rows = (await connection.execute(query)).all()
    if not rows:
        raise _missing(key)
    return (await _with_labels(connection, rows))[0]


async def _with_labels(connection: AsyncConnection, rows: Sequence[Row[*tuple[Any, ...]]]) -> list[StoredCompletion]:
    """Return *rows* of `completions` as values, with their metadata."""
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    if rows:
        names = [(row.project, row.id) for row in rows]
        query = select(labels).where(tuple_(labels.c.project, labels.c.completion).in_(names))
        for project, completion, name, value in await connection.execute(query):
            found[project, completion][name] = value
    return [_stored(row, found[row.project, row.id]) for row in rows]


async def _label(connection: AsyncConnection, project: str, key: str, metadata: dict[str, str]) -> None:
    rows = [
        {"project": project, "completion": key, "name": storable(name), "value": storable(value)}
        for name, value in metadata.items()
    ]
    if rows:
        await connection.execute(insert(labels), rows)


def _stored(row: Row[*tuple[Any, ...]], metadata: dict[str, str]) -> StoredCompletion:
    return StoredCompletion(
        id=row.id,
        project=row.project,
        created=row.created,
        model=row.model,
        request=row.request,
        answer=row.answer,
        metadata=metadata,
    )


def _missing(key: str) -> NotFound:
    return NotFound(f"No chat completion found with id '{key}'.")
