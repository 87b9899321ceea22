"""The way out over HTTP: one body or a stream, and an error in the way that is left."""

import asyncio
from typing import Any, cast

import msgspec
import pytest

from parley.api.reply import HttpReply
from parley.core.events import Event, Kind
from parley.errors import NotRecorded, UpstreamBusy
from parley.store.segments import DONE, EVENT, FAILED
from parley.testing import FakeClock, chunk, whole


class FakeLine:
    """A connection in memory."""

    def __init__(self, *, chunks: bool = True, bodiless: bool = False) -> None:
        self.sent = b""
        self.writable = True
        self.chunks = chunks
        self.bodiless = bodiless
        self.left = False
        self.outlives = False
        self.taken = asyncio.Event()

    def head(self, status: int, headers: bytes, length: int | None) -> bytes:
        """Return a head that is easy to read."""
        return b"<%d %s>%b\r\n" % (status, b"stream" if length is None else b"%d" % length, headers)

    def write(self, data: bytes) -> None:
        """Remember *data*."""
        self.sent += data

    async def drain(self) -> None:
        """Wait until the test says that the client has read."""
        await self.taken.wait()

    @property
    def body(self) -> bytes:
        """What was sent after the head."""
        return self.sent.partition(b"\r\n\r\n")[2]


def reply(line: FakeLine) -> HttpReply:
    """Return the reply to one request over *line*."""
    return HttpReply(line, FakeClock(), "req_1", 0.0)


async def test_a_whole_answer_waits_for_its_end() -> None:
    """Nothing goes out before the record is durable; then the provider's own bytes."""
    line = FakeLine()
    it = reply(line)
    it.send(whole("Hello"))
    assert line.sent == b""
    await it.end()
    assert line.sent.startswith(b"<200 %d>content-type: application/json\r\n" % len(whole("Hello").raw))
    assert line.body == whole("Hello").raw


