"""PostgreSQL: opens the database and brings it to the newest revision."""

from sqlalchemy import URL

from parley.errors import SettingsError
from parley.store.parts import Parts


async def open_parts(address: URL) -> Parts:
    """Open the database at *address*. Raises SettingsError."""
    raise SettingsError(f"store.url: {address.render_as_string(hide_password=True)} cannot be opened yet")
