"""Clients from before `openai` 1.0.

Their guides read `chunk["choices"][0]["delta"]["content"]` of every chunk, which fails at the last one: its delta is
empty. For these clients every delta has a `content`, so that the guides' code runs as it is printed. Where the guides
say `engine=` the clients put the model into the path and leave it out of the body; there it is filled in.
"""

import msgspec

AGENT = "OpenAI/v1 PythonBindings/0."
NULL = msgspec.Raw(b"null")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def with_content(chunk: bytes) -> bytes:
    """Return *chunk* (the JSON of a chat.completion.chunk) with a `content` in each delta."""
    told = _decode(chunk)
    for choice in told.get("choices") or ():
        delta = choice.get("delta")
        if isinstance(delta, dict):
            delta.setdefault("content", "")
    return _encode(told)


def with_model(body: bytes, model: str) -> bytes:
    """Return *body* with *model* in it where it names none; what is no JSON object stays as it is, to be refused."""
    try:
        fields = _fields(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if fields.get("model", NULL) != NULL:
        return body
    return _encode({**fields, "model": model})
