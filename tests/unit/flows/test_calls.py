"""The life of a call: the order of its steps, and one record whatever happens."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest

from parley.core.call import Caller
from parley.core.events import Event
from parley.core.rules import Rule
from parley.errors import (
    Forbidden,
    InvalidRequest,
    NoSuchModel,
    NotRecorded,
    ParleyError,
    RateLimited,
    TooLarge,
    Unauthenticated,
    UpstreamBroken,
    UpstreamRefused,
)
from parley.flows.calls import answer
from parley.house import House
from parley.policies.keys import Keys
from parley.settings import ModelSettings, Settings, UpstreamSettings
from parley.store.keys import digest
from parley.testing import (
    SECRET,
    FakeKeyBook,
    FakeLedger,
    RecordingReply,
    ScriptedProvider,
    a_call,
    a_house,
    chunk,
    whole,
)

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
STREAMED = HELLO | {"stream": True}
SETTINGS = Settings(
    upstreams={"main": UpstreamSettings(base_url="http://127.0.0.1:1/v1", retries=0)},
    models={"m": ModelSettings(targets=["main/m-1"])},
)


class Scene:
    """A house with one upstream that follows *script*, its ledger, and a reply."""

    def __init__(self, *script: Event | ParleyError, reply: RecordingReply | None = None) -> None:
        self.ledger = FakeLedger()
        self.provider = ScriptedProvider(script)
        self.house: House = a_house({"main": self.provider}, SETTINGS, ledger=self.ledger)
        self.reply = reply or RecordingReply()

    async def run(self, body: object = STREAMED, secret: str = SECRET) -> None:
        """Send a call through the flow."""
        await answer(a_call(body, secret=secret), self.reply, self.house)

    @property
    def outcome(self) -> tuple[int, str]:
        """Status and outcome of the one record."""
        [record] = self.ledger.records
        return record.status, record.outcome


async def test_a_stream_is_answered_event_by_event() -> None:
    """All events in order, then the end, and one record."""
    scene = Scene(chunk("Hel"), chunk("lo"), chunk("", finish="stop"))
    await scene.run()
    assert [event.text for event in scene.reply.events] == ["Hel", "lo", ""]
    assert scene.reply.ended
    assert scene.outcome == (200, "answered")
    assert scene.provider.answers[0].closed


async def test_a_whole_answer_is_one_event() -> None:
    """The same line, with one event."""
    scene = Scene(whole("Hello"))
    await scene.run(HELLO)
    assert len(scene.reply.events) == 1
    assert scene.outcome == (200, "answered")


async def test_a_stream_that_outlived_its_client_is_recorded_whole() -> None:
    """The row says that the client had left; status and usage are those of the whole answer."""

    class Reply(RecordingReply):
        async def drain(self) -> None:
            self.left = True

    scene = Scene(chunk("Hel"), chunk("", finish="stop"), reply=Reply(meanwhile=leave))
    await scene.run()
    assert scene.outcome == (200, "left")
    assert scene.reply.ended


async def leave(_: Event) -> None:
    """Be somewhere else."""


@pytest.mark.parametrize("drain", [False, True])
async def test_a_stream_is_written_down(drain: bool) -> None:
    """In the log, and it outlives its client where the project chose so; a whole answer does neither."""
    for body in (STREAMED, HELLO):
        scene = Scene(whole("Hello"))
        logged = Logged()
        scene.house = replace(scene.house, streams=cast("Any", logged), keys=Keys(a_book(drain=drain)))
        await scene.run(body)
        assert (logged.begun, scene.reply.drains) == ((["default"], drain) if body is STREAMED else ([], False))


class Logged:
    """A stream log that remembers whose streams began."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, _: str, project: str) -> None:
        """Remember the *project*."""
        self.begun.append(project)


def a_book(*, drain: bool) -> FakeKeyBook:
    """Return the keys of a project that chose, or did not choose, to *drain*."""
    book = FakeKeyBook()
    book.callers[digest(SECRET)] = Caller("key_1", "default", "sk-pa", drain=drain)
    return book


