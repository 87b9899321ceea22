"""Control tokens in what people say: `<|im_start|>` in a message is text, and must not begin a turn.

llama.cpp renders a conversation into one text and reads control tokens anywhere in it. So where a message holds the
text of one, an invisible sign (zero-width space) is put behind its first sign: people and models still read the same,
and it is no control token any more. Only what the model's own vocabulary calls a control token is touched.
"""

import re
from functools import lru_cache
from typing import Any

import msgspec

APART = "\u200b"  # zero-width space
READ = ("role", "content", "tool_calls")  # members of a message that are looked at one by one


class Control:
    """The control tokens of one model."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = frozenset(word for word in words if len(word) > 1)
        self._lengths = sorted({len(word) for word in self._words})
        beginnings = sorted({re.escape(word[:2]) for word in self._words})
        self._beginning = re.compile(f"(?={'|'.join(beginnings)})")  # a thousand words have few beginnings

    def harmless(self, value: Any) -> Any:
        """Return *value*, a text or what holds texts, with no control token in it."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.harmless(item) for item in value]
        if isinstance(value, dict):
            return {self._text(name): self.harmless(inner) for name, inner in value.items()}
        return value

    def messages(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return *messages* with no control token in them."""
        if not self._words:
            return messages
        return [self._message(message) for message in messages]

    def _text(self, text: str) -> str:
        pieces: list[str] = []
        done = 0
        for found in self._beginning.finditer(text):
            at = found.start()
            if any(text[at : at + length] in self._words for length in self._lengths):
                pieces += (text[done : at + 1], APART)
                done = at + 1
        return "".join([*pieces, text[done:]]) if pieces else text

    def _message(self, message: dict[str, Any]) -> dict[str, Any]:
        told = {name: self.harmless(value) for name, value in message.items() if name not in READ}
        content = _joined(message.get("content"))
        if isinstance(content, list):
            content = [self.harmless(part) if part["type"] == "text" else part for part in content]
        else:
            content = self.harmless(content)
        told |= {"role": message["role"], "content": content}
        if calls := message.get("tool_calls"):
            told["tool_calls"] = [self._called(called) for called in calls]
        return told

    def _called(self, called: dict[str, Any]) -> dict[str, Any]:
        """Return a call of the history; templates show what its arguments mean: a backslash could hide a token."""
        function = called["function"]
        arguments = msgspec.json.decode(function["arguments"])
        harmless = self.harmless(arguments)
        text = function["arguments"] if harmless == arguments else msgspec.json.encode(harmless).decode()
        return {
            **self.harmless({**called, "function": None}),
            "function": {**self.harmless(function), "arguments": text},
        }


def _joined(content: Any) -> Any:
    """Return *content* with texts that stand side by side made one, as llama.cpp would: none may go on in the next."""
    if not isinstance(content, list):
        return content
    told: list[dict[str, Any]] = []
    for part in content:
        if told and part["type"] == "text" == told[-1]["type"]:
            told[-1] = {"type": "text", "text": f"{told[-1]['text']}\n{part['text']}"}
        else:
            told.append(part)
    return told


@lru_cache(maxsize=16)
def control(words: tuple[str, ...]) -> Control:
    """Return the control tokens that are *words*."""
    return Control(words)
