"""The chain's own arithmetic."""

import hashlib

import msgspec
import pytest

from parley.store.chain import CALLS, START, Link, Pruned, add, digest, follow, hashed, listed, of_calls, pruned, tail

LINK = follow(START, Link(1, 7, "project.created", "cli:ann", "proj_1", "proj_1", b'{"id":"proj_1"}', START))


def test_a_hash_can_be_made_by_anybody() -> None:
    """It is the SHA-256 of what stands in the documentation, and nothing else."""
    fields = b'[1,7,"project.created","cli:ann","proj_1","proj_1"]'
    assert LINK.hash == hashlib.sha256(bytes(32) + fields + b'\n{"id":"proj_1"}').digest()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", 2),
        ("at", 8),
        ("kind", "project.updated"),
        ("actor", "cli:bob"),
        ("subject", "proj_2"),
        ("project", ""),
        ("payload", b"{}"),
    ],
)
def test_every_field_is_covered(field: str, value: object) -> None:
    """Another value of any of them is another hash, as is another row before."""
    assert hashed(START, msgspec.structs.replace(LINK, **{field: value})) != LINK.hash
    assert hashed(LINK.hash, LINK) != LINK.hash


def test_a_group_of_calls_is_one_row() -> None:
    """It lists ids and digests, and has the hash that any row has."""
    rows = [("req_1", 5, None, True), ("req_2", 6, "x", False)]
    link = Link(*of_calls(3, LINK.hash, rows, 9))
    assert (link.seq, link.at, link.kind) == (4, 9, CALLS)
    assert link.hash == hashed(LINK.hash, link)
    assert [(one.id, one.digest) for one in listed(link.payload)] == [(row[0], digest(row)) for row in rows]


def test_the_database_can_make_the_hash() -> None:
    """Of what stands before and after the seq that only it knows."""
    link = Link(*of_calls(3, LINK.hash, [("req_1",)], 9))
    assert link.hash == hashlib.sha256(LINK.hash + b"[4," + tail(9, CALLS, link.payload)).digest()


def test_a_digest_tells_values_apart() -> None:
    """A number is not its text, nothing is not an empty text, and no value slips into the next."""
    rows = [("a", 1), ("a", "1"), ("a", None), ("a", ""), ('a","', 1), ("a", True)]
    assert len({digest(row) for row in rows}) == len(rows)


def test_a_sum_has_no_order() -> None:
    """But knows each that is in it, and how often."""
    one, two = digest(("a",)), digest(("b",))
    total = Pruned().total
    assert add(add(total, [one]), [two]) == add(total, [two, one])
    assert len({add(total, some) for some in ([], [one], [two], [one, one], [one, two])}) == 5


def test_a_payload_that_was_spoilt_says_nothing() -> None:
    """It is a fault of its row, told by the hash, and stops no proof."""
    assert listed(b"\xff{") == []
    assert pruned(b'{"seq":"x"}') is None
    assert pruned(msgspec.json.encode(Pruned(3, 4, START, 1))) == Pruned(3, 4, START, 1)
