"""Counting tokens where the provider did not: exact for OpenAI's encodings, with no download (`bpe-openai`).

An encoding is loaded when it is first needed (tens of milliseconds, tens of megabytes) and kept. A model whose encoding
nobody knows is counted with `o200k_base`; all our counts are marked as not exact. The overhead of a chat (three tokens
a message, three for the answer's start) is from OpenAI's cookbook, "How to count tokens".
"""

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from parley.core.later import later

if TYPE_CHECKING:
    import bpe_openai
else:
    bpe_openai = later("bpe_openai")  # importing it costs half a second and 60 MB, whether anything is counted or not

PER_MESSAGE = 3
PER_REPLY = 3
NEWEST = "o200k_base"
ENCODINGS = (  # by the beginning of a model's name, the first that fits; after OpenAI's own table
    ("gpt-4o", NEWEST),
    ("gpt-4.", NEWEST),
    ("gpt-4", "cl100k_base"),
    ("gpt-3.5", "cl100k_base"),
    ("gpt-35", "cl100k_base"),
    ("text-embedding-", "cl100k_base"),
    ("davinci-002", "cl100k_base"),
    ("babbage-002", "cl100k_base"),
    ("text-davinci-003", "p50k_base"),
    ("text-davinci-002", "p50k_base"),
)
LONGEST = 50_000  # signs: the library refuses texts of more than 200,000 tokens, and a sign has at most four


def encoding_name(model: str) -> str:
    """Return the name of the encoding of *model*: its own, or that of the newest models."""
    model = model.removeprefix("ft:")
    return next((name for beginning, name in ENCODINGS if model.startswith(beginning)), NEWEST)


_encodings: dict[str, "bpe_openai.Encoding"] = {}
_loading = threading.Lock()  # two threads at once would find the library half loaded


def encoding(name: str) -> "bpe_openai.Encoding":
    """Return the encoding called *name*; any thread may ask."""
    with _loading:
        if name not in _encodings:
            _encodings[name] = bpe_openai.get_encoding(name)
        return _encodings[name]


def count(model: str, text: str) -> int:
    """Return the number of tokens of *text* for *model*."""
    if not text:
        return 0
    encode = encoding(encoding_name(model)).encode_ordinary
    return sum(len(encode(piece)) for piece in pieces(text))


def pieces(text: str) -> Iterator[str]:
    """Yield *text* in pieces of at most `LONGEST` signs, cut where a word begins: hardly a token reaches over that."""
    start = 0
    while len(text) - start > LONGEST:
        space = text.rfind(" ", start + 1, start + LONGEST)
        end = space if space > 0 else start + LONGEST
        yield text[start:end]
        start = end
    yield text[start:]


def count_messages(model: str, texts: Iterable[str]) -> int:
    """Return the number of tokens of a chat whose messages have these *texts*."""
    return PER_REPLY + sum(PER_MESSAGE + 1 + count(model, text) for text in texts)


def count_input(model: str, ask: Any) -> int:
    """Return the number of tokens of the prompt of *ask* (a request of `parley.schema`) for *model*."""
    messages = getattr(ask, "messages", None)
    if messages is not None:
        return count_messages(model, ("\n".join(_texts(message.content)) for message in messages))
    content = getattr(ask, "prompt", None) or getattr(ask, "input", None)
    return sum(count(model, text) for text in _texts(content)) + _numbers(content)


def _numbers(content: Any) -> int:
    """Return how many tokens *content* gives as numbers, in a list or in lists of them."""
    if isinstance(content, list | tuple):
        return sum(_numbers(item) for item in content)
    return int(isinstance(content, int))


def _texts(content: Any) -> Iterator[str]:
    """Yield the texts of a content: a string, or those in a list of strings or parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | tuple):
        for part in content:
            if isinstance(part, str):
                yield part
            else:
                yield getattr(part, "text", None) or ""
