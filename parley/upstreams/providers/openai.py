"""Any server that speaks the OpenAI API.

The client's own bytes go upstream, with at most these changes: the model's name, the usage of a stream (asked for even
when the client did not, so that the meter is exact), and `store`, which is our own business. What comes back is relayed
unchanged; of each event only what the meter needs is read.

A stream is whole when it says `[DONE]`, or when each of its choices has told why it ended, however its connection ends
then. Events that can't be read are left out, a few of them, if the rest ends well; whatever else goes wrong is raised.
"""

import msgspec
import structlog

from parley.core import events
from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.events import Event, Usage
from parley.core.reply import Sink
from parley.errors import UpstreamBroken, UpstreamError
from parley.schema.views import CHUNK, WHOLE, ChunkChoiceView, MessageView, UsageView, WholeChoiceView, view
from parley.sections import UpstreamSettings
from parley.upstreams.client import Client, Exchange, Origin
from parley.upstreams.providers.bodies import body_for, choices_of, wants_usage
from parley.upstreams.quotas import rest
from parley.upstreams.sse import Events
from parley.upstreams.statuses import event_failure, failure

LARGEST_ANSWER = 64 * 1024 * 1024
LARGEST_ERROR = 1024 * 1024
MOST_UNREADABLE = 16  # events of one stream
MOST_TOKENS = 10**9  # that any call can have
PATHS = {
    "chat.completions": b"/chat/completions",
    "completions": b"/completions",
    "embeddings": b"/embeddings",
}
DONE = b"[DONE]"
BLANK = b"\n\n"  # ends an event that the end of the body left without its empty line
OK = 200
_encode = msgspec.json.Encoder().encode
NULL = msgspec.Raw(b"null")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

log = structlog.get_logger()


def mended(payload: bytes) -> bytes:
    """Return *payload*, a chunk without choices, with an empty list where it has `null`: clients count on one."""
    try:
        fields = _fields(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):  # readable all the same: see `view`
        return payload
    return _encode({**fields, "choices": []}) if fields.get("choices") == NULL else payload


def usage_of(view: UsageView | None, *, said: bool, answers: bool = True) -> Usage | None:
    """Return the tokens a provider told, None where they can't be true: then we count.

    said: whether the answer has text. answers: whether there is an answer at all; embeddings have none.
    """
    if view is None:
        return None
    asked, told_output = view.prompt_tokens, view.completion_tokens
    output = 0 if told_output is None and not answers else told_output
    if asked is None or output is None or not (0 < asked <= MOST_TOKENS and 0 <= output <= MOST_TOKENS):
        return None
    if said and not output:
        return None
    return Usage(input=asked, output=output, cached_input=min(asked, max(0, view.cached)))


def told(choice: ChunkChoiceView | WholeChoiceView, delta: MessageView | None) -> str:
    """Return the text of *choice*, whose message or piece of one is *delta*, wherever it stands."""
    if delta is None:
        return choice.text or ""
    text = delta.content or delta.refusal or delta.reasoning_content or ""
    called = delta.function_call
    if called is not None:
        text += (called.name or "") + (called.arguments or "")
    if delta.tool_calls is None:
        return text
    for call in delta.tool_calls:
        if call.function is not None:
            text += (call.function.name or "") + (call.function.arguments or "")
    return text