async def test_the_record_stands_before_the_end() -> None:
    """At the last byte the row is durable: here, when `end` is called."""
    scene = Scene(whole())

    class Reply(RecordingReply):
        async def end(self) -> None:
            assert len(scene.ledger.records) == 1
            await super().end()

    scene.reply = Reply()
    await scene.run(HELLO)
    assert scene.reply.ended


async def test_an_unrecorded_answer_has_no_end() -> None:
    """NotRecorded instead: no success is told."""
    scene = Scene(chunk("Hello"))
    scene.ledger.broken = True
    with pytest.raises(NotRecorded):
        await scene.run()
    assert not scene.reply.ended
    assert scene.provider.answers[0].closed


@pytest.mark.parametrize(("secret", "known"), [("", False), ("sk-wrong", False), (SECRET, True)])
async def test_only_known_callers_are_recorded(secret: str, known: bool) -> None:
    """A bad key comes before everything: not even the body is read."""
    scene = Scene(whole())
    body = HELLO if known else b"\xff not JSON"
    try:
        await scene.run(body, secret)
    except Unauthenticated:
        assert not known
    assert len(scene.ledger.records) == int(known)
    assert scene.reply.authenticated is known


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", InvalidRequest),
        ({"model": "m"}, InvalidRequest),
        (HELLO | {"temperature": 9}, InvalidRequest),
        (HELLO | {"top_logprobs": 3}, InvalidRequest),
        (HELLO | {"model": "wibble"}, NoSuchModel),
    ],
)
async def test_a_refusal_is_recorded(body: object, error: type[ParleyError]) -> None:
    """Nobody was asked, and the record says why."""
    scene = Scene(whole())
    with pytest.raises(error):
        await scene.run(body)
    assert scene.outcome == (error.status, "refused")
    assert scene.provider.asked == []


async def test_what_could_not_be_read_is_refused_once_the_caller_is_known() -> None:
    """The door's own refusal becomes the call's."""
    scene = Scene(whole())
    call = a_call(b"")
    call.refusal = TooLarge()
    with pytest.raises(TooLarge):
        await answer(call, scene.reply, scene.house)
    assert scene.outcome == (413, "refused")


@pytest.mark.parametrize(("body", "model"), [(HELLO, "m"), ({"model": "m"}, "m"), (b"{", None)])
async def test_an_admin_key_is_refused_whatever_it_asks(body: object, model: str | None) -> None:
    """A wrong body is not what is wrong; the record tells which model was wanted, where that can be read."""
    scene = Scene(whole())
    with pytest.raises(Forbidden):
        await scene.run(body, SECRET + "-admin")
    assert scene.outcome == (403, "refused")
    assert scene.ledger.records[0].model_asked == model


async def test_an_error_in_the_stream_is_raised_after_what_came_before() -> None:
    """Never a quiet end."""
    scene = Scene(chunk("Hel"), UpstreamBroken("It broke."))
    with pytest.raises(UpstreamBroken):
        await scene.run()
    assert [event.text for event in scene.reply.events] == ["Hel"]
    assert not scene.reply.ended
    assert scene.outcome == (502, "failed")
    assert scene.provider.answers[0].closed


async def test_a_client_that_leaves_lets_the_upstream_go() -> None:
    """The cancellation closes the answer and writes the record on its way out."""
    waiting = asyncio.Event()

    async def wait(_: Event) -> None:
        waiting.set()
        await asyncio.sleep(60)

    scene = Scene(chunk("Hel"), chunk("lo"), reply=RecordingReply(wait))
    task = asyncio.ensure_future(scene.run())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scene.outcome == (499, "left")
    assert scene.ledger.records[0].output_tokens == 1
    assert scene.provider.answers[0].closed


async def test_a_fault_of_ours_is_recorded_too() -> None:
    """A bug must not lose a record."""

    async def fail(_: Event) -> None:
        raise ZeroDivisionError

    scene = Scene(chunk("Hel"), reply=RecordingReply(fail))
    with pytest.raises(ZeroDivisionError):
        await scene.run()
    assert scene.outcome == (500, "failed")
    assert scene.provider.answers[0].closed


@pytest.mark.parametrize("store", [True, False, None])
async def test_an_answer_is_kept_when_asked_to(store: bool | None) -> None:
    """`store: true` only."""
    scene = Scene(whole("Hello"))
    await scene.run(HELLO | {"store": store, "metadata": {"a": "b"}})
    assert len(scene.ledger.stored) == int(bool(store))


