"""The stream log of a process: written, turned over, swept; and what happens when it can't be."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from parley.store import streams as module
from parley.store.segments import BROKEN, DONE, EVENT, SEALED, Pages, Piece, Segment
from parley.store.streams import Life, Stream, Streams, Sweeper, key_of
from parley.testing import FakeClock

KEEP = 600.0
NAME, PROJECT = "req_1", "shop"


def begun(streams: Streams) -> Stream:
    """Return a stream that is being written."""
    stream = streams.begin(NAME, PROJECT)
    assert stream is not None
    return stream


def files(streams: Streams) -> list[Path]:
    """Return the segments there are, the oldest first."""
    return sorted(streams.folder.glob("*.log"))


def read(path: Path) -> tuple[list[Piece], int]:
    """Return what a segment has of the stream, and how it ends."""
    pages, found = Pages(path), []
    while (piece := pages.next(key_of(NAME, PROJECT))) is not None:
        found.append(piece)
    pages.close()
    return found, pages.end


def test_events_are_numbered_and_sent_as_they_are(tmp_path: Path) -> None:
    """Nothing is added to them."""
    streams = Streams(tmp_path / "streams", FakeClock(), KEEP)
    stream = begun(streams)
    assert [stream.write(b"one"), stream.write(b"[DONE]", DONE)] == [b"one", b"[DONE]"]
    [file] = files(streams)
    assert read(file) == ([Piece(1, EVENT, b"one"), Piece(2, DONE, b"[DONE]")], 0)


def test_who_asked_is_told_ids(tmp_path: Path) -> None:
    """They stand behind the data, in the log too."""
    streams = Streams(tmp_path, FakeClock(), KEEP)
    stream = begun(streams)
    stream.tell(NAME)
    assert [stream.write(b"a"), stream.write(b"b")] == [b"a\nid: req_1/1", b"b\nid: req_1/2"]
    [file] = files(streams)
    assert [piece.payload for piece in read(file)[0]] == [b"a\nid: req_1/1", b"b\nid: req_1/2"]


def test_a_key_is_one_projects() -> None:
    """Another project, another id: another key."""
    assert len({key_of("a", "p"), key_of("a", "q"), key_of("b", "p"), key_of("p a", ""), key_of("", "p a")}) == 5


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    """A server whose calls are not streamed has no folder; the folder is its owner's."""
    streams = Streams(tmp_path / "streams", FakeClock(), KEEP)
    streams.clear(streams.sweep())
    assert not streams.folder.exists()
    begun(streams)
    assert streams.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in streams.folder.iterdir()} == {0o600}


def test_nothing_is_kept_where_nothing_shall_be(tmp_path: Path) -> None:
    """No stream is begun, and what earlier settings left is removed."""
    clock = FakeClock()
    before = Streams(tmp_path, clock, KEEP)
    begun(before).write(b"one")
    before.close()
    clock.advance(1)
    streams = Streams(tmp_path, clock, 0)
    assert streams.begin(NAME, PROJECT) is None
    streams.clear(streams.sweep())
    assert list(tmp_path.iterdir()) == []


