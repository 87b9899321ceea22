"""What the loaded model can hold: whether a call fits, before the engine is asked.

A text of more bytes than the context's tokens can stand for is refused unread: tokenizing ten megabytes takes seconds.
Fails with InvalidRequest.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from parley.core.call import Call
from parley.engine.engine import Address
from parley.errors import InvalidRequest
from parley.upstreams.providers.local.asking import Plan

PARTS = {"chat.completions": "messages", "completions": "prompt", "embeddings": "input"}


def fit(call: Call, plan: Plan, address: Address) -> None:
    """Raise InvalidRequest when the loaded model cannot do what *plan* asks for *call*."""
    if plan.vision and not address.vision:
        raise InvalidRequest("This model can't read images.", param="messages", code="unsupported_parameter")
    choices = msgspec.json.decode(plan.body["n"]) if "n" in plan.body else 1
    if choices > address.parallel:
        raise InvalidRequest(
            f"Invalid 'n': integer above maximum value. Expected a value <= {address.parallel} with this model, "
            f"but got {choices} instead.",
            param="n",
            code="integer_above_max_value",
        )
    _fit_limit(call, plan, address)
    part = PARTS[call.operation]
    for text in _texts(call, plan):
        _fit_text(text, part, address)
    if call.operation != "chat.completions":
        _fit_tokens(plan.body[part], part, address)


def ease(plan: Plan, address: Address) -> None:
    """Ask for no more tokens than there is room: who asked for another model could not know this one's limit."""
    if plan.body.get("max_tokens", 0) > address.context:
        plan.body["max_tokens"] = address.context


def _fit_limit(call: Call, plan: Plan, address: Address) -> None:
    """Raise where more tokens are asked for than there is room, or a token is favoured that does not exist."""
    limit = plan.body.get("max_tokens", 0)
    if limit > address.context:
        name = "max_tokens" if getattr(call.ask, "max_completion_tokens", None) is None else "max_completion_tokens"
        raise InvalidRequest(
            f"{name} is too large: {limit}. This model supports at most {address.context} completion tokens, "
            f"whereas you provided {limit}.",
            param=name,
            code="invalid_value",
        )
    last = address.vocabulary.size - 1
    wrong = next((token for token in getattr(call.ask, "logit_bias", None) or () if int(token) > last >= 0), None)
    if wrong is not None:
        raise InvalidRequest(
            f"Invalid key in 'logit_bias': {wrong[:20]}. Maximum value is {last}.",
            param="logit_bias",
            code="invalid_value",
        )


def _fit_text(texts: list[str], part: str, address: Address) -> None:
    """Raise where *texts* together have more tokens than the context, however long each token is."""
    if not address.vocabulary.longest:
        return
    least = -(-sum(len(text.strip().encode("utf-8", "replace")) for text in texts) // address.vocabulary.longest)
    if least > address.context:
        raise InvalidRequest(
            f"This model's maximum context length is {address.context} tokens. However, your {part} resulted in at "
            f"least {least} tokens. Please reduce the length of the {part}.",
            param=part,
            code="context_length_exceeded",
        )


def _texts(call: Call, plan: Plan) -> Iterator[list[str]]:
    """Yield the texts of *plan* that share one context."""
    if call.operation != "chat.completions":
        value = plan.body[PARTS[call.operation]]
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield [item]
        return
    told: list[str] = []
    for message in plan.body["messages"]:
        content = message.get("content")
        if message["role"] == "assistant":
            continue  # templates may leave out some of what the model said
        if isinstance(content, str):
            told.append(content)
        else:
            told += [part["text"] for part in content or () if part["type"] == "text"]
    yield told


def _fit_tokens(value: Any, part: str, address: Address) -> None:
    """Raise where *value* gives a token that the model does not have."""
    size = address.vocabulary.size
    lists = [value] if isinstance(value, list) and isinstance(value[0], int) else value
    for item in lists if isinstance(lists, list) and size else ():
        if isinstance(item, list) and (highest := max(item)) >= size:
            raise InvalidRequest(
                f"Invalid value for '{part}': {highest} is no token of this model; its tokens are 0 to {size - 1}.",
                param=part,
                code="invalid_value",
            )


def doubtful(call: Call, plan: Plan, address: Address) -> Iterator[str | list[int]]:
    """Yield the prompts of an older completion that may leave too little room for the tokens it asks for.

    A token is at least a byte, so a text of few bytes leaves enough, and needs no counting.
    """
    if call.ask.max_tokens is None:
        return
    prompts = plan.body["prompt"]
    for prompt in prompts if isinstance(prompts, list) and not isinstance(prompts[0], int) else [prompts]:
        longest = len(prompt) if isinstance(prompt, list) else len(prompt.encode("utf-8", "replace")) + 2
        if longest + call.ask.max_tokens > address.context:
            yield prompt


def check_room(call: Call, tokens: int, context: int) -> None:
    """Raise InvalidRequest where a prompt of so many *tokens* leaves too little room; the engine minds one too long."""
    wanted = call.ask.max_tokens
    if tokens < context < tokens + wanted:
        raise InvalidRequest(
            f"This model's maximum context length is {context} tokens, however you requested {tokens + wanted} tokens "
            f"({tokens} in your prompt; {wanted} for the completion). Please reduce your prompt; or completion length.",
            param="max_tokens",
            code="context_length_exceeded",
        )
