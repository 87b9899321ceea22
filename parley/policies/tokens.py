"""Counting tokens where the provider did not: exact for OpenAI's encodings, with no download (`bpe-openai`).

An encoding is loaded when it is first needed (tens of milliseconds) and kept. A model whose encoding nobody knows is
counted with `o200k_base`, and the count is marked as not exact. The overhead of a chat (three tokens a message, three
for the answer's start) is from OpenAI's cookbook, "How to count tokens".
"""

import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from parley.store.later import later

if TYPE_CHECKING:
    import bpe_openai
else:
    bpe_openai = later("bpe_openai")  # half a second and 60 MB; a gateway whose upstreams count needs it never

PER_MESSAGE = 3
PER_REPLY = 3
FALLBACK = "o200k_base"


@functools.cache
def encoding(model: str) -> "bpe_openai.Encoding":
    """Return the encoding of *model*: its own, or that of the newest models."""
    try:
        return bpe_openai.encoding_for_model(model)
    except bpe_openai.UnsupportedModelError:
        if model == FALLBACK:
            return bpe_openai.get_encoding(FALLBACK)
        return encoding(FALLBACK)


def count(model: str, text: str) -> int:
    """Return the number of tokens of *text* for *model*."""
    return len(encoding(model).encode_ordinary(text)) if text else 0


def count_messages(model: str, texts: Iterable[str]) -> int:
    """Return the number of tokens of a chat whose messages have these *texts*."""
    return PER_REPLY + sum(PER_MESSAGE + 1 + count(model, text) for text in texts)


def count_input(model: str, ask: Any) -> int:
    """Return the number of tokens of the prompt of *ask* (a request of `parley.schema`) for *model*."""
    messages = getattr(ask, "messages", None)
    if messages is not None:
        return count_messages(model, ("\n".join(_texts(message.content)) for message in messages))
    return sum(count(model, text) for text in _texts(getattr(ask, "prompt", None) or getattr(ask, "input", None)))


def _texts(content: Any) -> Iterator[str]:
    """Yield the texts of a content: a string, a list of strings, of parts, or of token numbers."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | tuple):
        for part in content:
            if isinstance(part, str):
                yield part
            else:
                yield getattr(part, "text", None) or ""
