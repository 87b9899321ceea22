"""What comes back of a chat: llama.cpp's chunks as OpenAI's.

The shapes differ in small things that strict clients mind: the first delta, `content` beside tool calls, the form of
ids, where usage stands when there are several choices. Forced calls arrive as content and leave as tool calls; a client
that speaks of functions gets `function_call`.
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from parley.core.events import Usage
from parley.upstreams.providers.local.asking import Plan
from parley.upstreams.providers.local.filling import Filling
from parley.upstreams.providers.local.forcing import CallReader

UNLIKELY = -9999.0  # OpenAI's word for next to impossible, where llama.cpp tells the smallest number there is
FINGERPRINT = f"xllamacpp-{version('xllamacpp')}"  # llama.cpp's own word is not told by this build


class Choice:
    """One of the answers while it comes."""

    __slots__ = ("called", "filled", "filling", "reader", "said", "started")

    def __init__(self, reader: CallReader | None, filling: Filling | None) -> None:
        self.started = False
        self.said = False
        self.called = False
        self.reader = reader
        self.filling = filling
        self.filled = 0


class Tally:
    """The tokens of an answer with several choices: the prompt once, each choice's own."""

    def __init__(self) -> None:
        self._prompt = 0
        self._cached = 0
        self._output: dict[int, int] = {}
        self._told: list[int] = []

    def note(self, timings: dict[str, Any], index: int) -> None:
        """Note what the engine has counted for choice *index* so far."""
        self._prompt = max(self._prompt, timings.get("prompt_n", 0) + timings.get("cache_n", 0))
        self._cached = max(self._cached, timings.get("cache_n", 0)) if index else timings.get("cache_n", 0)
        self._output[index] = timings.get("predicted_n", 0)

    def settle(self, usage: dict[str, Any]) -> None:
        """Note the engine's last word on one choice: it does not say on which."""
        self._prompt = usage["prompt_tokens"]
        self._told.append(usage["completion_tokens"])

    def usage(self) -> Usage:
        """Return the sum: what was told last, or what has been counted so far."""
        counted = self._told if len(self._told) >= max(1, len(self._output)) else self._output.values()
        return Usage(input=self._prompt, output=sum(counted), cached_input=self._cached)


