"""Any OpenAI-compatible upstream: what is sent, what is read of what comes back."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.events import Event, Kind, Usage
from parley.core.money import FREE
from parley.errors import UpstreamBroken, UpstreamBusy, UpstreamError, UpstreamTimeout
from parley.flows.calls import decode
from parley.schema.views import CHUNK, UsageView, view
from parley.testing import RecordingReply, a_call
from parley.upstreams.providers.openai import MOST_TOKENS, MOST_UNREADABLE, StreamAnswer, told, usage_of

TARGET = Target("main", "gpt-4o", FREE)
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def call(body: object, operation: str = "chat.completions") -> Call:
    """Return a call that was read."""
    it = a_call(body, operation=operation)
    it.take(decode(it))
    return it


@pytest.mark.parametrize(
    ("view", "usage"),
    [
        (None, None),
        (UsageView(prompt_tokens=3, completion_tokens=2), Usage(3, 2)),
        (UsageView(prompt_tokens=3, completion_tokens=MOST_TOKENS), Usage(3, MOST_TOKENS)),
        (UsageView(), None),
        (UsageView(prompt_tokens=3), None),
        (UsageView(completion_tokens=2), None),
        (UsageView(prompt_tokens=0, completion_tokens=2), None),
        (UsageView(prompt_tokens=3, completion_tokens=0), None),
        (UsageView(prompt_tokens=-3, completion_tokens=2), None),
        (UsageView(prompt_tokens=3, completion_tokens=-2), None),
        (UsageView(prompt_tokens=10**15, completion_tokens=10**17), None),
    ],
)
def test_usage_that_cannot_be_true_is_none(view: UsageView | None, usage: Usage | None) -> None:
    """Then it is counted: nobody answers for nothing, and no row has room for anything."""
    assert usage_of(view, said=True) == usage


def test_an_answer_without_text_may_have_no_tokens() -> None:
    """So do embeddings, which tell none."""
    assert usage_of(UsageView(prompt_tokens=3, completion_tokens=0), said=False) == Usage(3, 0)
    assert usage_of(UsageView(prompt_tokens=3), said=False, answers=False) == Usage(3, 0)


def test_no_more_is_cached_than_was_asked() -> None:
    """Else a call could have a negative cost."""
    told_usage = b'{"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}}'
    seen = view(b'{"usage": %b}' % told_usage, CHUNK)
    assert usage_of(seen.usage, said=True) == Usage(input=5, output=1, cached_input=5)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"delta": {"content": "a"}}, "a"),
        ({"delta": {"refusal": "a"}}, "a"),
        ({"delta": {"reasoning_content": "a"}}, "a"),
        ({"text": "a"}, "a"),
        ({"delta": {"function_call": {"name": "f", "arguments": "{"}}}, "f{"),
        ({"delta": {"tool_calls": [{"function": {"arguments": "1"}}, {"function": {"name": "g"}}]}}, "1g"),
        ({"delta": {}}, ""),
        ({}, ""),
    ],
)
def test_what_was_told_is_counted_wherever_it_stands(choice: dict[str, Any], text: str) -> None:
    """Text, refusal, reasoning, calls."""
    seen = view(json.dumps({"choices": [choice]}).encode(), CHUNK)
    [it] = seen.choices or []
    assert told(it, it.delta) == text


class FakeExchange:
    """A response that comes in given pieces."""

    def __init__(self, *pieces: bytes, error: UpstreamError | None = None) -> None:
        self._pieces = list(pieces)
        self._error = error
        self.headers: dict[bytes, bytes] = {}
        self.stills = 0

    async def chunk(self) -> bytes:
        """Return the next piece; at the end b"", or the error."""
        if not self._pieces and self._error is not None:
            raise self._error
        return self._pieces.pop(0) if self._pieces else b""

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Hand over the pieces; True at the end."""
        while self._pieces:
            if not sink(self._pieces.pop(0)):
                return False
        if self._error is not None:
            raise self._error
        return True

    def close(self) -> None:
        """Do nothing."""

    def linger(self) -> None:
        """Do nothing."""

    def still(self) -> None:
        """Count."""
        self.stills += 1


