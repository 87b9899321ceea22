"""Alembic's entry: runs the migrations on the connection that `parley.store.migrate` opened.

The transaction is the caller's: a migration that fails leaves nothing behind.
"""

from alembic import context

from parley.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
