"""How an upstream fails below the chat, by the model's name: in its connection, its HTTP, its codings; without an end.

Each is a script: what goes over the wire, write by write, with pauses, and how the connection ends. What is wrong with
the events of a stream stands in `streams`.
"""

import asyncio
import gzip
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from enum import Enum
from functools import cache, partial
from typing import Any

from faults import BEHAVIOURS, FOREVER, SHELL, USAGE, WORDS, Asked, chunk, completion

GAP = 0.25  # seconds between two pieces of a trickle
SOON = 0.05  # seconds until what was sent has been read


class End(Enum):
    """How a script leaves its connection, unless it stays."""

    STALL = "stall"
    RESET = "reset"
    CLOSE = "cut"


Step = bytes | float | End  # a write, a pause in seconds, or the end
Script = Callable[[Asked], Iterable[Step]]


async def play(script: Script, asked: Asked) -> bool:
    """Do what *script* says; tell whether the connection stays."""
    for step in script(asked):
        if isinstance(step, bytes):
            await asked.send(step)
        elif isinstance(step, float):
            await asyncio.sleep(step)
        elif step is End.STALL:
            await asyncio.sleep(FOREVER)
        else:
            await asyncio.sleep(SOON)
            if step is End.RESET:
                reset(asked.writer)
            return False
    return True


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, as a machine does that knows nothing of the connection any more."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def add(name: str, script: Script) -> None:
    """Play *script* for the model *name*."""
    BEHAVIOURS[name] = partial(play, script)


def script(*names: str) -> Callable[[Script], Script]:
    """Play the decorated script for the models *names*."""

    def take(it: Script) -> Script:
        for name in names:
            add(name, it)
        return it

    return take


def head(*lines: str, status: str = "200 OK", media: str = "text/event-stream", version: str = "1.1") -> bytes:
    """Return a head; *lines* say how long the body is."""
    types = [f"content-type: {media}"] if media else []
    return "\r\n".join([f"HTTP/{version} {status}", *types, *lines, "", ""]).encode()