async def events(*pieces: bytes, n: int | None = None, usage: bool = False) -> list[Event]:
    """Return the events of a stream that comes in *pieces*."""
    options = {"stream_options": {"include_usage": True}} if usage else {}
    asked = call(HELLO | {"stream": True, "n": n} | options)
    answer = StreamAnswer(TARGET, FakeExchange(*pieces), asked, "main")  # type: ignore[arg-type]
    await answer.begin()
    reply = RecordingReply()
    await answer.pour(reply)
    return reply.events


def frame(**body: Any) -> bytes:
    """Return one event as an upstream sends it."""
    return b"data: %b\n\n" % json.dumps(body).encode()


def piece(text: str = "", finish: str | None = None, index: int = 0) -> bytes:
    """Return a chunk with *text* as an event."""
    return frame(model="m-1", choices=[{"index": index, "delta": {"content": text}, "finish_reason": finish}])


DONE = b"data: [DONE]\n\n"
BAD = b"data: {oops\n\n"


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
async def test_events_are_found_however_they_are_cut(size: int) -> None:
    """Byte by byte, or all in one."""
    data = piece("a") + b": a comment\n\n" + piece("b", "stop") + DONE
    found = await events(*(data[at : at + size] for at in range(0, len(data), size)))
    assert [event.text for event in found] == ["a", "b"]
    assert found[0].raw == piece("a")[6:-2]
    assert found[0].model == "m-1"


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_usage_is_for_who_asked(wanted: bool) -> None:
    """The meter sees it in any case."""
    told_usage = frame(model="m-1", choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2})
    *_, last = await events(piece("a", "stop"), told_usage, DONE, usage=wanted)
    assert (last.kind, last.usage) == (Kind.USAGE, Usage(3, 2))
    assert bool(last.raw) is wanted


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("a")],
        [piece("a"), frame(error={"message": "It fell over."})],
        [frame(error="It fell over.")],
        [piece("a"), b"data: {oops\n\n"],
        [piece("a"), b"data: [1]\n\n"],
        [b"<html>"],
        [],
    ],
)
async def test_a_broken_stream_is_told(pieces: list[bytes]) -> None:
    """No end, an error, rubbish: never a quiet end."""
    with pytest.raises(UpstreamBroken):
        await events(*pieces)


async def test_a_stream_may_end_without_done() -> None:
    """When every choice has its finish reason, the answer is there."""
    found = await events(piece("a", "stop", 0), piece("b", "stop", 1), n=2)
    assert len(found) == 2
    with pytest.raises(UpstreamBroken):
        await events(piece("a", "stop", 0), piece("b", None, 1), n=2)


async def test_an_error_event_at_the_start_is_an_error_like_any_other() -> None:
    """The next target is asked, or the client told, as for the status that belongs to it."""
    with pytest.raises(UpstreamBusy):
        await events(frame(error={"message": "Slow down.", "code": "rate_limit_exceeded"}))


async def test_an_error_event_in_the_middle_keeps_its_words_for_the_log() -> None:
    """An upstream's words may hold our own key, or where it lives."""
    answer = StreamAnswer(
        TARGET,
        FakeExchange(piece("a"), frame(error={"message": "bad key sk-own at http://10.0.0.7"})),  # type: ignore[arg-type]
        call(HELLO | {"stream": True}),
        "main",
        b"sk-own",
    )
    await answer.begin()
    with pytest.raises(UpstreamBroken) as told:
        await answer.pour(RecordingReply())
    assert told.value.message == "`main` failed in the middle of its answer."
    assert told.value.detail == "bad key *** at http://10.0.0.7"


async def test_a_stream_without_an_event_is_no_answer() -> None:
    """Only `[DONE]`: a success would be a lie."""
    with pytest.raises(UpstreamBroken):
        await events(DONE)


