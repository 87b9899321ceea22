"""The older completions on the engine: what we ask, and its chunks as OpenAI's.

llama.cpp ignores `echo`, `best_of` and `suffix`; echo is ours to do, the others are refused by name. Its log
probabilities have the chat's form and are turned into the older one.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from parley.core.call import Call
from parley.schema.completions import KNOWN, CompletionRequest
from parley.upstreams.providers.local.asking import STREAM, Plan, refuse, refuse_unknown, sampling
from parley.upstreams.providers.local.chunks import FINGERPRINT, UNLIKELY, Tally

USUAL_LENGTH = 16  # tokens: OpenAI's default
BEGINNING = "<|endoftext|>"  # what OpenAI continues when there is no prompt: the beginning of a document


def plan_text(call: Call) -> Plan:
    """Return what to ask the engine for *call*. Raises InvalidRequest, naming what it cannot do."""
    ask: CompletionRequest = call.ask
    refuse_unknown(call, KNOWN)
    if ask.suffix:
        raise refuse("suffix")
    if ask.best_of is not None and ask.best_of != (ask.n or 1):
        raise refuse("best_of")
    prompts = prompts_of(ask)
    if ask.echo and not all(isinstance(prompt, str) for prompt in prompts):
        raise refuse("echo", "'echo' is supported with prompts that are text only, with this model.")
    if ask.echo and ask.logprobs is not None:
        raise refuse("echo", "'echo' is not supported together with 'logprobs' with this model.")
    length = USUAL_LENGTH if ask.max_tokens is None else ask.max_tokens
    body = {"prompt": prompts if len(prompts) > 1 else prompts[0], **STREAM, **sampling(call), "max_tokens": length}
    if ask.logprobs is not None:
        body["logprobs"] = max(1, ask.logprobs)
    return Plan(body)


def prompts_of(ask: CompletionRequest) -> list[Any]:
    """Return the prompts of *ask*: texts or lists of tokens."""
    prompt = ask.prompt
    if prompt is None or prompt == BEGINNING:
        return [""]
    if isinstance(prompt, str) or (prompt and isinstance(prompt[0], int)):
        return [prompt]
    return list(prompt)


class TextReader:
    """Turns llama.cpp's chunks of one completion into OpenAI's."""

    def __init__(self, call: Call) -> None:
        ask: CompletionRequest = call.ask
        self._choices = ask.n or 1
        self._echo = prompts_of(ask) if ask.echo else None
        self._tops = ask.logprobs
        self._silent = ask.max_tokens == 0
        self._begun: set[int] = set()
        self._offsets: dict[int, int] = {}
        self._tallies: dict[int, Tally] = {}

    @property
    def tally(self) -> "TextReader":
        """Return who knows the tokens: this reader adds up its prompts."""
        return self

    def usage(self) -> Any:
        """Return the sum over all prompts."""
        parts = [tally.usage() for tally in self._tallies.values()]
        if not parts:
            return Tally().usage()
        return msgspec.structs.replace(
            parts[0],
            input=sum(part.input for part in parts),
            output=0 if self._silent else sum(part.output for part in parts),
            cached_input=sum(part.cached_input for part in parts),
        )

    def take(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the chunks that *chunk* becomes."""
        for piece in chunk.get("choices") or ():
            index = piece["index"]
            if "timings" in chunk:
                prompt = index // self._choices
                tally = self._tallies.setdefault(prompt, Tally())
                tally.note(chunk["timings"], index % self._choices)
                if chunk.get("usage"):
                    tally.settle(chunk["usage"])
            if self._echo is not None and index not in self._begun:
                self._begun.add(index)
                yield self._chunk(chunk, index, self._echo[index // self._choices], None, None)
            text, reason = piece.get("text") or "", piece.get("finish_reason")
            if self._silent:  # llama.cpp makes one token all the same
                text, reason = "", reason and "length"
            if text or reason:
                logprobs = self._logprobs(piece.get("logprobs"), index) if text else None
                yield self._chunk(chunk, index, text, reason, logprobs)

    def _logprobs(self, logprobs: dict[str, Any] | None, index: int) -> dict[str, Any] | None:
        """Return *logprobs* in the older form: lists that run in parallel."""
        if self._tops is None or not logprobs:
            return None
        told: dict[str, Any] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        for entry in logprobs.get("content") or ():
            offset = self._offsets.get(index, 0)
            told["tokens"].append(entry["token"])
            told["token_logprobs"].append(max(entry["logprob"], UNLIKELY))
            top = [*entry["top_logprobs"][: self._tops], entry]  # the chosen one too, as OpenAI does
            told["top_logprobs"].append({one["token"]: max(one["logprob"], UNLIKELY) for one in top})
            told["text_offset"].append(offset)
            self._offsets[index] = offset + len(entry["token"])
        return told

    def _chunk(self, chunk: dict[str, Any], index: int, text: str, reason: str | None, logprobs: Any) -> dict[str, Any]:
        return {
            "id": "cmpl-" + chunk["id"].removeprefix("chatcmpl-"),
            "object": "text_completion",
            "created": chunk["created"],
            "model": chunk["model"],
            "system_fingerprint": FINGERPRINT,
            "choices": [{"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}],
        }


def merge_text(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the text_completion that *chunks* are the pieces of."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk["choices"]:
            known = choices.setdefault(piece["index"], {**piece, "text": "", "logprobs": None})
            known["text"] += piece["text"]
            known["finish_reason"] = piece["finish_reason"] or known["finish_reason"]
            if piece["logprobs"]:
                before = known["logprobs"] or {name: [] for name in piece["logprobs"]}
                known["logprobs"] = {name: before[name] + values for name, values in piece["logprobs"].items()}
    return {**chunks[0], "choices": [choice for _, choice in sorted(choices.items())]}
