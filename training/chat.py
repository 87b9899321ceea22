"""What the model sees: a conversation as ChatML text, each character marked as learnt or merely read.

This is `chat_template.jinja` once more in Python; `check.py` compares the two through llama.cpp, so they
cannot drift.
"""

import json
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START, END, BEGIN = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
MARKS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
KEY = re.compile(r'("[^"]*": )')
TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Turn:
    """One message.

    forced: the first character of this answer was chosen by the grammar, not by the model. keyed: and so were the keys
    of its JSON, so that nothing but the values is learnt. heard: an answer that nothing before it explains: only read.
    """

    role: str
    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    forced: bool = False
    keyed: bool = False
    heard: bool = False


@dataclass
class Document:
    """A text and the spans of it (start, end) that the model learns to write."""

    text: str = BEGIN
    learnt: list[tuple[int, int]] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Add what the model only reads."""
        self.text += text

    def write(self, text: str) -> None:
        """Add what the model learns to write; what follows on the last such piece is one with it."""
        begin, end = len(self.text), len(self.text) + len(text)
        if self.learnt and self.learnt[-1][1] == begin:
            begin = self.learnt.pop()[0]
        if text:
            self.learnt.append((begin, end))
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


def _kind(schema: dict[str, Any]) -> str:
    """Return the choices or the type of an argument, nothing for a plain string."""
    if schema.get("enum"):
        return "|".join(str(it) for it in schema["enum"])
    kind = schema.get("type")
    return kind if kind in ("integer", "number", "boolean") else "" if kind == "string" else dumps(schema)


def tool_text(schema: dict[str, Any]) -> str:
    """Return a function as the model reads it, a line for it and one for each argument.

    The name comes last, behind what tells it: there it can be weighed against the request by what stands before it,
    which is all that a token ever sees. `=` goes before a name that is required, `?` before one that is not.
    """
    parameters = schema.get("parameters") or {}
    lines = [f"# {schema.get('description') or ''}={schema['name']}"]
    for name, it in (parameters.get("properties") or {}).items():
        told = ", ".join(part for part in (it.get("description"), _kind(it)) if part)
        lines.append(f"- {told}{'=' if name in (parameters.get('required') or ()) else '?'}{name}")
    return "\n".join(lines)


def _known(conversation: Conversation) -> tuple[str, tuple[Turn, ...]]:
    """Return the system message as the model reads it, functions and all, and the turns after it."""
    turns = conversation.turns
    system = turns[0].text if turns and turns[0].role == "system" else ""
    rest = turns[1:] if turns and turns[0].role == "system" else turns
    if conversation.tools:
        listed = "\n".join(tool_text(tool) for tool in conversation.tools)
        system = f"{system}\n\n# Tools\n<tools>\n{listed}\n</tools>".lstrip("\n")
    return f"{START}system\n{system}{END}\n" if system else "", rest


def document(conversation: Conversation) -> Document:
    """Render *conversation* for training.

    The system message and the functions come last, before the answer: so each of their words is read by a network that
    knows what is asked. Where there are any, only the last answer is learnt, for the ones before it had them too.
    """
    doc = Document()
    known, turns = _known(conversation)
    last = len(turns) - 1 if turns and turns[-1].role == "assistant" else len(turns)
    for number, turn in enumerate(turns):
        if number == last:
            doc.read(known)
        if turn.role == "tool":
            doc.read(f"{START}user\n<tool_response>\n{turn.text}\n</tool_response>{END}\n")
        elif turn.role == "assistant":
            doc.read(f"{START}assistant\n")
            _answer(doc, turn, heard=turn.heard or bool(known and number < last))
        else:
            doc.read(f"{START}{turn.role}\n{turn.text}{END}\n")
    if last == len(turns):
        doc.read(known)
    return doc


def _answer(doc: Document, turn: Turn, *, heard: bool) -> None:
    """Add an answer of the assistant, learnt unless only *heard*."""
    text = turn.text + "\n".join(call_text(call) for call in turn.calls)
    if heard:
        doc.read(f"{text}{END}\n")
        return
    if turn.forced:
        doc.read(text[:1])
        text = text[1:]
    for number, piece in enumerate(KEY.split(text) if turn.keyed else [text]):
        (doc.read if number % 2 else doc.write)(piece)
    doc.write(END)
    doc.read("\n")


def cut(conversation: Conversation, rng: random.Random) -> Conversation:
    """Return *conversation* up to one of its answers, most often a call: `document` has only the last one learnt.

    One without a system message or functions stays whole.
    """
    turns = conversation.turns
    if not conversation.tools and turns[0].role != "system":
        return conversation
    places = [number for number, turn in enumerate(turns) if turn.role == "assistant" and not turn.heard]
    if not places:
        return conversation
    chosen = rng.choices(places, [3 if turns[number].calls else 1 for number in places])[0]
    return Conversation(turns[: chosen + 1], conversation.tools)


def prose(text: str) -> Document:
    """Return plain text as a document: all of it is learnt, and it ends."""
    doc = Document()
    doc.write(text + END)
    return doc
