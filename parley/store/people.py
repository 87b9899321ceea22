"""People: who belongs to the organization and to its projects, and who is invited. Records: nobody signs in with them.

A person comes into the organization when somebody is added to a project by an email address; an open invitation to that
address is accepted thereby, with the role and the projects that it names. How it fails: with NotFound, with Conflict
for who is there already, and NotRecorded.
"""

import secrets
import time
from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Conflict, NotFound
from parley.store.audits import note
from parley.store.connections import Connections
from parley.store.pages import Window
from parley.store.records import Records
from parley.store.rules import INSERTS
from parley.store.storable import storable
from parley.store.tables import invites, members, people, projects

INVITED_FOR = 14 * 24 * 3600 * 1_000_000_000  # nanoseconds


class Person(msgspec.Struct, frozen=True):
    """Somebody of the organization."""

    id: str
    created_at: int
    email: str
    role: str
    developer_persona: str | None = None
    technical_level: str | None = None


class Member(msgspec.Struct, frozen=True):
    """Somebody of a project; the id is the person's."""

    id: str
    created_at: int
    project: str
    role: str


class Invite(msgspec.Struct, frozen=True):
    """An invitation; projects: the JSON of their ids and roles."""

    id: str
    created_at: int
    email: str
    role: str
    projects: bytes
    expires_at: int
    accepted_at: int | None = None


class People(Records[Person]):
    """The people of the organization."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections, people, Person, "user", "user")

    async def with_emails(self, window: Window, emails: Sequence[str]) -> tuple[list[Person], bool]:
        """Return those of *emails*, or all, in the *window*, and whether there are more. Raises InvalidRequest."""
        wanted = [storable(email.lower()) for email in emails]
        return await self.chosen(window, *([people.c.email.in_(wanted)] if emails else []))

    async def named(self, ids: Sequence[str]) -> dict[str, Person]:
        """Return the people with these *ids*."""
        async with self.connections.reading() as connection:
            rows = await connection.execute(select(people).where(people.c.id.in_(ids)))
            return {row.id: Person(*row) for row in rows}

    async def leave(self, name: str) -> None:
        """Forget the person with the id *name*, in all projects. Raises NotFound."""
        async with self.connections.writing() as connection:
            found = await self.one(connection, name)
            await connection.execute(delete(members).where(members.c.id == found.id))
            await connection.execute(delete(people).where(people.c.id == found.id))
            await self.note(connection, "deleted", found)


class Members(Records[Member]):
    """The people of the projects."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections, members, Member, "user of this project", "user")

    async def join(self, project: str, role: str, *, person: str = "", email: str = "") -> Member:
        """Add to *project* the *person* with this id, or who has this *email*. Raises NotFound, Conflict."""
        async with self.connections.writing() as connection:
            column, value = (people.c.id, person) if person else (people.c.email, email.lower())
            found = (await connection.execute(select(people.c.id).where(column == storable(value)))).scalar()
            if found is None and person:
                raise NotFound(f"No such user: '{person[:100]}'.", param="user_id")
            invite = None if found else await _open_invite(connection, storable(email.lower()))
            name = str(found or await _welcome(connection, storable(email.lower()), invite))
            made = Member(name, time.time_ns(), project, role)
            if not await _enrol(connection, made):
                if found is not None:
                    raise Conflict("This user belongs to the project already.")
                same = self.same(name, project=project)
                await connection.execute(update(members).where(*same).values(role=role))
            if invite:
                await note(connection, "invite.accepted", invite.id)
            await self.note(connection, "added", made, data={"role": role})
        return made


class Invites(Records[Invite]):
    """The invitations to the organization."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections, invites, Invite, "invite", "invite")

    async def create(self, email: str, role: str, granted: bytes) -> Invite:
        """Invite *email*. Raises Conflict where it is invited, or a user, already."""
        now, address = time.time_ns(), storable(email.lower())
        made = Invite("invite-" + secrets.token_hex(12), now, address, role, granted, now + INVITED_FOR)
        async with self.connections.writing() as connection:
            if (await connection.execute(select(people.c.id).where(people.c.email == address))).first():
                raise Conflict("This address belongs to a user already.", param="email")
            if await _open_invite(connection, address):
                raise Conflict("This address is invited already.", param="email")
            await connection.execute(invites.insert().values(msgspec.structs.asdict(made)))
            await self.note(connection, "sent", made, data={"email": address, "role": role})
        return made


async def _open_invite(connection: AsyncConnection, email: str) -> Invite | None:
    now = time.time_ns()
    pending = (invites.c.email == email, invites.c.accepted_at.is_(None), invites.c.expires_at > now)
    found = (await connection.execute(select(invites).where(*pending))).first()
    return Invite(*found) if found else None


async def _welcome(connection: AsyncConnection, email: str, invite: Invite | None) -> str:
    """Make the person with *email*, as the *invite* says if there is one, and return the id."""
    now = time.time_ns()
    made = Person("user-" + secrets.token_hex(12), now, email, invite.role if invite else "reader")
    await connection.execute(people.insert().values(msgspec.structs.asdict(made)))
    if invite:
        await connection.execute(update(invites).where(invites.c.id == invite.id).values(accepted_at=now))
        for granted in msgspec.json.decode(invite.projects):
            there = await connection.execute(select(projects.c.id).where(projects.c.id == granted["id"]))
            if there.first():
                await _enrol(connection, Member(made.id, now, granted["id"], granted["role"]))
    return made.id


async def _enrol(connection: AsyncConnection, member: Member) -> bool:
    """Add *member*; tell whether it was not there yet."""
    insert = INSERTS[connection.dialect.name](members).values(msgspec.structs.asdict(member))
    done = await connection.execute(insert.on_conflict_do_nothing(index_elements=["id", "project"]))
    return bool(done.rowcount)
