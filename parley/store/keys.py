"""API keys: made, listed, revoked.

A key is shown once and kept as its SHA-256: whoever reads the database cannot call with it. It is random
enough (256 bits) that a slow hash would protect nothing. Whoever caches `active()` notes `version()` *before*
it and reads again when the number differs, so a revoked key is dead at once, in every process, and a known
key costs no database trip.
"""

import hashlib
import secrets
import time
from typing import Any

import msgspec
from sqlalchemy import Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.core.call import Caller
from parley.core.keys import ADMIN_HEAD, PROJECT_HEAD
from parley.errors import Conflict, NotFound
from parley.store import rules
from parley.store.audits import note
from parley.store.bells import Bell
from parley.store.connections import Connections
from parley.store.tables import keys, named, projects

DEFAULT_PROJECT = "default"


class NewKey(msgspec.Struct, frozen=True):
    """A key just made. `secret` is what clients send; it is nowhere else."""

    id: str
    secret: str
    prefix: str
    project: str


class KeyInfo(msgspec.Struct, frozen=True):
    """What is known of a key. Times in nanoseconds since 1970; `revoked_at` is None while it works."""

    id: str
    project: str
    name: str
    prefix: str
    admin: bool
    created_at: int
    revoked_at: int | None


KeyInfos = list[KeyInfo]


def digest(secret: str) -> bytes:
    """Return what is stored of a key: the SHA-256 of *secret*, 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Keys:
    """The keys of every project."""

    def __init__(self, connections: Connections, bell: Bell) -> None:
        self._connections = connections
        self._bell = bell
        self.version = bell.version  # bound here, and so without a call in between: it is read on every call

    async def create(self, *, project: str = DEFAULT_PROJECT, name: str = "", admin: bool = False) -> NewKey:
        """Make a key of *project*, which is made too if there is none of that name. Raises NotRecorded."""
        new = new_key(ADMIN_HEAD if admin else PROJECT_HEAD, project)
        row = key_row(new) | {"id": new.id, "name": name, "admin": admin}
        async with self._bell.change() as connection:
            row["project_id"] = await project_id(connection, project, row["created_at"], admin=admin)
            await connection.execute(keys.insert().values(row))
            await note_made(connection, new.id, row)
        return new

    async def borrow(self, name: str, project: str = DEFAULT_PROJECT) -> NewKey:
        """Make a key *name* for a while: of a revoked one of that name, if there is any, whose secret stays dead.

        Revoke it after use: so keys that are made again and again do not pile up. Raises NotRecorded.
        """
        new = new_key(PROJECT_HEAD, project)
        row = key_row(new)
        async with self._bell.change() as connection:
            row["project_id"] = await project_id(connection, project, row["created_at"])
            idle = (keys.c.name == name, ~keys.c.admin, keys.c.revoked_at.is_not(None))
            one = select(keys.c.id).where(*idle, keys.c.project_id == row["project_id"]).limit(1).scalar_subquery()
            taken = update(keys).where(keys.c.id == one, *idle).values(row | {"revoked_at": None}).returning(keys.c.id)
            found = (await connection.execute(taken)).scalar()
            if found is None:
                await connection.execute(keys.insert().values(row | {"id": new.id, "name": name, "admin": False}))
            await note_made(connection, found or new.id, row | {"name": name, "admin": False})
        return msgspec.structs.replace(new, id=found or new.id)

    async def revoke(self, key: str) -> KeyInfo:
        """Revoke the key with this id, prefix or secret; one that is revoked already stays as it is.

        Raises NotFound, Conflict when several working keys have this prefix, NotRecorded.
        """
        async with self._bell.change() as connection:
            found = _chosen(await _matching(connection, key))
            if found.revoked_at is None:
                found = msgspec.structs.replace(found, revoked_at=time.time_ns())
                await connection.execute(update(keys).where(keys.c.id == found.id).values(revoked_at=found.revoked_at))
                project = await connection.execute(select(keys.c.project_id).where(keys.c.id == found.id))
                await note(connection, "api_key.deleted", found.id, project.scalar_one())
        return found

    async def find(self, key: str) -> KeyInfo:
        """Return the working key with this id, prefix or secret. Raises NotFound, Conflict, NotRecorded."""
        async with self._connections.reading() as connection:
            return _chosen(await _matching(connection, key))

    async def active(self) -> dict[bytes, Caller]:
        """Return every key that is not revoked: the SHA-256 of the key, and who it is. Raises NotRecorded."""
        columns = (
            keys.c.digest,
            projects.c.id,
            keys.c.id,
            projects.c.name,
            keys.c.prefix,
            keys.c.admin,
            projects.c.fit,
            projects.c.open,
            projects.c.drain,
            keys.c.expires_at,
        )
        living = or_(projects.c.archived_at.is_(None), keys.c.admin)  # an admin key is of no project in particular
        query = select(*columns).join_from(keys, projects).where(keys.c.revoked_at.is_(None), living)
        async with self._connections.reading() as connection:
            found = await rules.every(connection)
            return {
                row[0]: Caller(*row[2:9], rules.ruling(found, row[1], row[2]), expires_at=row[9], project_id=row[1])
                for row in await connection.execute(query)
            }

    async def used(self, times: dict[str, int]) -> None:
        """Note when keys, by their ids, were last used (nanoseconds since 1970). Raises NotRecorded."""
        async with self._connections.writing() as connection:
            for key, at in sorted(times.items()):  # in order, so that processes never wait in a ring
                later = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < at)
                await connection.execute(update(keys).where(keys.c.id == key, later).values(last_used_at=at))

    async def list(self) -> KeyInfos:
        """Return every key, revoked ones too, the oldest first. Raises NotRecorded."""
        async with self._connections.reading() as connection:
            rows = await connection.execute(_infos().order_by(keys.c.created_at, keys.c.id))
            return [KeyInfo(*row) for row in rows]


def new_key(head: str, project: str) -> NewKey:
    """Return a new key that begins with *head*."""
    body = secrets.token_urlsafe(32)
    return NewKey("key_" + secrets.token_hex(12), head + body, f"{head}{body[:4]}…{body[-4:]}", project)


def key_row(new: NewKey) -> dict[str, Any]:
    """Return what is kept of a *new* key."""
    return {"prefix": new.prefix, "digest": digest(new.secret), "created_at": time.time_ns()}


def _infos() -> Select[str, str, str, str, bool, int, int | None]:
    return select(
        keys.c.id,
        projects.c.name,
        keys.c.name,
        keys.c.prefix,
        keys.c.admin,
        keys.c.created_at,
        keys.c.revoked_at,
    ).join_from(keys, projects)


async def _matching(connection: AsyncConnection, key: str) -> KeyInfos:
    """Return the keys that *key* may mean; three dots do for the prefix's one character."""
    prefix = key.replace("...", "…")
    query = _infos().where(or_(keys.c.id == key, keys.c.prefix == prefix, keys.c.digest == digest(key)))
    return [KeyInfo(*row) for row in await connection.execute(query.order_by(keys.c.created_at))]


