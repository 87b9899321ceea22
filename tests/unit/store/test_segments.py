"""The files of the stream log: a record is there whole, in order, for who has its key."""

from pathlib import Path

import pytest

from parley.store.segments import BROKEN, DONE, EVENT, SEALED, Pages, Piece, Segment

MINE, OTHER = b"m" * 32, b"o" * 32
SIZE = 4096


def pages_of(path: Path, key: bytes) -> tuple[list[Piece], int]:
    """Return what is in a segment for *key*, and how it ends."""
    pages = Pages(path)
    found = []
    while (piece := pages.next(key)) is not None:
        found.append(piece)
    pages.close()
    return found, pages.end


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Each with its number, its kind and every byte; another stream's are passed over."""
    segment = Segment(tmp_path / "a.log", SIZE)
    assert segment.append(MINE, 1, EVENT, b"one")
    assert segment.append(OTHER, 1, EVENT, b"\0" * 9)
    assert segment.append(MINE, 2, DONE, b"")
    expected = [Piece(1, EVENT, b"one"), Piece(2, DONE, b"")]
    assert pages_of(segment.path, MINE) == (expected, 0)
    segment.close()
    assert pages_of(segment.path, MINE) == (expected, 0)


def test_a_reader_sees_what_is_written_later(tmp_path: Path) -> None:
    """It goes on where it was."""
    segment = Segment(tmp_path / "a.log", SIZE)
    pages = Pages(segment.path)
    assert pages.next(MINE) is None
    segment.append(MINE, 1, EVENT, b"one")
    assert pages.next(MINE) == Piece(1, EVENT, b"one")
    assert pages.next(MINE) is None
    assert pages.end == 0
    segment.seal()
    assert pages.next(MINE) is None
    assert pages.end == SEALED


def test_what_has_no_room_is_not_written(tmp_path: Path) -> None:
    """The segment can still be sealed; one of the right size takes exactly one."""
    payload = b"x" * SIZE
    segment = Segment(tmp_path / "a.log", Segment.size(len(payload)))
    assert not segment.append(MINE, 1, EVENT, payload + b"x")
    assert segment.end == 0
    assert segment.append(MINE, 1, EVENT, payload)
    assert not segment.append(MINE, 2, EVENT, b"")
    segment.seal(BROKEN)
    assert pages_of(segment.path, MINE) == ([Piece(1, EVENT, payload)], BROKEN)


def test_a_search_finds_a_key(tmp_path: Path) -> None:
    """Without a look at each record."""
    segment = Segment(tmp_path / "a.log", SIZE)
    segment.append(MINE, 1, EVENT, b"one")
    pages = Pages(segment.path)
    assert (pages.hold(MINE), pages.hold(OTHER)) == (True, False)


def test_a_file_is_its_owners_and_never_half(tmp_path: Path) -> None:
    """A folder that is not there is an OSError; nothing is left of the attempt."""
    path = tmp_path / "a.log"
    Segment(path, SIZE).close()
    assert (path.stat().st_mode & 0o777, path.stat().st_size) == (0o600, SIZE)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="No such file"):
        Segment(tmp_path / "none" / "a.log", SIZE)


def test_a_disk_without_room_leaves_nothing(tmp_path: Path) -> None:
    """What it would take is more than any disk has."""
    with pytest.raises(OSError, match=r"space|large"):
        Segment(tmp_path / "a.log", 1 << 62)
    assert list(tmp_path.iterdir()) == []
