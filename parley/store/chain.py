"""The chain of the audit log: each row commits to the one before, and the rows of kind `calls` to the calls. Pure.

The hash of a row is the SHA-256 of the hash before it (32 zero bytes at first) and the row's own fields, in one way of
writing them. Every group of calls that the ledger settles has one row, which lists their ids and the SHA-256 of their
rows. So who changes, removes, moves or invents a row or a call breaks the chain at that place.

What it cannot tell: whoever may write to the database can write a whole new chain. Who keeps the seq and hash of its
head elsewhere (`parley audit verify` prints them) finds that too.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

CALLS = "calls"
PRUNED = "audit.pruned"
HEAD = "head"
CHECKPOINT = "checkpoint"
START = bytes(32)

Row = Sequence[Any]
_encode = msgspec.json.Encoder().encode
_SUM_BYTES = 256  # so wide that nobody finds other calls of the same sum
_MODULUS = 1 << (8 * _SUM_BYTES)


class Link(msgspec.Struct, frozen=True, gc=False):
    """One row of the audit log, in the order of its columns. payload: JSON; at: nanoseconds since 1970.

    kind: OpenAI's name of the event where it has one. actor: who did it. subject: the id of what it was done to.
    project: the id of the project it belongs to, or nothing.
    """

    seq: int
    at: int
    kind: str
    actor: str
    subject: str
    project: str
    payload: bytes
    hash: bytes


class Listed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call in the payload of a row of kind `calls`."""

    id: str
    digest: bytes


class Pruned(msgspec.Struct, frozen=True, gc=False):
    """The checkpoint: the last row that was deleted, and what calls were listed by deleted rows and are kept still.

    at: its time. calls, total: how many, and the sum of their digests (`add`).
    """

    seq: int = 0
    at: int = 0
    hash: bytes = START
    calls: int = 0
    total: bytes = bytes(_SUM_BYTES)


_listed = msgspec.json.Decoder(list[Listed])
_pruned = msgspec.json.Decoder(Pruned)


def link_of(row: Iterable[Any]) -> Link:
    """Return the audit *row* as a value, also one that somebody has put a text into where bytes belong."""
    *fields, payload, found = row
    return Link(*fields, *(one if isinstance(one, bytes) else str(one).encode() for one in (payload, found)))


def digest(row: Row) -> bytes:
    """Return the SHA-256 of a call's row, whose values stand in the order of its columns."""
    return hashlib.sha256(_encode(row)).digest()


def listing(rows: Iterable[Row]) -> bytes:
    """Return the payload of the row that commits to the calls *rows*."""
    return _encode([(row[0], digest(row)) for row in rows])


def listed(payload: bytes) -> list[Listed]:
    """Return the calls in the *payload* of a row of kind `calls`; none in one that is no longer readable."""
    try:
        return _listed.decode(payload)
    except msgspec.DecodeError:
        return []


def pruned(payload: bytes) -> Pruned | None:
    """Return what the *payload* of a row of kind `audit.pruned` says, or None for one that is no longer readable."""
    try:
        return _pruned.decode(payload)
    except msgspec.DecodeError:
        return None


def hashed(before: bytes, link: Link) -> bytes:
    """Return the hash of *link*, which follows on a row with the hash *before*."""
    fields = _encode((link.seq, link.at, link.kind, link.actor, link.subject, link.project))
    return hashlib.sha256(b"%b%b\n%b" % (before, fields, link.payload)).digest()


def tail(at: int, kind: str, payload: bytes) -> bytes:
    """Return what is hashed of a row of nobody's after its seq and a comma: for whom knows the seq only later."""
    return b"%b\n%b" % (_encode((at, kind, "", "", ""))[1:], payload)


def follow(before: bytes, link: Link) -> Link:
    """Return *link* with its hash."""
    return msgspec.structs.replace(link, hash=hashed(before, link))


def of_calls(seq: int, before: bytes, rows: Iterable[Row], now: int) -> tuple[Any, ...]:
    """Return the audit row, as a tuple, that commits to the calls *rows* and follows on row *seq*, hash *before*."""
    payload = listing(rows)
    fields = _encode((seq + 1, now, CALLS, "", "", ""))
    found = hashlib.sha256(b"%b%b\n%b" % (before, fields, payload)).digest()
    return seq + 1, now, CALLS, "", "", "", payload, found


def add(total: bytes, digests: Iterable[bytes]) -> bytes:
    """Return the sum of *total* and *digests*, whatever their order; each is spread to its width first."""
    found = int.from_bytes(total, "big")
    for one in digests:
        found += int.from_bytes(hashlib.shake_256(one).digest(_SUM_BYTES), "big")
    return (found % _MODULUS).to_bytes(_SUM_BYTES, "big")