async def test_a_stream_begins_with_its_first_event() -> None:
    """Each event is one chunk, whole; [DONE] and the last chunk come with the end."""
    line = FakeLine()
    it = reply(line)
    event = chunk("Hel")
    it.send(event)
    assert line.sent == b""
    assert it.flush()
    frame = b"data: %b\n\n" % event.raw
    assert line.sent.startswith(b"<200 stream>content-type: text/event-stream")
    assert line.body == b"%x\r\n%b\r\n" % (len(frame), frame)
    await it.end()
    assert line.body.endswith(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


async def test_a_client_without_chunks_gets_bare_frames() -> None:
    """HTTP/1.0: the end is the connection's."""
    line = FakeLine(chunks=False)
    it = reply(line)
    it.send(chunk("Hel"))
    await it.end()
    assert line.body == b"data: %b\n\ndata: [DONE]\n\n" % chunk("Hel").raw


async def test_an_event_that_is_not_for_the_client_is_not_sent() -> None:
    """The usage nobody asked for has no bytes."""
    line = FakeLine()
    it = reply(line)
    it.send(chunk("Hel"))
    it.flush()
    before = line.sent
    it.send(Event(Kind.USAGE, b""))
    it.flush()
    assert line.sent == before


async def test_an_error_before_the_first_byte_is_a_status() -> None:
    """With its headers."""
    line = FakeLine()
    reply(line).fail(UpstreamBusy(retry_after=7))
    assert line.sent.startswith(b"<503 ")
    assert b"retry-after: 7\r\n" in line.sent
    assert msgspec.json.decode(line.body)["error"]["code"] == "server_is_overloaded"


async def test_an_error_in_a_stream_is_its_last_event() -> None:
    """No [DONE] follows, so no client takes it for the end."""
    line = FakeLine()
    it = reply(line)
    it.send(chunk("Hel"))
    it.fail(NotRecorded())
    assert b'data: {"error":' in line.body
    assert b"[DONE]" not in line.body
    assert line.body.endswith(b"\r\n0\r\n\r\n")


async def test_a_whole_answer_that_was_not_recorded_is_not_sent() -> None:
    """The error takes its place."""
    line = FakeLine()
    it = reply(line)
    it.send(whole("Hello"))
    it.fail(NotRecorded())
    assert line.sent.startswith(b"<503 ")
    assert b"Hello" not in line.sent


async def test_a_slow_client_is_waited_for() -> None:
    """`flush` tells that it is slow; `drain` returns when it has taken what was sent."""
    line = FakeLine()
    line.writable = False
    it = reply(line)
    it.send(chunk("Hel"))
    assert not it.flush()
    draining = asyncio.ensure_future(it.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    line.taken.set()
    await draining


class FakeLog:
    """A stream that is written in memory."""

    def __init__(self) -> None:
        self.written: list[tuple[bytes, int]] = []
        self.name = ""

    def tell(self, name: str) -> None:
        """Remember that ids are wanted."""
        self.name = name

    def write(self, payload: bytes, kind: int = EVENT) -> bytes:
        """Remember *payload*, and give it a mark."""
        self.written.append((payload, kind))
        return payload + b"\nid: 1"


@pytest.mark.parametrize("failed", [False, True])
async def test_a_stream_is_written_down_as_it_is_sent(failed: bool) -> None:
    """Before it is: adapted, with what the log adds, and with its end, which comes with the record."""
    line, log = FakeLine(chunks=False), FakeLog()
    it = reply(line)
    it.adapt = bytes.upper
    it.keep(cast("Any", log), drain=False)
    it.send(Event(Kind.CHUNK, b"a"))
    assert log.written == [(b"A", EVENT)]
    if failed:
        it.fail(NotRecorded())
    else:
        await it.end()
    assert log.written[1][1] == (FAILED if failed else DONE)
    assert line.body == b"".join(b"data: %b\nid: 1\n\n" % payload for payload, _ in log.written)


@pytest.mark.parametrize("numbered", [False, True])
async def test_ids_are_told_to_who_asked(numbered: bool) -> None:
    """They begin with the request's."""
    log, it = FakeLog(), reply(FakeLine())
    it.numbered = numbered
    it.keep(cast("Any", log), drain=False)
    assert log.name == ("req_1" if numbered else "")


@pytest.mark.parametrize("drain", [False, True])
async def test_a_stream_that_has_begun_may_outlive_its_client(drain: bool) -> None:
    """Where the project chose so; before its first event it never does."""
    line = FakeLine()
    it = reply(line)
    it.keep(None, drain=drain)
    assert not line.outlives
    it.send(chunk("Hel"))
    assert line.outlives is drain
    line.left = True
    assert it.left


async def test_a_whole_answer_is_not_written_down() -> None:
    """Nor does it outlive its client."""
    line, log = FakeLine(), FakeLog()
    it = reply(line)
    it.keep(cast("Any", log), drain=True)
    it.send(whole("Hello"))
    await it.end()
    assert (log.written, line.outlives) == ([], False)


@pytest.mark.parametrize("failed", [False, True])
async def test_head_gets_no_body(failed: bool) -> None:
    """Its length is told all the same."""
    line = FakeLine(bodiless=True)
    it = reply(line)
    it.body(b'{"status":"ok"}')
    if failed:
        it.fail(NotRecorded())
    else:
        await it.end()
    assert line.body == b""
    assert not line.sent.startswith(b"<200 0>")


async def test_only_known_callers_see_what_we_are() -> None:
    """OpenAI's own headers come with authenticated answers only; the request's id with all."""
    known, unknown = FakeLine(), FakeLine()
    it = reply(known)
    it.authenticated = True
    await it.end()
    reply(unknown).fail(NotRecorded())
    assert b"openai-processing-ms: 0\r\n" in known.sent
    assert b"openai-" not in unknown.sent
    assert b"x-request-id: req_1\r\n" in known.sent
    assert b"x-request-id: req_1\r\n" in unknown.sent


async def test_a_replayed_answer_says_so() -> None:
    """And no other does."""
    lines = [FakeLine(), FakeLine()]
    for line in lines:
        it = reply(line)
        it.authenticated = True
        it.replayed = line is lines[1]
        it.send(whole("Hello"))
        await it.end()
    assert [b"\r\nidempotent-replayed: true\r\n" in line.sent for line in lines] == [False, True]