def _chosen(found: KeyInfos) -> KeyInfo:
    """Return the one key that is meant: a working one before revoked ones."""
    if not found:
        raise NotFound("There is no such key. `parley key list` shows the ids and prefixes.")
    working = [info for info in found if info.revoked_at is None]
    if len(working) > 1:
        ids = ", ".join(info.id for info in working)
        raise Conflict(f"Several keys have this prefix; name one by its id: {ids}.")
    return (working or found)[-1]


async def project_id(connection: AsyncConnection, name: str, now: int, *, admin: bool = False) -> str:
    """Return the id of the project *name*, made if need be. Raises Conflict where it is archived, but for *admin*."""
    called = select(projects.c.id, projects.c.archived_at).where(named(name))
    found = (await connection.execute(called)).first()
    if found is None:
        made = rules.INSERTS[connection.dialect.name](projects).values(
            id="proj_" + secrets.token_hex(12), name=name, created_at=now
        )
        fresh = (await connection.execute(made.on_conflict_do_nothing(index_elements=["name"]))).rowcount
        found = (await connection.execute(called)).one()
        if fresh:
            await note(connection, "project.created", found.id, found.id, data={"name": name, "title": name})
    if found.archived_at is not None and not admin:
        raise Conflict(f"The project `{name}` is archived: it has no keys any more.")
    return str(found.id)


async def note_made(connection: AsyncConnection, key: str, row: dict[str, Any]) -> None:
    """Write that the key with this id was made as *row* says."""
    data = {"scopes": [], "name": row["name"], "prefix": row["prefix"], "admin": row["admin"]}
    await note(connection, "api_key.created", key, row["project_id"], data=data)