async def test_a_kept_stream_is_put_together() -> None:
    """The chunks become one completion, with the request's bytes beside it."""
    scene = Scene(chunk("Hel"), chunk("lo"), chunk("", finish="stop"))
    await scene.run(STREAMED | {"store": True, "metadata": {"a": "b"}})
    [kept] = scene.ledger.stored
    answered = msgspec.json.decode(kept.answer)
    assert answered["choices"][0]["message"]["content"] == "Hello"
    assert answered["object"] == "chat.completion"
    assert (kept.project, kept.metadata, kept.model) == ("default", {"a": "b"}, "m-1")
    assert msgspec.json.decode(kept.request) == STREAMED | {"store": True, "metadata": {"a": "b"}}


async def test_a_broken_answer_is_not_kept() -> None:
    """Half an answer is none."""
    scene = Scene(chunk("Hel"), UpstreamBroken())
    with pytest.raises(UpstreamBroken):
        await scene.run(STREAMED | {"store": True})
    assert scene.ledger.stored == []


async def test_the_same_under_one_key_is_asked_once() -> None:
    """The second has the same answer, and a row of its own that costs nothing."""
    scene = Scene(chunk("Hel"), chunk("lo"), chunk("", finish="stop"))
    replies = [RecordingReply(), RecordingReply()]
    for reply in replies:
        await answer(a_call(STREAMED, key="k"), reply, scene.house)
    assert [event.raw for event in replies[0].events] == [event.raw for event in replies[1].events]
    assert [(reply.ended, reply.replayed) for reply in replies] == [(True, False), (True, True)]
    first, second = scene.ledger.records
    assert (first.upstream, first.attempts) == ("main", 1)
    assert (second.upstream, second.attempts, second.cost, second.output_tokens) == ("replay", 0, 0, 0)
    assert (second.outcome, second.status, second.model_answered) == ("answered", 200, "m-1")


@pytest.mark.parametrize("error", [UpstreamBroken(), UpstreamRefused()])
async def test_a_failure_is_not_remembered(error: ParleyError) -> None:
    """The next call under the same key runs, whatever it was."""
    scene = Scene(error)
    scene.provider._scripts.append((whole("Hello"),))
    with pytest.raises(type(error)):
        await answer(a_call(HELLO, key="k"), RecordingReply(), scene.house)
    await answer(a_call(HELLO, key="k"), scene.reply, scene.house)
    assert (scene.reply.ended, scene.reply.replayed) == (True, False)


async def test_who_left_gives_the_key_free() -> None:
    """Its answer was never whole."""
    waiting = asyncio.Event()

    async def wait(_: Event) -> None:
        waiting.set()
        await asyncio.sleep(60)

    scene = Scene(chunk("Hel"))
    task = asyncio.ensure_future(answer(a_call(STREAMED, key="k"), RecordingReply(wait), scene.house))
    await waiting.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert scene.ledger.claims == {}


async def test_a_key_that_is_none_is_recorded() -> None:
    """As any refusal."""
    scene = Scene()
    with pytest.raises(InvalidRequest):
        await answer(a_call(HELLO, key=""), scene.reply, scene.house)
    assert scene.outcome == (400, "refused")


async def test_a_replay_takes_nothing_of_a_limit() -> None:
    """A refusal for a limit is not remembered, and an answer is given again though nothing is left."""
    scene = Scene(whole("Hello"))
    rule = Rule("project", "p", "*", "requests", "day", 1)
    book = FakeKeyBook()
    book.callers[digest(SECRET)] = Caller("key_1", "default", "sk-pa", rules=(rule,))
    scene.house = replace(scene.house, keys=Keys(book))
    await answer(a_call(HELLO, key="k"), RecordingReply(), scene.house)
    with pytest.raises(RateLimited):
        await answer(a_call(HELLO, key="other"), RecordingReply(), scene.house)
    await answer(a_call(HELLO, key="k"), scene.reply, scene.house)
    assert scene.reply.replayed
    assert [name for _, name in scene.ledger.claims] == ["k"]
