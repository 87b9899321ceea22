"""What a kind of database brings: connections for ordinary queries, a bell for the keys, a ledger."""

from typing import NamedTuple

from parley.store.bells import Bell
from parley.store.connections import Connections
from parley.store.ledger import Ledger


class Parts(NamedTuple):
    """The parts of a store that differ between SQLite and PostgreSQL."""

    connections: Connections
    bell: Bell
    ledger: Ledger
