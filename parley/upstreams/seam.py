"""The seam between the two halves of an answer: nothing is said twice, and the client sees one stream.

A model that cannot go on with an answer begins it anew. So the second half is held back until it differs from the
first: where it repeats all of it, that is left out; where it repeats only the beginning and then says something else,
the halves do not fit, and the answer is broken. Chunks get the id, time and model of the first half.
"""

from typing import Any

import msgspec

from parley.core.events import Event, Kind
from parley.errors import UpstreamBroken

Shell = dict[str, Any]
SHORT = 4  # signs; so few may well come twice
ANEW = 24  # signs that the halves begin with alike: the second is no second half
_encode = msgspec.json.Encoder().encode


def shell_of(chunk: dict[str, Any]) -> Shell:
    """Return what all chunks of a stream have in common."""
    return {name: chunk[name] for name in ("id", "created", "model") if name in chunk}


class Seam:
    """What a second half goes through. before: the first half."""

    def __init__(self, before: str, shell: Shell) -> None:
        self._before = before
        self._shell = shell
        self._good = False
        self.held = ""  # what was said and is not passed on yet

    def pass_on(self, event: Event) -> list[Event]:
        """Return what of *event* goes to the client now. Raises UpstreamBroken when the halves do not fit."""
        if event.kind is Kind.WHOLE or not event.raw:
            return [event]
        chunk: dict[str, Any] = msgspec.json.decode(event.raw)
        chunk.update(self._shell)
        choices = chunk.get("choices") or []
        if not choices:
            return [Event(event.kind, _encode(chunk), event.model, event.usage)]
        delta: dict[str, Any] = choices[0].get("delta") or {}
        ended = bool(choices[0].get("finish_reason"))
        text = self._judged(delta.get("content") or "", ended=ended)
        if not text and not ended and event.usage is None:
            return []
        delta.pop("role", None)
        choices[0]["delta"] = {**delta, "content": text} if text else {}
        return [Event(event.kind, _encode(chunk), event.model, event.usage, text)]

    def _judged(self, text: str, *, ended: bool) -> str:
        """Return what may be passed on when *text* has come."""
        if self._good or len(self._before) < SHORT:
            return text
        self.held += text
        said, before = self.held, self._before
        if said.startswith(before):
            said = said[len(before) :]
        elif before.startswith(said):
            if not ended:
                return ""
        elif len(said) >= ANEW and said[:ANEW] == before[:ANEW]:
            raise UpstreamBroken("The second half of the answer does not fit the first.")
        self._good, self.held = True, ""
        return said
