"""What the model sees: a conversation as ChatML text, each character marked as learnt or merely read.

This is `chat_template.jinja` once more in Python; `check.py` compares the two through llama.cpp, so they
cannot drift.
"""

import json
import random
import string
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START, END, BEGIN = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
MARKS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # llama.cpp's `lower` leaves other letters
DECISION = 3  # weight where nothing but decisions is learnt: they are a few tokens beside whole answers of others
SINGLE = ("string", "integer", "number", "boolean")
BETWEEN = "; "  # the members of a list in a form
AGAIN = 3  # messages of the user that are read again behind functions
FIRST = 16  # characters: some words of English, most of a sentence in Chinese
TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Turn:
    """One message.

    forced: the first character of this answer was chosen by the grammar, not by the model. recorded: what it calls is a
    record (`records.py`): there is nothing but the form. heard: an answer that nothing before it explains: only
    read. found: what the answer is about, thought of before it is written. lacks: the call, as far as it is known, that
    the answer asks the rest for. declines: it says that there is nothing, be it a function or a fact.
    """

    role: str
    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    forced: bool = False
    recorded: bool = False
    heard: bool = False
    found: str = ""
    lacks: dict[str, Any] | None = None
    declines: bool = False

    @property
    def thinks(self) -> bool:
        """Tell whether something is thought before this answer."""
        return bool(self.calls or self.found or self.lacks)


@dataclass
class Document:
    """A text and the spans of it (start, end) that the model learns to write; each token of them has *weight*."""

    text: str = BEGIN
    weight: int = 1
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

    @property
    def last_only(self) -> bool:
        """Tell whether only the last answer is learnt: what is known stands before it alone, and so does a thought."""
        turns = self.turns
        return bool(self.tools or turns[0].role == "system" or any(turn.thinks for turn in turns))


def dumps(value: object) -> str:
    """Return *value* as the JSON we teach: one line, a space after each colon and comma, nothing escaped."""
    return json.dumps(value, ensure_ascii=False)


def call_text(call: dict[str, Any]) -> str:
    """Return one call in Hermes form."""
    inside = f'{{"name": {dumps(call["name"])}, "arguments": {dumps(call["arguments"])}}}'
    return f"<tool_call>\n{inside}\n</tool_call>"


def thought(turn: Turn, tools: tuple[dict[str, Any], ...], heard: str) -> list[str]:
    """Return what is thought before *turn*: what it is about, or of each call the arguments' lines, filled in.

    So a value is written right behind what describes it, where a network of few layers can look it up in one step. It
    begins as it does in what was *heard*, with a space or without; `-` stands for an argument that is left out, `?`
    for one that is lacking. In pieces, each second of which is a line up to its value.
    """
    schemas, pieces = (
        {tool["name"]: tool for tool in tools},
        [f"<think>\n{turn.found}\n" if turn.found else "<think>\n"],
    )
    for call in turn.calls or ([turn.lacks] if turn.lacks else []):
        schema = schemas[call["name"]]
        pieces[-1] += f"# {schema['name']}\n"
        parameters = schema.get("parameters") or {}
        needed = parameters.get("required", ()) if turn.lacks else ()
        for name, line in zip(parameters.get("properties") or {}, tool_text(schema).split("\n- ")[1:], strict=True):
            given = call["arguments"].get(name, " ?" if name in needed else " -")
            values = [
                it if isinstance(it, str) else dumps(it) for it in (given if isinstance(given, list) else [given])
            ]
            spaced = f" {values[0]}" in heard
            pieces += [f"- {line}:", f"{' ' if spaced else ''}{BETWEEN.join(values)}\n"]
    pieces[-1] += "</think>\n"
    return pieces if turn.thinks else []


def _kind(schema: dict[str, Any]) -> str:
    """Return the choices or the type of an argument, nothing for a plain string; of a list, those of its members."""
    if schema.get("type") == "array" and schema.get("items", {}).get("type") in SINGLE:
        return f"list {_kind(schema['items'])}".rstrip()
    if schema.get("enum"):
        return "|".join(str(it) for it in schema["enum"])
    kind = schema.get("type")
    return kind if kind in ("integer", "number", "boolean") else "" if kind == "string" else dumps(schema)