async def test_what_came_before_a_break_is_sent_first() -> None:
    """In one piece with the break, or before it."""
    for pieces in ([piece("a") + piece("b") + b"data: {oops\n\n"], [piece("a"), piece("b"), b"data: {oops\n\n"]):
        answer = StreamAnswer(TARGET, FakeExchange(*pieces), call(HELLO | {"stream": True}), "main")  # type: ignore[arg-type]
        await answer.begin()
        reply = RecordingReply()
        with pytest.raises(UpstreamBroken):
            await answer.pour(reply)
        assert [event.text for event in reply.events] == ["a", "b"]


async def test_a_slow_reader_is_waited_for() -> None:
    """After each flush that said so, nothing is lost and nothing comes twice."""
    drained: list[str] = []

    async def wait(event: Event) -> None:
        drained.append(event.text)

    answer = StreamAnswer(
        TARGET,
        FakeExchange(piece("a"), piece("b"), piece("c", "stop"), DONE),  # type: ignore[arg-type]
        call(HELLO | {"stream": True}),
        "main",
    )
    await answer.begin()
    reply = RecordingReply(wait)
    await answer.pour(reply)
    assert drained == [event.text for event in reply.events] == ["a", "b", "c"]


async def test_what_comes_after_done_is_ignored() -> None:
    """The answer was over."""
    assert len(await events(piece("a", "stop"), DONE + piece("b"))) == 1


@pytest.mark.parametrize("bad", [BAD, b"data: [1]\n\n", b"data: null\n\n", BAD * MOST_UNREADABLE])
async def test_what_cannot_be_read_is_left_out(bad: bytes) -> None:
    """In the beginning and in the middle, if the rest ends well; the log tells how many there were."""
    for pieces in ([bad, piece("a"), piece("b", "stop"), DONE], [piece("a") + bad + piece("b", "stop")]):
        answer = StreamAnswer(TARGET, FakeExchange(*pieces), call(HELLO | {"stream": True}), "main")  # type: ignore[arg-type]
        reply = RecordingReply()
        with capture_logs() as lines:
            await answer.begin()
            await answer.pour(reply)
            answer.close()
        assert [event.text for event in reply.events] == ["a", "b"]
        assert [line["events"] for line in lines] == [bad.count(b"data")]


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("a"), BAD],
        [piece("a"), BAD, DONE],
        [piece("a"), BAD * (MOST_UNREADABLE + 1), piece("b", "stop"), DONE],
        [BAD, DONE],
    ],
)
async def test_what_cannot_be_read_may_have_been_the_end(pieces: list[bytes]) -> None:
    """No end, no finish reason, too much of it, or nothing else: broken."""
    with pytest.raises(UpstreamBroken):
        await events(*pieces)


async def test_data_without_anything_is_no_event() -> None:
    """However much of it comes."""
    assert len(await events(piece("a"), b"data:\n\ndata: \n\n" * 20, piece("b", "stop"), DONE)) == 2


@pytest.mark.parametrize("error", [UpstreamBroken("reset"), UpstreamTimeout("silent")])
async def test_a_whole_answer_stays_whole_however_its_connection_ends(error: UpstreamError) -> None:
    """Every choice has told why it ended; an answer with one that has not is broken."""
    asked = call(HELLO | {"stream": True, "n": 2})
    ended = FakeExchange(piece("a", "stop", 0), piece("b", "stop", 1), error=error)
    answer = StreamAnswer(TARGET, ended, asked, "main")  # type: ignore[arg-type]
    await answer.begin()
    await answer.pour(reply := RecordingReply())
    assert [event.text for event in reply.events] == ["a", "b"]
    cut = StreamAnswer(TARGET, FakeExchange(piece("a", "stop", 0), piece("b", None, 1), error=error), asked, "main")  # type: ignore[arg-type]
    await cut.begin()
    with pytest.raises(type(error)):
        await cut.pour(RecordingReply())


