"""Projects: made, renamed, archived, listed.

A project's name stands in the rows of its calls and never changes there; what it is renamed to is its title. Archiving
revokes its keys in the same transaction and rings the keys' bell, so they are dead in every process at once. How it
fails: with NotFound, with Conflict for a name that is taken, with InvalidRequest for what is archived.
"""

import secrets
import time

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Conflict, InvalidRequest, NotFound
from parley.store.audits import note
from parley.store.bells import Bell
from parley.store.connections import Connections
from parley.store.pages import Window, page
from parley.store.rules import INSERTS
from parley.store.storable import storable
from parley.store.tables import keys, named, projects


class Project(msgspec.Struct, frozen=True):
    """A project; times in nanoseconds since 1970."""

    id: str
    name: str
    created_at: int
    archived_at: int | None = None
    fit: bool = False
    open: bool = False
    drain: bool = False


_QUERY = select(
    projects.c.id,
    func.coalesce(projects.c.title, projects.c.name),
    projects.c.created_at,
    projects.c.archived_at,
    projects.c.fit,
    projects.c.open,
    projects.c.drain,
)


class Projects:
    """The projects of the organization."""

    def __init__(self, connections: Connections, bell: Bell) -> None:
        self._connections = connections
        self._bell = bell

    async def create(self, name: str) -> Project:
        """Make a project. Raises Conflict, NotRecorded."""
        made = Project("proj_" + secrets.token_hex(12), storable(name), time.time_ns())
        async with self._connections.writing() as connection:
            await _free(connection, made.name)
            insert = INSERTS[connection.dialect.name](projects)
            row = {"id": made.id, "name": made.name, "created_at": made.created_at}
            done = await connection.execute(insert.values(row).on_conflict_do_nothing(index_elements=["name"]))
            if not done.rowcount:
                raise _taken(name)
            data = {"name": made.name, "title": made.name}
            await note(connection, "project.created", made.id, made.id, data=data)
        return made

    async def get(self, name: str) -> Project:
        """Return the project with the id *name*. Raises NotFound."""
        async with self._connections.reading() as connection:
            return await _one(connection, name)

    async def open(self, name: str) -> Project:
        """Return the same where it is not archived. Raises NotFound, InvalidRequest."""
        found = await self.get(name)
        if found.archived_at is not None:
            raise InvalidRequest(f"The project '{found.id}' is archived: it can't be changed.", code="project_archived")
        return found

    async def rename(self, name: str, title: str) -> Project:
        """Call the project with the id *name* by another *title*. Raises NotFound, Conflict."""
        async with self._connections.writing() as connection:
            await _one(connection, name)
            await _free(connection, storable(title), besides=name)
            await connection.execute(update(projects).where(projects.c.id == name).values(title=storable(title)))
            found = await _one(connection, name)
            await note(connection, "project.updated", found.id, found.id, changes_requested={"title": found.name})
            return found

    async def archive(self, name: str) -> Project:
        """Archive the project with the id *name*, once and for all; its keys are dead. Raises NotFound."""
        async with self._bell.change() as connection:
            found = await _one(connection, name)
            if found.archived_at is not None:
                return found
            now = time.time_ns()
            await connection.execute(update(projects).where(projects.c.id == found.id).values(archived_at=now))
            living = (keys.c.project_id == found.id, ~keys.c.admin, keys.c.revoked_at.is_(None))
            dead = await connection.execute(update(keys).where(*living).values(revoked_at=now).returning(keys.c.id))
            for (key,) in dead.all():
                await note(connection, "api_key.deleted", key, found.id)
            await note(connection, "project.archived", found.id, found.id)
            return msgspec.structs.replace(found, archived_at=now)

    async def page(self, window: Window, *, archived: bool) -> tuple[list[Project], bool]:
        """Return the projects in the *window*, with *archived* ones too, and whether there are more."""
        query = _QUERY if archived else _QUERY.where(projects.c.archived_at.is_(None))
        async with self._connections.reading() as connection:
            rows, more = await page(connection, query, projects, window)
        return [Project(*row) for row in rows], more


async def _one(connection: AsyncConnection, name: str) -> Project:
    found = (await connection.execute(_QUERY.where(projects.c.id == storable(name)))).first()
    if found is None:
        raise NotFound(f"No such project: '{name[:100]}'.")
    return Project(*found)


async def _free(connection: AsyncConnection, name: str, besides: str = "") -> None:
    """Return if no project is called *name*. Raises Conflict."""
    query = select(projects.c.id).where(named(name), projects.c.id != besides)
    if (await connection.execute(query)).first() is not None:
        raise _taken(name)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a project called '{name[:100]}' already.", param="name")
