"""The tables' promises to the code around them."""

from pathlib import Path

import parley.store
from parley.store.ledger import Record
from parley.store.tables import HEAD, calls


def test_a_record_is_a_row() -> None:
    """The writers hand records over as tuples, so fields and columns stand in one order."""
    assert Record.__struct_fields__ == tuple(calls.columns.keys())


def test_the_head_is_the_newest_migration() -> None:
    """A database at `HEAD` is not migrated, so the constant must not lag behind."""
    versions = Path(parley.store.__file__).parent / "migrations" / "versions"
    assert f"v{HEAD}" == max(path.stem for path in versions.glob("v*.py"))
