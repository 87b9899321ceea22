"""Replays: calls that must not happen twice, and their answers for who asks again within a day.

A call that came with an `Idempotency-Key` claims it before anybody is asked, with a row of the table `idempotency`:
the key is the project's own, the digest tells what is asked under it. The row has no answer while the call runs and its
process lives, by the lease it holds for money too; a process that died gives the key free with its lease. What becomes
of the claim is written in the transaction of the call's row in the ledger: an answer is kept, anything else gives the
key free. So who has read an answer to its last byte finds it again after a crash.

The ledgers do it for each database (`parley.store.sqlite_replays`, `parley.store.postgres_replays`), in their own
groups: a claim is decided behind every row that was handed in before it. How it fails: with NotRecorded; the end of a
claim that could not be written is remembered by the ledger, and made up for at the keeper's next turn.
"""

import msgspec

KEPT_SECONDS = 24 * 60 * 60
PRUNED = 500  # answers that are forgotten in one transaction at most


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A call's wish to be the only one under its key. digest: the SHA-256 of what it asks. call: its id."""

    project: str
    key: str
    digest: bytes
    call: str


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a claim: its answer is kept; or there is none, and the key is free again."""

    claim: Claim
    answer: bytes | None = None


class Found(msgspec.Struct, frozen=True, gc=False):
    """Who has a key: the call, what it asks, and its answer; None while it is running."""

    call: str
    digest: bytes
    answer: bytes | None
