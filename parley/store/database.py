"""The store: opens the database, brings it to the newest revision, and holds one repository per concern.

`sqlite:///parley.db` is a file; `postgresql://user:password@host/name` a server. What PostgreSQL needs is
loaded when it is asked for: a gateway on SQLite does not pay for it.

How it fails: a URL that is wrong, or a database that cannot be opened, is a SettingsError at start-up; it
never shows the password. Later failures are NotRecorded.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from parley.core.later import later
from parley.errors import SettingsError
from parley.store import sqlite
from parley.store.administration import Administration
from parley.store.alarms import Alarms
from parley.store.audits import Audits
from parley.store.completions import Completions
from parley.store.keys import Keys
from parley.store.leases import LEASE_SECONDS
from parley.store.ledger import Record, newest
from parley.store.parts import Parts
from parley.store.rules import Rules
from parley.store.usage import Usage

if TYPE_CHECKING:
    from parley.store import postgres
else:
    postgres = later("parley.store.postgres")

_FORMS = "Use sqlite:///parley.db or postgresql://user:password@host/name"


class Store:
    """The open database."""

    def __init__(self, parts: Parts) -> None:
        self._connections, self._bell, self.ledger = parts
        self.connections = self._connections
        self.keys = Keys(self._connections, self._bell)
        self.rules = Rules(self._connections, self._bell)
        self.completions = Completions(self._connections)
        self.administration = Administration(self._connections, self._bell, self.rules)
        self.audits = Audits(self._connections)
        self.usage = Usage(self._connections)
        self.alarms = Alarms(self._connections)

    async def ready(self) -> None:
        """Return when a small transaction has been committed. Raises NotRecorded."""
        await self.ledger.ready()

    async def calls(self, project: str | None = None, limit: int = 100) -> list[Record]:
        """Return the last *limit* calls, of *project* or of all, the newest first. Raises NotRecorded."""
        return await newest(self._connections, project, limit)

    async def close(self) -> None:
        """Write the ledger's pending rows, then let go of the database."""
        await self.ledger.close()
        await self._bell.close()
        await self._connections.close()


async def open_store(url: str, lease_seconds: float = LEASE_SECONDS) -> Store:
    """Open the database at *url*, made and migrated if need be. Raises SettingsError.

    lease_seconds: how long a process that is not heard of keeps what its calls hold.
    """
    address = address_of(url)
    if address.get_backend_name() == "sqlite":
        return Store(await sqlite.open_parts(str(address.database), lease_seconds))
    return Store(await postgres.open_parts(address, lease_seconds))


def address_of(url: str) -> URL:
    """Return the address that *url* means. Raises SettingsError where no store can be; opens nothing."""
    try:
        urlsplit(url)  # is stricter with brackets, as asyncpg is
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(f"store.url: this is not the URL of a database. {_FORMS}.") from error
    if address.drivername not in {"sqlite", "postgresql", "postgres"}:
        raise SettingsError(f"store.url: there is no store of the kind {address.drivername!r}. {_FORMS}.")
    if address.get_backend_name() == "sqlite" and not _is_file(address):
        raise SettingsError(
            "store.url: SQLite needs the path of a file: sqlite:///parley.db, or sqlite:////var/lib/parley.db"
            " with four slashes for an absolute path."
        )
    return address


def _is_file(address: URL) -> bool:
    """Tell whether an address of SQLite is the path of a file and nothing else."""
    return bool(address.database) and address.database != ":memory:" and not (address.host or address.query)
