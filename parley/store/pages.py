"""Pages of a list: what comes after (or before) the item that a client has, by age.

A cursor is the id of an item of that very list; any other is an InvalidRequest that names the parameter.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Column, Row, Select, Table, and_, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import InvalidRequest
from parley.store.storable import storable

T = TypeVar("T")


class Window(msgspec.Struct, frozen=True):
    """Which part of a list is wanted; empty cursors are none."""

    after: str = ""
    before: str = ""
    limit: int = 20
    order: Literal["asc", "desc"] = "asc"


def no_cursor(param: str, cursor: str) -> InvalidRequest:
    """Return the error for a *cursor* that is no item of the list."""
    return InvalidRequest(
        f"Invalid '{param}': this list has no item with the id '{cursor[:100]}'.", param=param, code="invalid_value"
    )


async def page(
    connection: AsyncConnection, query: Select[*tuple[Any, ...]], table: Table, window: Window
) -> tuple[Sequence[Row[*tuple[Any, ...]]], bool]:
    """Return the rows of *query* over *table* in the *window*, and whether there are more. Raises InvalidRequest."""
    whole, age = query, (table.c.created_at, table.c.id)
    backward = bool(window.before) and not window.after
    rising = window.order == "asc"
    for param, cursor, later in (("after", window.after, rising), ("before", window.before, not rising)):
        if cursor:
            found = (await connection.execute(whole.where(table.c.id == storable(cursor)))).first()
            if found is None:
                raise no_cursor(param, cursor)
            query = query.where(_beyond(age, (found.created_at, found.id), later=later))
    up = rising != backward
    query = query.order_by(*(column.asc() if up else column.desc() for column in age))
    rows = (await connection.execute(query.limit(window.limit + 1))).all()
    shown = rows[: window.limit]
    return (shown[::-1] if backward else shown), len(rows) > window.limit


def _beyond(age: tuple[Column[Any], Column[Any]], at: tuple[int, str], *, later: bool) -> Any:
    """Return the condition of being older or younger than what is *at* that place."""
    (made, key), (moment, name) = age, at
    if later:
        return or_(made > moment, and_(made == moment, key > name))
    return or_(made < moment, and_(made == moment, key < name))


def cut(items: dict[str, T], window: Window) -> tuple[list[T], bool]:
    """Return of *items* by id, which are in their order, those in the *window*; tell whether there are more."""
    ids = list(items)
    for param, cursor in (("after", window.after), ("before", window.before)):
        if cursor and cursor not in items:
            raise no_cursor(param, cursor)
    start = ids.index(window.after) + 1 if window.after else 0
    end = ids.index(window.before) if window.before else len(ids)
    if window.before and not window.after:
        start = max(end - window.limit, 0)
        return [items[one] for one in ids[start:end]], start > 0
    found = ids[start:end]
    return [items[one] for one in found[: window.limit]], len(found) > window.limit
