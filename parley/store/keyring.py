"""The keyring: the living keys of a project, and the admin keys, as an administrator sees them.

Whatever kills a key rings the keys' bell. How it fails: with NotFound, and NotRecorded.
"""

import time
from typing import Any

import msgspec
from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.core.keys import ADMIN_HEAD, PROJECT_HEAD
from parley.errors import NotFound
from parley.store.audits import note
from parley.store.bells import Bell
from parley.store.connections import Connections
from parley.store.keys import DEFAULT_PROJECT, NewKey, key_row, new_key, project_id
from parley.store.pages import Window, page
from parley.store.storable import storable
from parley.store.tables import accounts, keys


class Key(msgspec.Struct, frozen=True):
    """A living key; times in nanoseconds since 1970. `owner` and what follows: the service account it is for."""

    id: str
    name: str
    prefix: str
    created_at: int
    expires_at: int | None = None
    owner: str | None = None
    owner_name: str | None = None
    owner_role: str | None = None
    owner_created_at: int | None = None
    last_used_at: int | None = None


class Keyring:
    """The living keys; `project` is a project's id, None: the admin keys."""

    def __init__(self, connections: Connections, bell: Bell) -> None:
        self._connections = connections
        self._bell = bell

    async def create_admin(self, name: str, expires_at: int | None) -> tuple[Key, str]:
        """Make an admin key; return it and its secret. Raises NotRecorded."""
        async with self._bell.change() as connection:
            project = await project_id(connection, DEFAULT_PROJECT, time.time_ns(), admin=True)
            new, key = await make(connection, project, Key("", name, "", 0, expires_at), admin=True)
            await note_key(connection, "created", key, project, admin=True)
        return key, new.secret

    async def page(self, project: str | None, window: Window) -> tuple[list[Key], bool]:
        """Return the keys in the *window*, and whether there are more. Raises InvalidRequest."""
        async with self._connections.reading() as connection:
            rows, more = await page(connection, _living(project), keys, window)
        return [Key(*row) for row in rows], more

    async def get(self, project: str | None, name: str) -> Key:
        """Return the key with the id *name*. Raises NotFound."""
        async with self._connections.reading() as connection:
            return await _one(connection, project, name)

    async def extend(self, project: str, name: str, expires_at: int) -> Key:
        """Let the key with the id *name* live until then. Raises NotFound."""
        async with self._bell.change() as connection:
            found = await _one(connection, project, name)
            await connection.execute(update(keys).where(keys.c.id == found.id).values(expires_at=expires_at))
            seconds = max(0, (expires_at - time.time_ns()) // 1_000_000_000)
            await note(connection, "api_key.updated", name, project, changes_requested={"expires_in_seconds": seconds})
            return msgspec.structs.replace(found, expires_at=expires_at)

    async def delete(self, project: str | None, name: str) -> None:
        """Revoke the key with the id *name*. Raises NotFound."""
        async with self._bell.change() as connection:
            found = await _one(connection, project, name)
            await connection.execute(update(keys).where(keys.c.id == found.id).values(revoked_at=time.time_ns()))
            await note_key(connection, "deleted", found, project or "")


async def make(connection: AsyncConnection, project: str, key: Key, *, admin: bool = False) -> tuple[NewKey, Key]:
    """Make a key like *key*, of the project with this id, on a connection of the bell's."""
    new = new_key(ADMIN_HEAD if admin else PROJECT_HEAD, project)
    row = key_row(new) | {"id": new.id, "name": storable(key.name), "admin": admin, "project_id": project}
    row |= {"owner": key.owner, "expires_at": key.expires_at}
    await connection.execute(keys.insert().values(row))
    made = msgspec.structs.replace(key, id=new.id, prefix=new.prefix, created_at=row["created_at"])
    return new, made


async def note_key(connection: AsyncConnection, done: str, key: Key, project: str, *, admin: bool = False) -> None:
    """Write into the audit log, as the transaction's last step, what was done to *key*."""
    data = {"scopes": [], "name": storable(key.name), "prefix": key.prefix, "admin": admin}
    await note(connection, f"api_key.{done}", key.id, project, **({"data": data} if done == "created" else {}))


def _living(project: str | None) -> Select[*tuple[Any, ...]]:
    """Select the living keys of *project*, or the admin keys."""
    whose = keys.c.admin if project is None else (keys.c.project_id == project) & ~keys.c.admin
    columns = (keys.c.id, keys.c.name, keys.c.prefix, keys.c.created_at, keys.c.expires_at, keys.c.owner)
    owner = (accounts.c.name.label("owner_name"), accounts.c.role, accounts.c.created_at.label("owner_created_at"))
    query: Select[*tuple[Any, ...]] = select(*columns, *owner, keys.c.last_used_at)
    return query.outerjoin_from(keys, accounts, keys.c.owner == accounts.c.id).where(keys.c.revoked_at.is_(None), whose)


async def _one(connection: AsyncConnection, project: str | None, name: str) -> Key:
    found = (await connection.execute(_living(project).where(keys.c.id == storable(name)))).first()
    if found is None:
        raise NotFound(f"No such API key: '{name[:100]}'.")
    return Key(*found)
