"""The body of a request as it goes to a provider that speaks the OpenAI API.

The client's own bytes, with at most these changes: the model's name, the usage of a stream (asked for even when the
client did not, so that the meter is exact), how long an answer may be where a budget says so, the beginning of an
answer that somebody else left unfinished, and `store`, which is our own business.
"""

from typing import Any

import msgspec

from parley.core.call import Call
from parley.core.catalog import Target

NEWER = ("gpt-5", "o1", "o3", "o4")  # refuse `max_tokens`; most other servers know nothing else
_encode = msgspec.json.Encoder().encode


def raw(value: Any) -> msgspec.Raw:
    """Return *value* as JSON that is put into a body as it stands."""
    return msgspec.Raw(_encode(value))


def body_for(call: Call, target: Target, prefill: str = "plain") -> bytes:
    """Return the body for *target*: the client's own bytes where nothing has to change.

    prefill: how it goes on with an answer that somebody else began (`UpstreamSettings.prefill`).
    """
    ask = call.ask
    changes: dict[str, msgspec.Raw] = {}
    if ask.model != target.model:
        changes["model"] = raw(target.model)
    if call.streamed and not wants_usage(call):
        options = call.fields.get("stream_options")
        known = msgspec.json.decode(options) if options else None
        changes["stream_options"] = raw({**(known or {}), "include_usage": True})
    if call.begun is not None:
        changes |= going_on(call, call.begun, prefill)
    if call.cap is not None:
        changes[cap_name(ask, target)] = raw(call.cap)
    stored = getattr(ask, "store", None)
    if not changes and not stored:
        return call.body
    fields = {**call.fields, **changes}
    if stored:
        fields.pop("store", None)
        fields.pop("metadata", None)
    return _encode(fields)


def going_on(call: Call, begun: str, prefill: str) -> dict[str, msgspec.Raw]:
    """Return what changes in the body so that the model goes on behind *begun*."""
    last: dict[str, Any] = {"role": "assistant", "content": begun}
    if prefill == "prefix":
        last["prefix"] = True
    messages = msgspec.json.decode(call.fields["messages"], type=list[msgspec.Raw])
    changes = {"messages": raw([*messages, raw(last)])}
    if prefill == "vllm":
        changes |= {"continue_final_message": raw(value=True), "add_generation_prompt": raw(value=False)}
    return changes


def cap_name(ask: Any, target: Target) -> str:
    """Return the parameter that says how long an answer may be: the client's own, or the one that its server knows."""
    if getattr(ask, "max_completion_tokens", None) is not None:
        return "max_completion_tokens"
    newer = getattr(ask, "max_tokens", None) is None and target.model.startswith(NEWER)
    return "max_completion_tokens" if newer else "max_tokens"


def wants_usage(call: Call) -> bool:
    """Tell whether the client asked for the usage of its stream."""
    options = getattr(call.ask, "stream_options", None)
    return bool(options and options.include_usage)


def choices_of(call: Call) -> int:
    """Return how many choices an answer to *call* has: `n` for each prompt."""
    prompt: Any = getattr(call.ask, "prompt", None)
    several = isinstance(prompt, list) and prompt and not isinstance(prompt[0], int)
    return (len(prompt) if several else 1) * (getattr(call.ask, "n", None) or 1)
