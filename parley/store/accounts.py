"""Service accounts: who a project's keys are made for, where it is no person.

Deleting one revokes its keys at once. How it fails: with NotFound, and NotRecorded.
"""

import secrets
import time

import msgspec
from sqlalchemy import delete, update

from parley.store.audits import note
from parley.store.bells import Bell
from parley.store.connections import Connections
from parley.store.keyring import Key, make, note_key
from parley.store.records import Records, clean, told
from parley.store.tables import accounts, keys


class Account(msgspec.Struct, frozen=True):
    """A service account of a project (by its id)."""

    id: str
    created_at: int
    project: str
    name: str
    role: str


class Accounts(Records[Account]):
    """The service accounts of all projects."""

    def __init__(self, connections: Connections, bell: Bell) -> None:
        super().__init__(connections, accounts, Account, "service account", "service_account")
        self._bell = bell

    async def create(self, project: str, name: str) -> Account:
        """Make one that has no key yet. Raises NotRecorded."""
        made = Account("svcacct_" + secrets.token_hex(12), time.time_ns(), project, name, "none")
        await self.add(made)
        return made

    async def open(self, project: str, name: str, expires_at: int | None) -> tuple[Account, Key, str]:
        """Make one together with its first key; return that and its secret too. Raises NotRecorded."""
        made = Account("svcacct_" + secrets.token_hex(12), time.time_ns(), project, name, "member")
        async with self._bell.change() as connection:
            await connection.execute(accounts.insert().values(clean(msgspec.structs.asdict(made))))
            wanted = Key("", "Secret Key", "", 0, expires_at, made.id)
            new, key = await make(connection, project, wanted)
            await self.note(connection, "created", made, data=told(made))
            await note_key(connection, "created", key, project)
        return made, key, new.secret

    async def another_key(self, account: Account, name: str, expires_at: int | None) -> tuple[Key, str]:
        """Make another key for *account*; return it and its secret. Raises NotRecorded."""
        async with self._bell.change() as connection:
            wanted = Key("", name, "", 0, expires_at, account.id)
            new, key = await make(connection, account.project, wanted)
            await note_key(connection, "created", key, account.project)
        return key, new.secret

    async def close(self, project: str, name: str) -> None:
        """Delete the one with the id *name*; its keys are dead. Raises NotFound."""
        async with self._bell.change() as connection:
            found = await self.one(connection, name, project=project)
            living = (keys.c.owner == found.id, keys.c.revoked_at.is_(None))
            now = time.time_ns()
            dead = await connection.execute(update(keys).where(*living).values(revoked_at=now).returning(keys.c.id))
            await connection.execute(delete(accounts).where(accounts.c.id == found.id))
            for (key,) in dead.all():
                await note(connection, "api_key.deleted", key, project)
            await self.note(connection, "deleted", found)
