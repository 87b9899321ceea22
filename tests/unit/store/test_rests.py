"""The rest of a stream: exactly what is missing, live, and the truth about how it ended."""

import asyncio
from pathlib import Path

import pytest

from parley.errors import InvalidRequest, NotFound, ParleyError, StreamInterrupted
from parley.store import streams as module
from parley.store.rests import Place, Rest
from parley.store.segments import DONE, FAILED
from parley.store.streams import Stream, Streams
from parley.testing import FakeClock, RecordingReply

NAME, PROJECT = "req_1", "shop"


def begun(folder: Path) -> tuple[Streams, Stream]:
    """Return a process's log, and a stream in it."""
    streams = Streams(folder, FakeClock(), 600)
    stream = streams.begin(NAME, PROJECT)
    assert stream is not None
    return streams, stream


def reader(folder: Path) -> Streams:
    """Return the log of another process, which only reads."""
    return Streams(folder, FakeClock(), 600)


def at(after: int, name: str = NAME) -> Place:
    """Return the place behind so many events."""
    return Place(name, after, "stream_id", "starting_after")


def put(file: Path, content: bytes) -> None:
    """Write a *file*."""
    file.write_bytes(content)


def forget_first(folder: Path) -> None:
    """Remove the oldest segment, as a sweep would."""
    min(folder.glob("*.log")).unlink()


async def rest(folder: Path, after: int, project: str = PROJECT) -> tuple[list[bytes], ParleyError | None]:
    """Return what follows, and the error that ended it."""
    reply, failure = RecordingReply(), None
    try:
        async with Rest(reader(folder), at(after), project) as it, asyncio.timeout(5):
            await it.pour(reply)
    except StreamInterrupted as error:
        failure = error
    return [event.raw for event in reply.events if event.raw], failure


@pytest.mark.parametrize("after", range(5))
async def test_what_is_missing_comes(tmp_path: Path, after: int) -> None:
    """No event twice, none left out; after the last there is nothing."""
    _, stream = begun(tmp_path)
    sent = [stream.write(b"a"), stream.write(b"b"), stream.write(b"c"), stream.write(b"[DONE]", DONE)]
    assert await rest(tmp_path, after) == (sent[after:], None)


async def test_segments_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many the stream stands in, and from whichever it goes on."""
    monkeypatch.setattr(module, "SEGMENT", 4096)
    streams, stream = begun(tmp_path)
    sent = [stream.write(b"%d" % number * 500) for number in range(40)] + [stream.write(b"[DONE]", DONE)]
    assert len(list(streams.folder.glob("*.log"))) > 3
    for after in (0, 1, 8, 20, 39, 40, 41):
        assert await rest(tmp_path, after) == (sent[after:], None)


async def test_what_comes_later_comes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head goes out at once; then each event as it is written, in a new segment too."""
    monkeypatch.setattr(module, "SEGMENT", 4096)
    _, stream = begun(tmp_path)
    stream.write(b"a")
    reply = RecordingReply()
    async with Rest(reader(tmp_path), at(1), PROJECT) as it, asyncio.timeout(5):
        pouring = asyncio.ensure_future(it.pour(reply))
        await asyncio.sleep(0.05)
        assert [event.raw for event in reply.events] == [b""]
        stream.write(b"b" * 3000)
        stream.write(b"c" * 3000)
        stream.write(b"failed", FAILED)
        await pouring
    assert [event.raw for event in reply.events] == [b"", b"b" * 3000, b"c" * 3000, b"failed"]


async def test_a_slow_client_is_waited_for(tmp_path: Path) -> None:
    """Batch by batch."""
    _, stream = begun(tmp_path)
    sent = [stream.write(b"x" * 30_000) for _ in range(9)] + [stream.write(b"[DONE]", DONE)]
    seen: list[object] = []

    async def take(event: object) -> None:
        seen.append(event)

    reply = RecordingReply(take)
    async with Rest(reader(tmp_path), at(0), PROJECT) as it:
        await it.pour(reply)
    assert len(reply.events) == len(sent) + 1
    assert len(seen) == len(reply.events)


async def test_a_writer_that_died_is_told(tmp_path: Path) -> None:
    """What it wrote comes before the error, also where nothing is left but the error."""
    streams, stream = begun(tmp_path)
    stream.write(b"a")
    stream.write(b"b")
    streams.close()
    for after, missing in ((1, [b"b"]), (2, [])):
        found, failure = await rest(tmp_path, after)
        assert found == missing
        assert isinstance(failure, StreamInterrupted)


async def test_what_could_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hole is an error, though its writer lives; after the hole the stream can be had."""
    monkeypatch.setattr(module, "SEGMENT", 4096)
    clock = FakeClock()
    streams = Streams(tmp_path, clock, 600)
    stream = streams.begin(NAME, PROJECT)
    assert stream is not None
    stream.write(b"a" * 3000)
    with monkeypatch.context() as full:
        full.setattr(module, "SPARE", 1 << 62)
        stream.write(b"b" * 3000)
    clock.advance(module.LONGEST_PAUSE)
    stream.write(b"[DONE]", DONE)
    found, failure = await rest(tmp_path, 0)
    assert found == [b"a" * 3000]
    assert isinstance(failure, StreamInterrupted)
    assert await rest(tmp_path, 2) == ([b"[DONE]"], None)


@pytest.mark.parametrize(("name", "project"), [("req_2", PROJECT), (NAME, "other")])
async def test_what_is_not_there_is_not_found(tmp_path: Path, name: str, project: str) -> None:
    """Nor is what is another project's; the stream's param is named."""
    _, stream = begun(tmp_path)
    stream.write(b"a")
    with pytest.raises(NotFound, match=f"No stream found with id '{name}'") as raised:
        async with Rest(reader(tmp_path), at(0, name), project):
            pass
    assert raised.value.param == "stream_id"


async def test_what_is_none_of_ours_is_passed_over(tmp_path: Path) -> None:
    """Whatever lies in the folder."""
    _, stream = begun(tmp_path)
    sent = [stream.write(b"[DONE]", DONE)]
    for name, content in (("empty.log", b""), ("notes.log", b"notes" * 99), ("x-y.log", b"\1" * 9999)):
        put(tmp_path / name, content)
    assert await rest(tmp_path, 0) == (sent, None)


async def test_a_log_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    """Where no stream was ever sent."""
    with pytest.raises(NotFound):
        async with Rest(reader(tmp_path / "none"), at(0), PROJECT):
            pass


async def test_a_beginning_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than a rest with a hole; what is kept can be had."""
    monkeypatch.setattr(module, "SEGMENT", 4096)
    _, stream = begun(tmp_path)
    sent = [stream.write(b"x" * 3000) for _ in range(3)] + [stream.write(b"[DONE]", DONE)]
    forget_first(tmp_path)
    with pytest.raises(NotFound, match="not kept any more") as raised:
        await rest(tmp_path, 0)
    assert raised.value.param == "starting_after"
    assert await rest(tmp_path, 1) == (sent[1:], None)


async def test_an_event_that_was_never_sent_is_none(tmp_path: Path) -> None:
    """Nobody can have it."""
    _, stream = begun(tmp_path)
    stream.write(b"a")
    with pytest.raises(InvalidRequest, match="has no event 2") as raised:
        await rest(tmp_path, 2)
    assert raised.value.param == "starting_after"