class OpenAIProvider:
    """One upstream that speaks the OpenAI API."""

    def __init__(self, name: str, settings: UpstreamSettings, key: str | None, client: Client) -> None:
        timeouts = settings.timeouts
        self._name = name
        self._prefill = settings.prefill
        self._origin = Origin.parse(settings.base_url, f"`{name}`")
        self._timeouts = timeouts
        self._patience = msgspec.structs.replace(timeouts, first_token=timeouts.total)  # a whole answer comes at once
        self._client = client
        self._key = (key or "").encode()
        secret = f"authorization: Bearer {key}\r\n" if key else ""
        common = f"{secret}content-type: application/json\r\naccept-encoding: identity\r\nuser-agent: parley\r\n"
        self._whole = (common + "accept: application/json\r\n").encode()
        self._stream = (common + "accept: text/event-stream\r\n").encode()
        base = self._origin.base_path.encode()
        self._paths = {operation: base + path for operation, path in PATHS.items()}

    async def ask(self, call: Call, target: Target) -> "WholeAnswer | StreamAnswer":
        """Send *call* to *target*; returns with the first event in hand. Raises UpstreamError."""
        exchange = await self._client.send(
            self._origin,
            b"POST",
            self._paths[call.operation],
            self._stream if call.streamed else self._whole,
            body_for(call, target, self._prefill),
            self._timeouts if call.streamed else self._patience,
        )
        try:
            return await self._answer(call, target, exchange)
        except BaseException:
            exchange.close()
            raise

    async def _answer(self, call: Call, target: Target, exchange: Exchange) -> "WholeAnswer | StreamAnswer":
        """Return the answer that *exchange* brings. Raises UpstreamError."""
        if exchange.status != OK:
            raise failure(self._name, exchange.status, exchange.headers, await self._said(exchange))
        if not call.streamed:
            answer = self._whole_answer(call, target, await exchange.read(LARGEST_ANSWER))
            answer.rest = rest(exchange.headers)
            return answer
        if exchange.headers.get(b"content-type", b"").lower().startswith(b"text/html"):
            raise UpstreamBroken(f"`{self._name}` answered with a page of HTML instead of events.")
        stream = StreamAnswer(target, exchange, call, self._name, self._key)
        stream.rest = rest(exchange.headers)
        await stream.begin()
        return stream

    async def _said(self, exchange: Exchange) -> bytes:
        """Return the body of an error; nothing where it is too long or broken, for the status says what matters."""
        exchange.hurry()
        try:
            return self._hidden(await exchange.read(LARGEST_ERROR))
        except UpstreamError:
            return b""

    def _hidden(self, said: bytes) -> bytes:
        """Return *said* without our key, which nobody is told, however it is said."""
        return said.replace(self._key, b"***") if self._key else said

    def _whole_answer(self, call: Call, target: Target, body: bytes) -> "WholeAnswer":
        """Return the answer in *body*. Raises UpstreamError."""
        try:
            seen = view(body, WHOLE)
        except msgspec.DecodeError as error:
            raise UpstreamBroken(f"`{self._name}` sent an answer that can't be read.") from error
        if seen.error:
            raise event_failure(self._name, self._hidden(body))
        if not seen.choices and call.operation != "embeddings":
            raise UpstreamBroken(f"`{self._name}` sent an answer that is not one.")
        text = "".join(told(choice, choice.message) for choice in seen.choices or ())
        usage = usage_of(seen.usage, said=bool(text), answers=call.operation != "embeddings")
        return WholeAnswer(target, Event(events.WHOLE, body, seen.model, usage, text=text))


class WholeAnswer:
    """An answer that came in one piece; its connection is already given back."""

    __slots__ = ("_event", "rest", "target")

    def __init__(self, target: Target, event: Event) -> None:
        self.target = target
        self.rest = 0.0
        self._event = event

    async def pour(self, sink: Sink) -> None:
        """Send the one event."""
        sink.send(self._event)

    def close(self) -> None:
        """Do nothing: nothing is held."""


