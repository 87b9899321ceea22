"""Keeping an answer because its call said `store: true`: gathered while it passes, whole when it has ended."""

import msgspec

from parley.core.call import Call, Caller
from parley.core.events import Event, Kind
from parley.schema.merging import merge
from parley.store.completions import StoredCompletion


class Keeper:
    """Gathers one answer."""

    def __init__(self, call: Call, caller: Caller) -> None:
        self._call = call
        self._caller = caller
        self._events: list[Event] = []

    def take(self, event: Event) -> None:
        """Note a piece of the answer."""
        self._events.append(event)

    def completion(self) -> StoredCompletion:
        """Return the answer as it is kept: the request's own bytes, and one chat.completion."""
        whole = [event for event in self._events if event.kind is Kind.WHOLE]
        if whole:
            answer = msgspec.json.decode(whole[-1].raw)
        else:
            answer = merge([msgspec.json.decode(event.raw) for event in self._events if event.raw])
            usage = next((event.usage for event in reversed(self._events) if event.usage), None)
            if usage is not None:
                answer["usage"] = {
                    "prompt_tokens": usage.input,
                    "completion_tokens": usage.output,
                    "total_tokens": usage.input + usage.output,
                }
        ask = self._call.ask
        answer["id"] = answer.get("id") or "chatcmpl-" + self._call.id.removeprefix("req_")
        answer["metadata"] = ask.metadata or {}
        return StoredCompletion(
            id=answer["id"],
            project=self._caller.project,
            created=self._call.at,
            model=answer.get("model") or ask.model,
            request=self._call.body,
            answer=msgspec.json.encode(answer),
            metadata=ask.metadata or {},
        )
