"""Clients from before `openai` 1.0.

Their guides read `chunk["choices"][0]["delta"]["content"]` of every chunk, which fails at the last one: its delta is
empty. For these clients every delta has a `content`, so that the guides' code runs as it is printed.
"""

import msgspec

AGENT = "OpenAI/v1 PythonBindings/0."
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def with_content(chunk: bytes) -> bytes:
    """Return *chunk* (the JSON of a chat.completion.chunk) with a `content` in each delta."""
    told = _decode(chunk)
    for choice in told.get("choices") or ():
        delta = choice.get("delta")
        if isinstance(delta, dict):
            delta.setdefault("content", "")
    return _encode(told)
