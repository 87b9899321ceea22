"""Server-sent events are cut out alike, however the bytes come."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.errors import UpstreamBroken
from parley.upstreams.sse import Events

END = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINE = st.sampled_from([b"data: {}", b"data:x", b"data:  y", b"data", b"event: e", b": ping", b"id: 1", b"", b""])
STREAM = st.lists(st.tuples(LINE, END).map(b"".join), max_size=30).map(b"".join)


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b"data: one\n\n", [b"one"]),
        (b"data: one\n\ndata: two\n\n", [b"one", b"two"]),
        (b"data: one\r\n\r\ndata: two\r\r", [b"one", b"two"]),
        (b": ping\n\ndata: one\n\n: ping\n\n", [b"one"]),
        (b"data: one\ndata: two\n\n", [b"one two"]),
        (b"event: message\nid: 7\ndata:one\n\n", [b"one"]),
        (b"\xef\xbb\xbfdata: one\n\n", [b"one"]),
        (b"event: lonely\n\ndata: one\n\n", [b"one"]),
        (b"data: \n\n", [b""]),
        (b"data: one\n\n\n\ndata: two\n\n", [b"one", b"two"]),
    ],
)
def test_payloads(stream: bytes, payloads: list[bytes]) -> None:
    """Each form that the standard allows gives its payloads."""
    assert Events().feed(stream) == payloads


@given(bom=st.sampled_from([b"", b"\xef\xbb\xbf"]), stream=STREAM, cuts=st.lists(st.integers(0, 400), max_size=12))
def test_any_split_gives_the_same(bom: bytes, stream: bytes, cuts: list[int]) -> None:
    """Where the bytes are split changes neither the payloads nor what is left."""
    stream = bom + stream
    whole, split, single = Events(), Events(), Events()
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    found = [found for a, b in pairwise(places) for found in split.feed(stream[a:b])]
    one_by_one = [found for byte in stream for found in single.feed(bytes([byte]))]
    assert whole.feed(stream) == found == one_by_one
    assert whole.rest() == split.rest() == single.rest()


def test_rest_is_what_has_not_ended() -> None:
    """An event without its empty line is left over; after a clean end nothing is."""
    events = Events()
    assert events.feed(b"data: one\n\ndata: two\ndata: th") == [b"one"]
    assert events.rest() == b"data: two\ndata: th"
    assert (events.feed(b"ree\n\n"), events.rest()) == ([b"two three"], b"")


@pytest.mark.parametrize(
    ("stream", "quiet"),
    [
        (b"", True),
        (b"data: one\n\n", True),
        (b": ping\n\n", True),
        (b"data: one\n\n: pi", True),
        (b"event: lonely\n\n", True),
        (b"data: one\n\nda", False),
        (b"data: one\n", False),
    ],
)
def test_quiet_is_what_has_begun_no_event(stream: bytes, quiet: bool) -> None:
    """In one piece and byte by byte."""
    whole, single = Events(), Events()
    whole.feed(stream)
    for byte in stream:
        single.feed(bytes([byte]))
    assert whole.quiet is single.quiet is quiet


@pytest.mark.parametrize("step", [7, 1000])
def test_too_large(step: int) -> None:
    """An event above the limit is broken, in one piece or in many; events that fit are not counted together."""
    events = Events(limit=500)
    assert len(events.feed(b"data: x\n\n" * 100)) == 100
    stream = b"data: " + b"x" * 600 + b"\n\n"
    with pytest.raises(UpstreamBroken):
        [events.feed(stream[at : at + step]) for at in range(0, len(stream), step)]