def test_a_full_segment_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that is larger than a segment has one for itself."""
    monkeypatch.setattr(module, "SEGMENT", 4096)
    streams = Streams(tmp_path, FakeClock(), KEEP)
    stream = begun(streams)
    for size in (2000, 3000, 9000, 10):
        stream.write(b"x" * size)
    assert [(len(found), end) for found, end in map(read, files(streams))] == [(1, SEALED)] * 3 + [(1, 0)]
    assert [file.stat().st_size for file in files(streams)] == [4096, 4096, Segment.size(9000), 4096]


def test_a_disk_without_room_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams go on, and are said to be broken; later ones are not begun, until there is room again."""
    monkeypatch.setattr(module, "SEGMENT", 4096)
    clock = FakeClock()
    streams = Streams(tmp_path, clock, KEEP)
    stream = begun(streams)
    stream.write(b"x" * 3000)
    with capture_logs() as lines, monkeypatch.context() as full:
        full.setattr(module, "SPARE", 1 << 62)
        assert stream.write(b"y" * 3000) == b"y" * 3000
        stream.write(b"z")
        assert streams.begin("req_2", PROJECT) is None
        clock.advance(module.LONGEST_PAUSE)
        assert streams.begin("req_2", PROJECT) is None
    assert [line["event"] for line in lines] == ["streams can't be resumed: they are not written down"]
    [file] = files(streams)
    assert (len(read(file)[0]), read(file)[1]) == (1, BROKEN)
    clock.advance(module.LONGEST_PAUSE)
    assert streams.begin("req_2", PROJECT) is not None


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls go on meanwhile; after a while streams can be resumed again."""
    monkeypatch.setattr(module, "SEGMENT", 4096)
    clock = FakeClock()
    streams = Streams(tmp_path / "streams", clock, KEEP)
    stream = begun(streams)
    stream.write(b"x")
    shutil.rmtree(streams.folder)
    with capture_logs() as lines:
        assert stream.write(b"y" * 4000) == b"y" * 4000
        streams.clear(streams.sweep())
    assert len(lines) == 1
    clock.advance(module.LONGEST_PAUSE)
    begun(streams).write(b"z")
    [file] = files(streams)
    assert [piece.payload for piece in read(file)[0]] == [b"z"]
    [lock] = streams.folder.glob("*.lock")
    assert Life(streams.folder, lock.stem).lasts()


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    """No stream is begun."""
    (tmp_path / "file").write_text("")
    with capture_logs() as lines:
        assert Streams(tmp_path / "file" / "streams", FakeClock(), KEEP).begin(NAME, PROJECT) is None
    assert len(lines) == 1


def test_what_is_old_is_removed(tmp_path: Path) -> None:
    """A segment's time runs from its last write; one that is written for long is turned over."""
    clock = FakeClock()
    streams = Streams(tmp_path, clock, KEEP)
    begun(streams).write(b"one")
    clock.advance(KEEP - 1)
    begun(streams).write(b"two")
    assert streams.sweep() == []
    [first] = files(streams)
    clock.advance(1)
    assert streams.sweep() == []
    clock.advance(KEEP - 1)
    assert streams.sweep() == []
    clock.advance(1)
    over = streams.sweep()
    assert over == [first]
    streams.clear(over)
    assert first not in files(streams)


def test_who_lives_is_known(tmp_path: Path) -> None:
    """By the lock, until it is let go."""
    streams = Streams(tmp_path, FakeClock(), KEEP)
    begun(streams)
    [lock] = tmp_path.glob("*.lock")
    life = Life(tmp_path, lock.stem)
    assert life.lasts()
    streams.close()
    assert not life.lasts()
    life.close()
    assert not Life(tmp_path, "0" * 16).lasts()


def test_who_died_is_swept_by_others(tmp_path: Path) -> None:
    """At its time; then its lock goes too. Nobody sweeps before a living one, nor what is none of ours."""
    clock = FakeClock()
    died, lives, sweeps = (Streams(tmp_path, clock, KEEP) for _ in range(3))
    for streams in (died, lives):
        begun(streams).write(b"one")
        streams.sweep()
    (tmp_path / "notes.log").write_text("")
    os.utime(tmp_path / "notes.log", (0, 0))
    died.close()
    sweeps.clear([])
    assert len(files(sweeps)) == 3
    clock.advance(KEEP + 1)
    sweeps.clear([])
    assert len(files(sweeps)) == 2
    assert len(list(tmp_path.glob("*.lock"))) == 1
    assert (tmp_path / "notes.log").exists()


async def test_a_sweeper_sweeps(tmp_path: Path) -> None:
    """Again and again, until it is closed."""
    clock = FakeClock()
    streams = Streams(tmp_path, clock, KEEP)
    begun(streams).write(b"one")
    [file] = files(streams)
    sweeper = Sweeper(streams, 0.004)
    async with asyncio.timeout(5):
        while file.exists():
            clock.advance(KEEP)
            await asyncio.sleep(0.001)
    await sweeper.close()
