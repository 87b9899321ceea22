"""Telling: how a small model answers from what it was given, when its file says so (`parley.forms`).

Such a model thinks first of what is asked for, a name or a number or a date, and then tells the sentence that this
stands in. The grammar here lets it write nothing else behind such a thought: the thought is a piece of a sentence of
the conversation, and what is told is that sentence as it stands; to a question in another language it may be the piece
alone, with a few words around it. An answer without a thought is any text. A JSON object without a schema has keys and
values that stand in the conversation.
"""

import json
import re
from typing import Any

from parley.upstreams.providers.local.quoting import SIGN, quotable, quoting, words

BULLET = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)、])\s*(?=\S)")
BREAK = re.compile(r"(?<=[。！？])|(?<=[.!?])(?<!\b[A-Z]\.)(?<!\b[A-Z][a-z]\.)(?<!\b[A-Z][a-z]{2}\.)\s+")
QUESTION = ("?", "？")
MOST = 200  # sentences: a grammar of more takes longer than the answer
WORDED = frozenset(
    {"answer", "content", "explanation", "greeting", "message", "reply", "response", "text", "translation"}
    | {"回答", "回复", "答复", "消息", "内容", "译文"}
)
"""Names of what a structured answer puts into words; any other text has to stand in the conversation."""
TEXT = r"TEXT: /[^<]([^<]|<[^\/t<]){0,2000}/"


def heard(messages: list[dict[str, Any]]) -> str:
    """Return all that is said in *messages*."""
    return "\n".join(_said(message) for message in messages)


def _said(message: dict[str, Any]) -> str:
    """Return the texts of one *message*, and what its calls passed."""
    content = message.get("content") or ""
    parts = [content] if isinstance(content, str) else [part.get("text") or "" for part in content]
    return "\n".join([*parts, *(called["function"]["arguments"] for called in message.get("tool_calls") or ())])


def object_grammar(text: str) -> str:
    """Return the grammar of a JSON object whose keys and values stand in *text*, but for what is put into words.

    So that it ends it has no more than 16 keys, lists of no more than eight, objects within it of no more than four
    and nothing in these, and texts of the model's own of no more than 200 characters, 16 where nothing can be quoted.
    """
    worded = " | ".join(json.dumps(f'"{it}"', ensure_ascii=False) for it in sorted(WORDED))
    rules = [
        'start: "{" (pair (", " pair){0,15})? "}"',
        'pair: TEXT ": " value | WORDED ": " WORDING',
        'value: flat | within | "[" ((flat | within) (", " (flat | within)){0,7})? "]"',
        'within: "{" (inner (", " inner){0,3})? "}"',
        'inner: TEXT ": " flat | WORDED ": " WORDING',
        'flat: TEXT | NUMBER | "true" | "false" | "null"',
        r'TEXT: "\"" (HEARD & /[^"\\]*/) "\""' if quotable(text) else r'TEXT: "\"" (SOME & /[^"\\\n<]{1,16}/) "\""',
        f"WORDED: {worded}",
        r'WORDING: /"([^"\\\x00-\x1f]|\\["\\nrt]){0,200}"/',
    ]
    return "\n".join(["%llguidance {}", *rules, *quoting(text)])


def sentences(text: str) -> list[str]:
    """Return what can be told of *text*: its sentences but for questions, each once, without the marks of a list."""
    lines = (BULLET.sub("", line) for line in text.splitlines())
    found = (piece.strip() for line in lines for piece in BREAK.split(line))
    return [*dict.fromkeys(it for it in found if it and "<" not in it and not it.endswith(QUESTION))]


def telling(text: str) -> list[str]:
    """Return the rules `told` and `TEXT` for answers from *text*; none if there is nothing to tell, or too much."""
    found = sentences(text)
    if not found or len(found) > MOST:
        return []
    asked = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    rules = [f"TOLD_{number}: {_way(number, it, asked)}" for number, it in enumerate(found)]
    rules += [f"PART_{number}: {_part(it)}" for number, it in enumerate(found)]
    told = " | ".join(f"TOLD_{number}" for number, _ in enumerate(found))
    return [*rules, f"TOLD: {told}", r'told: "<think>\n" TOLD', TEXT]


def telling_grammar(text: str, *, start: str = "told | TEXT") -> str | None:
    """Return the grammar of an answer to a conversation of *text* without functions, if there is anything to tell."""
    rules = telling(text)
    return "\n".join(["%llguidance {}", f"start: {start}", *rules]) if rules else None


def _way(number: int, sentence: str, asked: str) -> str:
    """Return how *sentence* is told once a part of it was thought of."""
    told = json.dumps(sentence, ensure_ascii=False)
    if _chinese(sentence) == _chinese(asked):
        return rf'PART_{number} "\n</think>\n" {told}'
    return rf'PART_{number} "\n</think>\n" ({told} | /[^\n<]{{0,12}}/ PART_{number} /[^\n<]{{0,8}}/)'


def _part(sentence: str) -> str:
    """Return what a piece of *sentence*, of whole words, is."""
    chunks = json.dumps(words(sentence), ensure_ascii=False)
    return f'%regex {{"substring_chunks": {chunks}}} & /[^\\n ]([^\\n]*[^\\n ])?/'


def _chinese(text: str) -> bool:
    """Tell whether *text* has a sign of Chinese, Japanese or Korean."""
    return re.search(SIGN, text) is not None