def whole(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """Return an answer in one piece."""
    return head(f"content-length: {len(body)}", *lines, status=status, media="application/json") + body


def piece(data: bytes) -> bytes:
    """Return *data* as one chunk of the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def sse(payload: bytes) -> bytes:
    """Return an event."""
    return b"data: %b\n\n" % payload


def usage(**more: Any) -> bytes:
    """Return the event that tells the usage."""
    return sse(json.dumps({**SHELL, "choices": [], "usage": USAGE, **more}).encode())


CHUNKED = "transfer-encoding: chunked"
HEAD = head(CHUNKED)
SAID = [sse(chunk({"content": word})) for word in WORDS]
FINISH = sse(chunk({}, "stop"))
DONE = sse(b"[DONE]")
ENDING = FINISH + usage() + DONE
STREAM = b"".join(SAID) + ENDING
LAST = b"0\r\n\r\n"


def streamed(*events: bytes, opening: bytes = HEAD) -> list[Step]:
    """Return a script of *events*, each a chunk of its own, with HTTP's own good end."""
    return [opening, *map(piece, events), LAST]


def either(stream: Iterable[Step], answer: Iterable[Step]) -> Script:
    """Return the script that plays *stream* or *answer*, as was asked for."""
    return lambda asked: stream if asked.streamed else answer


# --- silences, resets and cuts, at every place

BEGUN = HEAD + piece(SAID[0]) + piece(SAID[1])
ENDED = HEAD + piece(b"".join(SAID)) + piece(FINISH)
HALF_HEAD = b"HTTP/1.1 200 OK\r\ncontent-ty"
ANSWER = whole(completion())
PLACES = {  # of a stream, of a whole answer
    "before-head": (b"", b""),
    "within-head": (HALF_HEAD, HALF_HEAD),
    "after-head": (HEAD, ANSWER[: ANSWER.index(b"\r\n\r\n") + 4]),
    "within-body": (BEGUN, ANSWER[:-30]),
    "within-event": (BEGUN + piece(SAID[2][:40]), b""),
    "within-frame": (BEGUN + piece(SAID[2])[:40], b""),
    "after-finish": (ENDED, b""),
    "after-done": (ENDED + piece(usage() + DONE), b""),
}
for place, (stream, answer) in PLACES.items():
    for end in End:
        add(f"{end.value}-{place}", either([stream, end], [answer, end]))


@script("dies-at-rest")
def _dies_at_rest(asked: Asked) -> Iterable[Step]:
    """Answer the first request of a connection, and reset it when there is a second, without a byte."""
    if asked.served:
        return [End.RESET]
    return streamed(STREAM) if asked.streamed else [ANSWER]


@script("closes-at-rest")
def _closes_at_rest(asked: Asked) -> Iterable[Step]:
    """Close after an answer that did not announce it."""
    return [*(streamed(STREAM) if asked.streamed else [ANSWER]), End.CLOSE]


@script("trickle")
def _trickle(asked: Asked) -> Iterator[Step]:
    """Never rest for long, and take long in all: also within events, and within a whole answer."""
    data, size = (STREAM, len(STREAM) // 16) if asked.streamed else (completion(), len(completion()) // 16)
    yield HEAD if asked.streamed else head(CHUNKED, media="application/json")
    for at in range(0, len(data), size):
        yield piece(data[at : at + size])
        yield GAP
    yield LAST


# --- statuses, and when to come back

LATER: dict[str, Callable[[], list[str]]] = {
    "seconds": lambda: ["retry-after: 2"],
    "ms": lambda: ["retry-after-ms: 1500", "retry-after: 9"],
    "date": lambda: [f"date: {formatdate(usegmt=True)}", f"retry-after: {formatdate(time.time() + 60, usegmt=True)}"],
    "nonsense": lambda: ["retry-after: soon, or later"],
    "negative": lambda: ["retry-after: -5"],
    "huge": lambda: ["retry-after: 99999999999999999999"],
    "nothing": list,
}
REFUSAL = json.dumps({"error": {"message": "No.", "type": "t", "param": None, "code": None}}).encode()


def refusal(status: int, later: Callable[[], list[str]]) -> Script:
    """Return the script of an error with *status* that says when to come back."""
    return lambda _: [whole(REFUSAL, *later(), status=f"{status} Status")]


for code in (408, 409, 425, 429, 500, 502, 503, 504, 529):
    for flavour, lines in LATER.items():
        add(f"{code}-{flavour}", refusal(code, lines))
BUSY = head("content-length: 5000", "retry-after: 2", status="429 Busy", media="application/json")
add("429-cut", lambda _: [BUSY + REFUSAL, End.CLOSE])
add("429-stall", lambda _: [BUSY + REFUSAL, End.STALL])
for code in (301, 302, 307, 308):
    add(f"{code}-itself", lambda _, code=code: [whole(b"", "location: /v1/chat/completions", status=f"{code} Moved")])
    add(
        f"{code}-elsewhere",
        lambda asked, code=code: [whole(b"", f"location: {asked.elsewhere}/chat/completions", status=f"{code} Moved")],
    )

# --- HTTP

BODY = completion()
LENGTH = f"content-length: {len(BODY)}"
JSON = "application/json"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
add("http-1-0", either([head(version="1.0") + STREAM, End.CLOSE], [head(LENGTH, media=JSON, version="1.0") + BODY]))
add("until-close", either([head() + STREAM, End.CLOSE], [head(media=JSON) + BODY, End.CLOSE]))
add("until-close-cut", either([head() + SAID[0] + SAID[1], End.CLOSE], [head(media=JSON) + BODY[:-30], End.CLOSE]))
add("until-reset", either([head() + SAID[0] + SAID[1], End.RESET], [head(media=JSON) + BODY[:-30], End.RESET]))
CLOSING = "connection: close"
CLOSED = streamed(STREAM, opening=head(CHUNKED, CLOSING))
add("closing", either([*CLOSED, End.CLOSE], [whole(BODY, CLOSING), End.CLOSE]))
add("interim", either([INTERIM, *streamed(STREAM)], [INTERIM, ANSWER]))
add("switching", lambda _: [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nxyz"])
add("longer", either([*streamed(STREAM), b"and more"], [ANSWER + b"and more"]))
add("shorter", either([head("content-length: 99999") + SAID[0] + SAID[1], End.CLOSE], [ANSWER[:-30], End.CLOSE]))
add("too-short", lambda _: [head("content-length: 90", media=JSON) + BODY])
BOTH = (CHUNKED, "content-length: 5")
add("both-lengths", either(streamed(STREAM, opening=head(*BOTH)), streamed(BODY, opening=head(*BOTH, media=JSON))))
add("no-chunk", either([*streamed(SAID[0], SAID[1])[:-1], b"zzz\r\n"], [head(CHUNKED, media=JSON) + b"zzz\r\n"]))
add("two-answers", either([*streamed(STREAM), ANSWER], [ANSWER + ANSWER]))

# --- content types and codings

for name, media in {"as-json": JSON, "as-text": "text/plain", "as-nothing": ""}.items():
    add(name, either(streamed(STREAM, opening=head(CHUNKED, media=media)), [head(LENGTH, media=media) + BODY]))
PAGE = b"<!DOCTYPE html>\n<html>\n\n<p>Please log in.</p>\n</html>\n"
add("html-page", either(streamed(PAGE, opening=head(CHUNKED, media="Text/HTML; charset=utf-8")), [whole(PAGE)]))
add("html-as-events", lambda _: streamed(PAGE))


@cache
def packed(coding: str, *parts: bytes) -> list[bytes]:
    """Return *parts* as *coding* has them, each to be read as soon as it is there."""
    packer = zlib.compressobj(wbits={"gzip": 31, "deflate": 15, "raw": -15}[coding])
    return [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in parts] + [packer.flush()]


def coded(coding: str, stream: list[bytes], answer: list[bytes]) -> Script:
    """Return the script of an answer that says it has this *coding*."""
    lines = (CHUNKED, f"content-encoding: {coding}")
    return either(
        streamed(*stream, opening=head(*lines)), streamed(*answer, opening=head(*lines, media="application/json"))
    )


for coding in ("gzip", "deflate", "raw"):
    told_as = "deflate" if coding == "raw" else coding
    add(f"coded-{coding}", coded(told_as, packed(coding, *SAID, ENDING), packed(coding, completion())))
CUT_STREAM, CUT_ANSWER = packed("gzip", *SAID[:2]), gzip.compress(completion())
add("coded-cut", coded("gzip", CUT_STREAM[:-1], [CUT_ANSWER[:-20]]))
add("coded-rubbish", coded("gzip", SAID, [completion()]))
add("coded-unasked", coded("br", [b"\x0b\x02\x80{}\x03"], [b"\x0b\x02\x80{}\x03"]))


@script("bomb")
def _bomb(asked: Asked) -> Iterable[Step]:
    """Send what unpacks to 100 MB."""
    return coded("gzip", _bombs(b": ping\n\n"), _bombs(b"        "))(asked)


@cache
def _bombs(content: bytes) -> list[bytes]:
    packer = zlib.compressobj(wbits=31)
    first, again = (packer.compress(content * 131_072) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return [first, *[again] * 99]


# --- what does not end


@script("endless-line", "endless-comments", "endless-comments-later", "endless-blanks", "endless-body", "endless-error")
def _endless(asked: Asked) -> Iterator[Step]:
    """Send the same for ever: as fast as it is taken, or comments at the pace of a keep-alive."""
    name = asked.behaviour
    media = "text/event-stream" if asked.streamed else "application/json"
    yield head(CHUNKED, media=media, status="500 Oops" if name == "endless-error" else "200 OK")
    if name == "endless-line":
        yield piece(b'data: {"')
    if name == "endless-comments-later":
        yield piece(SAID[0] + SAID[1])
    slow = name.startswith("endless-comments")
    part = piece(b": ping\n\n") if slow else piece((b"\n" if name == "endless-blanks" else b" ") * 65_536)
    while True:
        yield part
        yield GAP if slow else 0.0


@script("endless-head", "drips-head", "endless-interim")
def _endless_head(asked: Asked) -> Iterator[Step]:
    """Send headers for ever, or answers that only announce another."""
    interim = asked.behaviour == "endless-interim"
    yield b"" if interim else b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"HTTP/1.1 102 Processing\r\n\r\n" if interim else b"x-more: %b\r\n" % (b"a" * 100)
        yield GAP if asked.behaviour == "drips-head" else 0.0


@script("endless-trailer")
def _endless_trailer(_: Asked) -> Iterator[Step]:
    """Send headers for ever behind an answer that is there."""
    yield HEAD + piece(STREAM) + b"0\r\n"
    while True:
        yield b"x-more: a\r\n"
        yield 0.01
