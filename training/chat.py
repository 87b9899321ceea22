"""What the model sees: a conversation as ChatML text, each character marked as learnt or merely read.

This is `chat_template.jinja` once more in Python; `check.py` compares the two through llama.cpp, so they
cannot drift.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START, END, BEGIN = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
MARKS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Turn:
    """One message. A *forced* answer is one whose first character the grammar, not the model, has chosen."""

    role: str
    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    forced: bool = False


@dataclass
class Document:
    """A text and the spans of it (start, end) that the model learns to write."""

    text: str = BEGIN
    learnt: list[tuple[int, int]] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Add what the model only reads."""
        self.text += text

    def write(self, text: str) -> None:
        """Add what the model learns to write."""
        self.learnt.append((len(self.text), len(self.text) + len(text)))
        self.text += text


@dataclass(frozen=True)
class Conversation:
    """Messages, and the functions that may be called."""

    turns: tuple[Turn, ...]
    tools: tuple[dict[str, Any], ...] = ()


def dumps(value: object) -> str:
    """Return *value* as the JSON we teach: one line, a space after each colon and comma, nothing escaped."""
    return json.dumps(value, ensure_ascii=False)


def call_text(call: dict[str, Any]) -> str:
    """Return one call in Hermes form."""
    inside = f'{{"name": {dumps(call["name"])}, "arguments": {dumps(call["arguments"])}}}'
    return f"<tool_call>\n{inside}\n</tool_call>"


def _head(conversation: Conversation) -> tuple[str, tuple[Turn, ...]]:
    """Return the system turn's text and the turns after it."""
    turns = conversation.turns
    system = turns[0].text if turns and turns[0].role == "system" else ""
    rest = turns[1:] if turns and turns[0].role == "system" else turns
    if not conversation.tools:
        return system, rest
    listed = "\n".join(dumps(tool) for tool in conversation.tools)
    return f"{system}\n\n# Tools\n<tools>\n{listed}\n</tools>".lstrip("\n"), rest


def document(conversation: Conversation) -> Document:
    """Render *conversation* for training."""
    doc = Document()
    system, turns = _head(conversation)
    if system:
        doc.read(f"{START}system\n{system}{END}\n")
    for turn in turns:
        if turn.role == "tool":
            doc.read(f"{START}user\n<tool_response>\n{turn.text}\n</tool_response>{END}\n")
        elif turn.role == "assistant":
            doc.read(f"{START}assistant\n")
            text = turn.text + "\n".join(call_text(call) for call in turn.calls)
            if turn.forced:
                doc.read(text[:1])
                text = text[1:]
            doc.write(text + END)
            doc.read("\n")
        else:
            doc.read(f"{START}{turn.role}\n{turn.text}{END}\n")
    return doc


def prose(text: str) -> Document:
    """Return plain text as a document: all of it is learnt, and it ends."""
    doc = Document()
    doc.write(text + END)
    return doc
