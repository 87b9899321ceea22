"""Brings a database to the newest revision with Alembic: forward only, in the caller's transaction.

Alembic costs a fifth of a second and 11 MB to import, so `parley.store.database` loads this module only when
a database is not at `tables.HEAD`. Two processes may start at once: the caller holds a lock (a file's, or
PostgreSQL's advisory one), and whoever comes second finds nothing left to do.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_HERE = Path(__file__).parent / "migrations"


def to_head(connection: Connection) -> None:
    """Apply every revision that *connection*'s database does not have yet. Raises SQLAlchemyError."""
    settings = Config()
    settings.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
