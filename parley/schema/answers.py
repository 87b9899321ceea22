"""The answers of chat: whole, and in chunks, as they are written on the wire.

They build our own answers and describe all of them in the OpenAPI document; an upstream's answer is relayed
as bytes and read through `parley.schema.views`. A field that is `UNSET` is left out, one that is None is
null. Tagged structs write `object` by themselves.
"""

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from parley.schema.messages import CalledFunction, ToolCall
from parley.schema.wire import FinishReason, Metadata, Wire


class PromptDetails(Wire, omit_defaults=True):
    """What the prompt's tokens were."""

    cached_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(Wire, omit_defaults=True):
    """What the answer's tokens were."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    text_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class TokenUsage(Wire, omit_defaults=True):
    """Tokens of one call."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class TopLogprob(Wire):
    """A token that was likely at a place."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(Wire):
    """A token of the answer, and those that were likely in its place."""

    token: str
    logprob: float
    top_logprobs: list[TopLogprob]
    bytes: list[int] | None = None


class Logprobs(Wire):
    """How likely each token was."""

    content: list[TokenLogprob] | None = None
    refusal: list[TokenLogprob] | None = None


class SpokenAnswer(Wire):
    """The answer as sound, base64."""

    id: str
    data: str
    expires_at: int
    transcript: str


class AnswerMessage(Wire):
    """What the model said."""

    role: Literal["assistant"]
    content: str | None = None
    refusal: str | UnsetType | None = UNSET
    annotations: list[dict[str, Any]] | UnsetType | None = UNSET
    audio: SpokenAnswer | UnsetType | None = UNSET
    tool_calls: list[ToolCall] | UnsetType | None = UNSET
    function_call: CalledFunction | UnsetType | None = UNSET


class ChatChoice(Wire):
    """One of the answers."""

    index: int
    message: AnswerMessage
    finish_reason: FinishReason
    logprobs: Logprobs | None = None


class ChatCompletion(Wire, tag_field="object", tag="chat.completion", omit_defaults=True):
    """A whole answer."""

    id: str
    created: int
    model: str
    choices: list[ChatChoice]
    usage: TokenUsage | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    metadata: Metadata | None = None
    moderation: dict[str, Any] | None = None


class FunctionDelta(Wire):
    """A piece of a function's call."""

    name: str | UnsetType | None = UNSET
    arguments: str | UnsetType | None = UNSET


class ToolCallDelta(Wire):
    """A piece of a tool call; id, type and name come with the first piece only."""

    index: int
    id: str | UnsetType | None = UNSET
    type: Literal["function", "custom"] | UnsetType | None = UNSET
    function: FunctionDelta | UnsetType | None = UNSET


class Delta(Wire):
    """What a chunk adds to the message."""

    role: Literal["developer", "system", "user", "assistant", "tool"] | UnsetType | None = UNSET
    content: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    tool_calls: list[ToolCallDelta] | UnsetType | None = UNSET
    function_call: FunctionDelta | UnsetType | None = UNSET


class ChunkChoice(Wire):
    """What a chunk adds to one of the answers."""

    index: int
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: FinishReason | None = None


class ChatChunk(Wire, tag_field="object", tag="chat.completion.chunk"):
    """A piece of a streamed answer."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: TokenUsage | UnsetType | None = UNSET
    service_tier: str | UnsetType | None = UNSET
    system_fingerprint: str | UnsetType | None = UNSET
