"""Embeddings on the engine: what we ask, and its answer as OpenAI's."""

from typing import Any

import msgspec

from parley.core.call import Call
from parley.errors import InvalidRequest
from parley.schema.embeddings import KNOWN, EmbeddingRequest
from parley.upstreams.providers.local.asking import Plan, refuse, refuse_unknown


def plan_vectors(call: Call) -> Plan:
    """Return what to ask the engine for *call*. Raises InvalidRequest, naming what it cannot do."""
    ask: EmbeddingRequest = call.ask
    refuse_unknown(call, KNOWN)
    if ask.dimensions is not None:
        raise refuse("dimensions")
    return Plan({"input": ask.input, "encoding_format": ask.encoding_format or "float"})


def check_lengths(plan: Plan, context: int) -> list[str]:
    """Return the texts that may be longer than *context* tokens: they have to be counted.

    A token is at least a byte, so a text of fewer bytes fits. Raises InvalidRequest for lists of tokens that don't.
    """
    inputs = plan.body["input"]
    several = inputs if isinstance(inputs, list) and not isinstance(inputs[0], int) else [inputs]
    for item in several:
        if isinstance(item, list):
            check_length(len(item), context)
    return [item for item in several if isinstance(item, str) and len(item.encode()) >= context - 1]


def check_length(tokens: int, context: int) -> None:
    """Raise InvalidRequest when *tokens* are more than *context*."""
    if tokens > context:
        raise InvalidRequest(
            f"This model's maximum context length is {context} tokens, however you requested {tokens} tokens. "
            "Please reduce your input.",
            param="input",
            code="context_length_exceeded",
        )


def vectors(answer: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the engine's *answer* in OpenAI's form, and its usage."""
    told = msgspec.json.decode(answer)
    data = [{"object": "embedding", "index": item["index"], "embedding": item["embedding"]} for item in told["data"]]
    usage = {"prompt_tokens": told["usage"]["prompt_tokens"], "total_tokens": told["usage"]["prompt_tokens"]}
    return msgspec.json.encode({"object": "list", "data": data, "model": told["model"], "usage": usage}), usage