def tool_text(schema: dict[str, Any]) -> str:
    """Return a function as the model reads it, a line for it and one for each argument.

    The function's name comes last, behind what tells it: there it can be weighed against the request by what stands
    before it, which is all that a token ever sees. An argument's name comes first, for it is what its line is found by
    (`thought`). `=` goes behind a name that is required, `?` behind one that is not. Descriptions are in lower case: to
    the network `City` and `city` are two words.
    """
    parameters = schema.get("parameters") or {}
    lines = [f"# {(schema.get('description') or '').translate(LOWER)}={schema['name']}"]
    for name, it in (parameters.get("properties") or {}).items():
        mark = "=" if name in (parameters.get("required") or ()) else "?"
        told = f" {it['description'].translate(LOWER)}" if it.get("description") else ""
        lines.append(f"- {name}{mark}{_kind(it)}{told}")
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


def _again(conversation: Conversation, turns: tuple[Turn, ...]) -> str:
    """Return what the user said since the last result, to be read a second time behind the functions, if any."""
    if not conversation.tools or not turns or turns[-1].role != "user":
        return ""
    served = max((number for number, turn in enumerate(turns) if turn.role == "tool"), default=0)
    said = "\n".join([turn.text for turn in turns[served:] if turn.role == "user"][-AGAIN:])
    return f"{START}user\n{said}{END}\n"


def document(conversation: Conversation) -> Document:
    """Render *conversation* for training.

    The system message and the functions come last, before the answer: so each of their words is read by a network that
    knows what is asked. Behind functions the user's words are read again, by one that knows them. Where there is
    anything known, only the last answer is learnt, for the ones before it had it too. What was thought before those is
    gone: no client sends it back.
    """
    doc = Document()
    known, turns = _known(conversation)
    last = len(turns) - 1 if turns and turns[-1].role == "assistant" else len(turns)
    for number, turn in enumerate(turns):
        if number == last:
            doc.read(known + _again(conversation, turns[:last]))
        if turn.role == "tool":
            doc.read(f"{START}user\n<tool_response>\n{turn.text}\n</tool_response>{END}\n")
        elif turn.role == "assistant":
            doc.read(f"{START}assistant\n")
            heard = turn.heard or (conversation.last_only and number < last)
            first = [] if heard else thought(turn, conversation.tools, doc.text)
            _answer(doc, turn, first, heard=heard)
        else:
            doc.read(f"{START}{turn.role}\n{turn.text}{END}\n")
    if last == len(turns):
        doc.read(known + _again(conversation, turns))
    return doc


def _answer(doc: Document, turn: Turn, first: list[str], *, heard: bool) -> None:
    """Add an answer of the assistant, with what it thinks *first*, learnt unless only *heard*.

    Our engine writes the lines of a form and makes the call of it: three in four are learnt without either. As many
    answers from a passage are learnt by their first words alone, and so are those that decline; the rest follows.
    """
    text = turn.text + "\n".join(call_text(call) for call in turn.calls)
    if heard:
        doc.read(f"{text}{END}\n")
        return
    brief = turn.recorded or ((turn.thinks or turn.declines) and zlib.crc32(doc.text.encode()) % 4 > 0)
    doc.weight = DECISION if brief else 1
    for number, piece in enumerate(first):
        (doc.read if number % 2 and brief else doc.write)(piece)
    if turn.calls and brief:
        doc.read(f"{END}\n")
        return
    if turn.forced:
        doc.read(text[:1])
        text = text[1:]
    if brief and not turn.lacks:
        doc.write(text[:FIRST])
        doc.read(f"{text[FIRST:]}{END}\n")
        return
    doc.write(text + END)
    doc.read("\n")


def cut(conversation: Conversation, rng: random.Random) -> Conversation:
    """Return *conversation* up to one of its answers, most often a call, where only the last one is learnt."""
    turns = conversation.turns
    if not conversation.last_only:
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