class ChatReader:
    """Turns llama.cpp's chunks of one chat into OpenAI's."""

    def __init__(self, plan: Plan, *, keeps_top: bool, id: str) -> None:  # noqa: A002 - the answer's id
        self._plan = plan
        self._keeps_top = keeps_top
        self._id = id
        self._choices: dict[int, Choice] = {}
        self.tally = Tally()

    def take(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the chunks that *chunk* becomes."""
        if chunk.get("usage"):
            self.tally.settle(chunk["usage"])
        for piece in chunk.get("choices") or ():
            index = piece["index"]
            if "timings" in chunk:
                self.tally.note(chunk["timings"], index)
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = self._begun()
            logprobs = self._logprobs(piece.get("logprobs"))
            for delta in self._deltas(choice, index, piece.get("delta") or {}):
                yield self._chunk(chunk, index, delta, None, logprobs if delta.get("content") else None)
            if piece.get("finish_reason"):
                for delta in self._last(choice, index, piece["finish_reason"]):
                    yield self._chunk(chunk, index, delta, None, None)
                if not (choice.said or choice.called):
                    delta = {"content": ""} if choice.started else _opening("")
                    yield self._chunk(chunk, index, delta, None, None)
                yield self._chunk(chunk, index, {}, self._reason(choice, piece["finish_reason"]), None)

    def _begun(self) -> Choice:
        """Return a choice that begins."""
        forced, forms = self._plan.forced, self._plan.forms
        return Choice(forced.reader() if forced else None, Filling(forms, self._plan.said) if forms else None)

    def _deltas(self, choice: Choice, index: int, delta: dict[str, Any]) -> Iterator[dict[str, Any]]:
        text, thought = delta.get("content"), delta.get("reasoning_content")
        if text and choice.reader is not None:
            text, arguments = "", choice.reader.feed(text)
            if choice.reader.name is not None:
                yield from self._calls(choice, [self._called(choice.reader.name, arguments, choice, index)])
        if thought and choice.filling is not None:
            thought, calls = choice.filling.feed(thought)
            yield from self._calls(choice, [self._filled(choice, call, index) for call in calls])
        if thought:
            told = {"reasoning_content": thought}
            yield told if choice.started else {**_opening(None), **told}
            choice.started = True
        if text:
            if not choice.started:
                yield _opening("")
            choice.started = choice.said = True
            yield {"content": text}
        yield from self._calls(choice, delta.get("tool_calls") or [])

    def _called(self, name: str, arguments: str, choice: Choice, index: int) -> dict[str, Any]:
        """Return a piece of a forced call as llama.cpp would tell one."""
        if choice.called:
            return {"index": 0, "function": {"arguments": arguments}}
        return {"index": 0, "id": f"{self._id}{index}", "function": {"name": name, "arguments": arguments}}

    def _last(self, choice: Choice, index: int, reason: str) -> Iterator[dict[str, Any]]:
        """Yield the call of a form that was filled in to its end, or the record that it is."""
        if choice.filling is None or reason == "length" or (call := choice.filling.end()) is None:
            return
        if self._plan.record is not None:
            yield from self._deltas(choice, index, {"content": call[1]})
        else:
            yield from self._calls(choice, [self._filled(choice, call, index)])

    def _filled(self, choice: Choice, call: tuple[str, str], index: int) -> dict[str, Any]:
        """Return the *call* of a form, its name and arguments, as llama.cpp would tell one."""
        place, (name, arguments) = choice.filled, call
        choice.filled += 1
        return {"index": place, "id": f"{index}{place}{self._id}", "function": {"name": name, "arguments": arguments}}

    def _calls(self, choice: Choice, calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for call in calls:
            if self._plan.single and call.get("index"):
                continue
            function = call.get("function") or {}
            if "id" in call:
                begun = {"name": function.get("name", ""), "arguments": ""}
                delta = self._wrapped({**call, "id": f"call_{call['id'][:24]}", "type": "function", "function": begun})
                yield delta if choice.started else {**_opening(None), **delta}
                choice.started = choice.called = True
            if function.get("arguments"):
                yield self._wrapped({"index": call["index"], "function": {"arguments": function["arguments"]}})

    def _wrapped(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return a delta with *call* in it, as the client calls it."""
        return {"function_call": call["function"]} if self._plan.legacy else {"tool_calls": [call]}

    def _reason(self, choice: Choice, reason: str) -> str:
        if choice.called and reason in ("stop", "tool_calls"):
            return "function_call" if self._plan.legacy else "tool_calls"
        return reason

    def _logprobs(self, logprobs: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return *logprobs* without what OpenAI has not, and with only as many as were asked for.

        They go with the text they are for: llama.cpp also tells them of blanks that it takes away.
        """
        if not logprobs:
            return None
        content = []
        for entry in logprobs.get("content") or ():
            top = [_bare(one) for one in entry["top_logprobs"]] if self._keeps_top else []
            content.append({**_bare(entry), "top_logprobs": top})
        return {"content": content, "refusal": None}

    def _chunk(
        self, chunk: dict[str, Any], index: int, delta: dict[str, Any], reason: str | None, logprobs: Any
    ) -> dict[str, Any]:
        return {
            "id": chunk["id"],
            "object": "chat.completion.chunk",
            "created": chunk["created"],
            "model": chunk["model"],
            "system_fingerprint": FINGERPRINT,
            "choices": [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}],
        }


def _opening(content: str | None) -> dict[str, Any]:
    """Return the first delta of an answer."""
    return {"role": "assistant", "content": content, "refusal": None}


def _bare(entry: dict[str, Any]) -> dict[str, Any]:
    """Return one token's entry in OpenAI's form."""
    return {"token": entry["token"], "logprob": max(entry["logprob"], UNLIKELY), "bytes": entry.get("bytes")}