async def test_an_event_without_its_empty_line_counts_at_the_end() -> None:
    """If it is whole; one that was cut is no end."""
    assert len(await events(piece("a"), piece("b"), b"data: [DONE]")) == 2
    assert len(await events(piece("a"), piece("b", "stop").rstrip())) == 2
    with pytest.raises(UpstreamBroken):
        await events(piece("a"), piece("b", "stop")[:-9])


def using(text: str, output: int, finish: str | None = None, where: str = "usage") -> bytes:
    """Return a chunk that tells a usage."""
    told_usage = {"prompt_tokens": 3, "completion_tokens": output}
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]
    return frame(choices=choices, **{where: told_usage if where == "usage" else {"usage": told_usage}})


@pytest.mark.parametrize(
    ("pieces", "usage"),
    [
        ([using("a", 1), using("b", 2), using("", 2, "stop")], Usage(3, 2)),
        ([using("a", 1), using("b", 2), piece("", "stop")], Usage(3, 2)),
        ([using("a", 2, "stop")], Usage(3, 2)),
        ([using("a", 2, "stop", "x_groq")], Usage(3, 2)),
        ([using("a", 0), piece("b", "stop")], None),
    ],
)
async def test_the_usage_is_found_wherever_it_stands(pieces: list[bytes], usage: Usage | None) -> None:
    """The last word counts; what was told before the end of the text is not the whole, so it is counted."""
    found = [event.usage for event in await events(*pieces, DONE) if event.usage]
    assert found == ([usage] if usage else [])


async def test_a_broken_stream_keeps_the_usage_it_told() -> None:
    """It says more exactly what is owed than we could."""
    answer = StreamAnswer(TARGET, FakeExchange(using("a", 1), using("b", 2)), call(HELLO | {"stream": True}), "main")  # type: ignore[arg-type]
    await answer.begin()
    reply = RecordingReply()
    with pytest.raises(UpstreamBroken):
        await answer.pour(reply)
    assert (reply.events[-1].raw, reply.events[-1].usage) == (b"", Usage(3, 2))


async def test_choices_are_never_null() -> None:
    """Clients look into them without asking; what has none at all is passed on as it is."""
    unusual = [frame(id="1", choices=None), frame(id="2"), frame(choices=None, usage={"prompt_tokens": 3})]
    _, first, second, last, *_ = await events(piece("a"), *unusual, piece("b", "stop"), DONE, usage=True)
    assert [json.loads(event.raw) for event in (first, second)] == [{"id": "1", "choices": []}, {"id": "2"}]
    assert json.loads(last.raw) == {"choices": [], "usage": {"prompt_tokens": 3}}


async def test_comments_are_no_sign_of_life() -> None:
    """The exchange hears that nothing moved, but not of a piece of an event, nor of an event."""
    pieces = [b": ping\n\n", piece("a"), b": ping\n\n: pi", b"ng\n\n" + piece("b")[:9], piece("b")[9:]]
    exchange = FakeExchange(*pieces, piece("c", "stop"), DONE)
    answer = StreamAnswer(TARGET, exchange, call(HELLO | {"stream": True}), "main")  # type: ignore[arg-type]
    await answer.begin()
    await answer.pour(RecordingReply())
    assert exchange.stills == 2


async def test_an_end_without_a_reason_is_told() -> None:
    """`[DONE]` is taken for the end; whether the answer was whole nobody knows, so the log says so."""
    for finish, told_events in ((None, ["an upstream ended an answer without telling why"]), ("stop", [])):
        exchange = FakeExchange(piece("Hi", finish), DONE)
        it = StreamAnswer(TARGET, exchange, call(HELLO | {"stream": True}), "main")  # type: ignore[arg-type]
        with capture_logs() as lines:
            await it.begin()
            await it.pour(RecordingReply())
            it.close()
        assert [line["event"] for line in lines] == told_events