class StreamAnswer:
    """An answer that comes event by event."""

    __slots__ = (
        "_broken",
        "_call",
        "_choices",
        "_done",
        "_events",
        "_exchange",
        "_finished",
        "_first",
        "_key",
        "_name",
        "_shows_usage",
        "_sink",
        "_spoke",
        "_unreadable",
        "_usage",
        "rest",
        "target",
    )

    def __init__(self, target: Target, exchange: Exchange, call: Call, name: str, key: bytes = b"") -> None:
        self.target = target
        self.rest = 0.0
        self._exchange = exchange
        self._call = call
        self._name = name
        self._key = key  # our own, which nobody is told
        self._events = Events()
        self._first: list[Event] = []  # what came with the first event, until it is poured
        self._sink: Sink | None = None
        self._shows_usage = wants_usage(call)
        self._choices = choices_of(call)
        self._finished: set[int] = set()
        self._spoke = False  # there was some text
        self._unreadable = 0  # events that were left out
        self._usage: Usage | None = None  # as told with the last chunk, for providers that tell it with every one
        self._done = False
        self._broken: UpstreamError | None = None

    async def begin(self) -> None:
        """Wait for the first event that says something, or for a second one. Raises UpstreamError.

        Many servers send a piece with a role alone as soon as they have read the request, and fail only then.
        """
        while not self._began and not self._done:
            self._take(await self._exchange.chunk())
            if self._broken is not None and not self._began:
                raise self._broken
        if not self._began:
            raise UpstreamBroken(f"`{self._name}` answered with nothing.")

    @property
    def _began(self) -> bool:
        """Whether there is an answer, and not just the announcement of one."""
        return self._spoke or bool(self._finished) or len(self._first) > 1

    async def pour(self, sink: Sink) -> None:
        """Send every event to *sink* as it comes. Raises UpstreamBroken when the stream ends before the answer does."""
        for event in self._first:
            sink.send(event)
        self._first.clear()
        sink.flush()
        self._sink = sink
        while self._broken is None and not self._done:
            await sink.drain()
            try:
                if await self._exchange.pour(self._take):
                    self._take(b"")
            except UpstreamError as error:
                self._done = self._complete
                self._broken = None if self._complete else error
        if self._usage is not None:
            sink.send(Event(events.USAGE, b"", None, self._usage))
        if self._broken is not None:
            raise self._broken

    def close(self) -> None:
        """Let go of the connection; after `[DONE]` it may serve again as soon as the response has ended."""
        told = {"request": self._call.id, "upstream": self.target.upstream, "model": self.target.model}
        if self._unreadable:
            log.warning("an upstream sent events that can't be read", events=self._unreadable, **told)
        if self._done and not self._complete:  # it may be whole, or cut by something that says [DONE] all the same
            log.warning("an upstream ended an answer without telling why", **told)
        if self._done:
            self._exchange.linger()
        else:
            self._exchange.close()

    def _take(self, data: bytes) -> bool:
        """Send the events that *data* (b"": the end) completes; tell whether more may come.

        What came before an event that breaks the answer is sent, and the break is kept for `pour`.
        """
        sink = self._sink
        send = self._first.append if sink is None else sink.send
        still = True
        try:
            for payload in self._events.feed(data or BLANK):
                if payload == DONE:
                    self._finish()
                    break
                event = self._event(payload)
                if event is not None:
                    still = False
                    send(event)
            if not data and not self._done:
                self._end()
        except UpstreamError as error:
            self._broken = error
        more = (sink is None or sink.flush()) and not self._done and self._broken is None
        if still and more and self._events.quiet:
            self._exchange.still()
        return more

    @property
    def _complete(self) -> bool:
        """Whether every choice has told why it ended."""
        return len(self._finished) >= self._choices

    def _finish(self) -> None:
        """Take `[DONE]` for the end, unless what tells that the answer is whole was among what could not be read."""
        if self._unreadable and not self._complete:
            raise self._unreadables()
        self._done = True

    def _end(self) -> None:
        """Take the end of the body for that of the answer, if every choice had ended. Raises UpstreamBroken."""
        if not self._complete:
            if self._exchange.headers.get(b"content-type", b"").startswith(b"application/json"):
                raise UpstreamBroken(f"`{self._name}` answered with JSON instead of events.")
            raise UpstreamBroken(f"`{self._name}` broke off in the middle of its answer.")
        self._done = True

    def _failure(self, payload: bytes) -> UpstreamError:
        """Return the error that an error event means; in the middle of an answer it is one that broke."""
        said = payload.replace(self._key, b"***") if self._key else payload
        meant = event_failure(self._name, said)
        if self._sink is None and not self._began:
            return meant
        return UpstreamBroken(f"`{self._name}` failed in the middle of its answer.").because(meant.detail)

    def _unreadables(self) -> UpstreamBroken:
        return UpstreamBroken(f"`{self._name}` sent events that can't be read.")

    def _leave_out(self, payload: bytes) -> None:
        """Note that *payload* can't be read; empty ones are no events. Raises UpstreamBroken if there are too many."""
        if payload.strip():
            self._unreadable += 1
        if self._unreadable > MOST_UNREADABLE:
            raise self._unreadables()

    def _event(self, payload: bytes) -> Event | None:
        """Return the event that *payload* is, None for one to be left out. Raises UpstreamError."""
        try:
            seen = view(payload, CHUNK)
        except msgspec.DecodeError:
            self._leave_out(payload)
            return None
        if seen.error:
            raise self._failure(payload)
        choices, usage = seen.choices, seen.usage
        if usage is None and seen.x_groq is not None:
            usage = seen.x_groq.usage
        if not choices:
            raw = mended(payload) if choices is None else payload
            if usage is None:
                return Event(events.CHUNK, raw, seen.model)
            self._usage = None
            return Event(events.USAGE, raw if self._shows_usage else b"", seen.model, usage_of(usage, said=self._spoke))
        text = ""
        for choice in choices:
            if choice.finish_reason:
                self._finished.add(choice.index or 0)
            text += told(choice, choice.delta)
        self._spoke = self._spoke or bool(text)
        if usage is not None:
            self._usage = usage_of(usage, said=self._spoke)
        elif text:
            self._usage = None  # it was told too early to be the whole
        return Event(events.CHUNK, payload, seen.model, None, text)
