"""A connection to PostgreSQL: how it is made, how it is ended, what it may raise."""

import asyncpg

from parley.store.ledger import ATTEMPT_SECONDS

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What asyncpg raises; InternalClientError where a connection breaks between two steps of its protocol."""

_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 0.5


async def connect(url: str) -> asyncpg.Connection:
    """Connect to *url* for durable writes that never wait for long. Raises `FAILURES`."""
    limit = f"{ATTEMPT_SECONDS * 0.8:.1f}s"  # the server gives up before we do: then the outcome is known
    connection = await asyncpg.connect(
        url, timeout=_CONNECT_SECONDS, server_settings={"application_name": "parley", "statement_timeout": limit}
    )
    await connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    return connection


async def hang_up(connection: asyncpg.Connection) -> None:
    """End *connection*, good or broken."""
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except FAILURES:
        connection.terminate()
