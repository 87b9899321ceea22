"""One chat.completion out of the chunks of a stream, on plain JSON values, so that no field is lost."""

from typing import Any

GROWING = ("content", "refusal", "arguments", "reasoning_content")  # texts that come in pieces


def merge(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the chat.completion that *chunks* (chat.completion.chunk objects, in order) are the pieces of."""
    first = chunks[0] if chunks else {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk.get("choices") or ():
            _add(choices.setdefault(piece.get("index", 0), {"logprobs": None, "finish_reason": None}), piece)
    return {
        "id": first.get("id", ""),
        "object": "chat.completion",
        "created": first.get("created", 0),
        "model": first.get("model", ""),
        "choices": [
            {"index": index, "message": _message(choice.pop("delta", {})), **choice}
            for index, choice in sorted(choices.items())
        ],
        "system_fingerprint": first.get("system_fingerprint"),
    }


def _add(choice: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add one *piece* to its *choice*."""
    choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]
    logprobs = piece.get("logprobs")
    if logprobs:
        known = choice["logprobs"] or {"content": [], "refusal": None}
        known["content"] += logprobs.get("content") or []
        choice["logprobs"] = known
    delta = choice.setdefault("delta", {})
    for name, value in (piece.get("delta") or {}).items():
        if name == "tool_calls":
            calls = delta.setdefault("tool_calls", {})
            for call in value or ():
                _grow(calls.setdefault(call.get("index", 0), {}), call)
        elif name == "function_call":
            _grow(delta.setdefault(name, {}), value or {})
        else:
            _grow(delta, {name: value})


def _grow(into: dict[str, Any], piece: dict[str, Any]) -> None:
    """Add the texts of *piece* to those of *into*; ids, names and roles come once."""
    for name, value in piece.items():
        if isinstance(value, dict):
            _grow(into.setdefault(name, {}), value)
        elif isinstance(value, str) and name in GROWING:
            into[name] = (into.get(name) or "") + value
        elif value is not None or name not in into:
            into[name] = value


def _message(delta: dict[str, Any]) -> dict[str, Any]:
    """Return the message that *delta*, added up, is."""
    message = {"role": "assistant", "content": None, "refusal": None, **delta}
    message["refusal"] = message["refusal"] or None
    calls = delta.get("tool_calls")
    if calls:
        message["tool_calls"] = [
            {name: value for name, value in call.items() if name != "index"} for _, call in sorted(calls.items())
        ]
        message["content"] = message["content"] or None
    return message
