"""Streams that break, and are mended."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
import pytest

from parley.core.catalog import OnBreak, Route, Target
from parley.core.events import Event, Kind
from parley.core.money import FREE
from parley.errors import UpstreamBroken, UpstreamError
from parley.flows.calls import decode
from parley.sections import UpstreamSettings
from parley.testing import FakeClock, RecordingReply, ScriptedProvider, a_call, chunk
from parley.upstreams.attempts import Attempts
from parley.upstreams.mending import MOST_HELD, Held, Spoilt, going_on, may_go_on
from parley.upstreams.opening import Opening
from parley.upstreams.upstreams import Upstreams

A, B, C = Target("a", "m", FREE), Target("b", "m", FREE), Target("c", "m", FREE)
BROKEN = UpstreamBroken()
HALF = [chunk("The parcel left "), chunk("the warehouse "), BROKEN]
REST = [chunk("on Monday."), chunk("", finish="stop")]
WHOLE = [chunk("It left on Monday."), chunk("", finish="stop")]


class Scene:
    """Three targets with a script each; `c` cannot go on with what another began."""

    def __init__(self, how: OnBreak, a: list[Any], b: list[Any], c: list[Any] | None = None, **asked: Any) -> None:
        self.providers = {name: ScriptedProvider(script) for name, script in zip("abc", (a, b, c or []), strict=True)}
        self.calls: list[Any] = []
        settings = {name: UpstreamSettings(base_url="", prefill="plain") for name in "ab"}
        settings["c"] = UpstreamSettings(base_url="")
        upstreams = Upstreams(self.providers, settings, Attempts(FakeClock(), Counter()))
        self.call = a_call({"model": "m", "messages": [{"role": "user", "content": "?"}], "stream": True, **asked})
        self.call.take(decode(self.call))
        targets = (A, B, C) if c else (A, B)
        self.opening = Opening(upstreams, self.call, Route(targets, on_break=how))
        self.reply = RecordingReply()

    async def pour(self) -> str:
        """Pour the answer; return what the client got."""
        try:
            async with self.opening as answer:
                await answer.pour(self.reply)
        finally:
            self.said = "".join(event.text for event in self.reply.events)
        return self.said


async def test_a_broken_stream_is_begun_anew() -> None:
    """The client sees the second answer only; the first is paid for."""
    scene = Scene("restart", HALF, WHOLE)
    assert await scene.pour() == "It left on Monday."
    assert scene.opening.spoilt == [Spoilt(A, "The parcel left the warehouse ")]
    assert (scene.opening.answering, scene.opening.attempts) == (B, 2)


async def test_a_stream_that_nobody_mends_is_an_error_alone() -> None:
    """Held back: the client has got nothing of it."""
    scene = Scene("restart", HALF, [BROKEN])
    with pytest.raises(UpstreamBroken):
        await scene.pour()
    assert (scene.said, scene.opening.answering) == ("", None)
    assert scene.opening.spoilt == [Spoilt(A, "The parcel left the warehouse ")]


async def test_a_broken_stream_goes_on() -> None:
    """As one stream, behind what was said."""
    scene = Scene("continue", HALF, REST)
    assert await scene.pour() == "The parcel left the warehouse on Monday."
    assert scene.opening.spoilt == [Spoilt(A, "The parcel left the warehouse ", sent=True)]
    assert scene.opening.answering == B
    assert {msgspec.json.decode(event.raw)["id"] for event in scene.reply.events} == {"chatcmpl-1"}


async def test_it_may_break_again() -> None:
    """Each part is paid for once; the last is the answer's own."""
    scene = Scene("continue", HALF, [chunk("on Monday, "), BROKEN], [chunk("never asked")])
    with pytest.raises(UpstreamBroken):
        await scene.pour()
    assert scene.said == "The parcel left the warehouse on Monday, "
    assert [one.text for one in scene.opening.spoilt] == ["The parcel left the warehouse ", "on Monday, "]
    assert scene.providers["c"].asked == []  # it cannot go on with what another began


async def test_a_second_half_that_does_not_fit_is_not_sent() -> None:
    """What it said is paid for, and the client is told that the answer broke."""
    anew = "The parcel left the wareroom at noon."
    scene = Scene("continue", HALF, [chunk(anew), chunk("", finish="stop")])
    with pytest.raises(UpstreamBroken):
        await scene.pour()
    assert scene.said == "The parcel left the warehouse "
    assert Spoilt(B, anew) in scene.opening.spoilt


def odd(delta: dict[str, Any]) -> Event:
    """Return a chunk with *delta*."""
    body = msgspec.json.decode(chunk("x").raw)
    body["choices"][0]["delta"] = delta
    return Event(Kind.CHUNK, msgspec.json.encode(body), "m", text="x")


@pytest.mark.parametrize(
    "delta",
    [{"tool_calls": [{"index": 0}]}, {"reasoning_content": "Hm"}, {"refusal": "No"}],
    ids=lambda it: next(iter(it)),
)
async def test_only_plain_text_goes_on(delta: dict[str, Any]) -> None:
    """A call of a tool, a thought or a refusal is not finished by somebody else."""
    scene = Scene("continue", [chunk("Well"), odd(delta), BROKEN], REST)
    with pytest.raises(UpstreamBroken):
        await scene.pour()
    assert scene.providers["b"].asked == []


async def test_a_finished_answer_is_not_gone_on_with() -> None:
    """It broke behind its end."""
    scene = Scene("continue", [chunk("Done."), chunk("", finish="stop"), BROKEN], REST)
    with pytest.raises(UpstreamBroken):
        await scene.pour()
    assert scene.providers["b"].asked == []


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        ({}, True),
        ({"n": 2}, False),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, False),
        ({"stop": ["."]}, False),
        ({"logprobs": False}, True),
        ({"response_format": {"type": "json_object"}}, False),
    ],
)
def test_which_calls_may_go_on(asked: dict[str, Any], may: bool) -> None:
    """Those whose halves fit whatever they say."""
    assert may_go_on(Scene("continue", [], [], **asked).call) is may


def test_what_is_left_of_the_length_is_asked_for() -> None:
    """The tokens that were sent count; the client's own call stays as it was."""
    call = Scene("continue", [], [], max_tokens=10).call
    found = going_on(call, "The parcel", 2)
    assert (found.begun, found.cap, call.begun, call.cap) == ("The parcel", 8, None, None)
    assert going_on(call, "The parcel", 20).cap == 1
    assert going_on(Scene("continue", [], []).call, "The", 1).cap is None


def test_no_answer_is_held_without_end() -> None:
    """More than fits is an error."""
    held = Held()
    held.send(Event(Kind.CHUNK, b"x" * MOST_HELD))
    with pytest.raises(UpstreamError):
        held.send(Event(Kind.CHUNK, b"x"))


async def test_a_client_that_leaves_pays_for_what_was_held() -> None:
    """It has seen nothing of it; the provider had made it all the same."""
    scene = Scene("restart", HALF[:2], [])
    answer = await scene.opening.__aenter__()

    async def stall(sink: Any) -> None:
        for event in HALF[:2]:
            sink.send(event)
        await asyncio.sleep(5)

    answer._answer.pour = stall  # type: ignore[attr-defined]
    pouring = asyncio.ensure_future(answer.pour(scene.reply))
    await asyncio.sleep(0.01)
    pouring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pouring
    assert scene.opening.spoilt == [Spoilt(A, "The parcel left the warehouse ")]
    assert (scene.opening.answering, scene.opening.pending) == (None, [])
