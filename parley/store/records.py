"""Records of administration: rows with an id and an age, of one kind each, found by their id or page by page.

What is done to one is noted in the audit log, in the transaction of the change (`parley.store.audits`). The fields of a
kind stand in the order of its table's columns. How it fails: with NotFound for an id that is not there,
with NotRecorded when the database cannot be reached.
"""

from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Row, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import NotFound
from parley.store.audits import note
from parley.store.connections import Connections
from parley.store.pages import Window, page
from parley.store.storable import storable

R = TypeVar("R", bound=msgspec.Struct)
_KNOWN = {"id", "created_at", "project"}  # told of every row of the audit log anyway


class Records(Generic[R]):
    """The records of one table; noun: what one is called; event: what the audit log calls it."""

    def __init__(self, connections: Connections, table: Table, kind: type[R], noun: str, event: str) -> None:
        self.connections = connections
        self._table = table
        self._kind = kind
        self._noun = noun
        self.event = event

    async def add(self, item: R) -> None:
        """Keep *item*. Raises NotRecorded."""
        async with self.connections.writing() as connection:
            await connection.execute(self._table.insert().values(clean(msgspec.structs.asdict(item))))
            await self.note(connection, "created", item, data=told(item))

    async def get(self, name: str, **where: str) -> R:
        """Return the record with the id *name* that has the values *where*. Raises NotFound."""
        async with self.connections.reading() as connection:
            return await self.one(connection, name, **where)

    async def one(self, connection: AsyncConnection, name: str, **where: str) -> R:
        """Return the same on a *connection*. Raises NotFound."""
        query = select(self._table).where(*self.same(name, **where))
        found = (await connection.execute(query)).first()
        if found is None:
            raise self.missing(name)
        return self._read(found)

    async def page(self, window: Window, **where: str) -> tuple[list[R], bool]:
        """Return the records that have the values *where*, and whether there are more. Raises InvalidRequest."""
        conditions = [self._table.c[column] == value for column, value in clean(where).items()]
        return await self.chosen(window, *conditions)

    async def chosen(self, window: Window, *conditions: ColumnElement[bool]) -> tuple[list[R], bool]:
        """Return the records that meet the *conditions*, and whether there are more. Raises InvalidRequest."""
        async with self.connections.reading() as connection:
            rows, more = await page(connection, select(self._table).where(*conditions), self._table, window)
        return [self._read(row) for row in rows], more

    async def change(self, name: str, values: dict[str, Any], **where: str) -> R:
        """Set the *values* of the record with the id *name* and return it. Raises NotFound."""
        async with self.connections.writing() as connection:
            if values:
                same = self.same(name, **where)
                await connection.execute(update(self._table).where(*same).values(clean(values)))
            found = await self.one(connection, name, **where)
            if values:
                await self.note(connection, "updated", found, changes_requested=plain(values))
            return found

    async def delete(self, name: str, **where: str) -> None:
        """Forget the record with the id *name*. Raises NotFound."""
        async with self.connections.writing() as connection:
            found = await self.one(connection, name, **where)
            gone = await connection.execute(delete(self._table).where(*self.same(name, **where)))
            if not gone.rowcount:
                raise self.missing(name)
            await self.note(connection, "deleted", found)

    async def note(self, connection: AsyncConnection, done: str, item: R, **details: Any) -> None:
        """Write into the audit log, as the transaction's last step, what was done to *item*."""
        record: Any = item
        await note(connection, f"{self.event}.{done}", record.id, getattr(item, "project", ""), **details)

    def same(self, name: str, **where: str) -> list[ColumnElement[bool]]:
        """Return the conditions of being the record with the id *name* that has the values *where*."""
        return [self._table.c[column] == value for column, value in clean({"id": name, **where}).items()]

    def missing(self, name: str) -> NotFound:
        """Return the error for an id that is not there."""
        return NotFound(f"No such {self._noun}: '{name[:100]}'.")

    def _read(self, row: Row[*tuple[Any, ...]]) -> R:
        return self._kind(*row)


def clean(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* with only such text as every database keeps."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}


def told(item: msgspec.Struct) -> dict[str, Any]:
    """Return what the audit log tells of a new *item*."""
    return plain({name: value for name, value in msgspec.structs.asdict(item).items() if name not in _KNOWN})


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* as the audit log tells them: clean, and without what is kept as bytes."""
    return clean({name: value for name, value in values.items() if not isinstance(value, bytes)})
