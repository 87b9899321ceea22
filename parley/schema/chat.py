"""The chat request: every documented parameter with its documented limits, and the rules that span several.

`ChatRequest` is what we read. Parameters that we do not know are let through here: they go upstream with the
client's own bytes, or are refused by name by a provider that cannot honour them (`KNOWN` tells them apart).
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from parley.errors import InvalidRequest
from parley.schema.answers import ChatChunk, ChatCompletion
from parley.schema.messages import AssistantMessage, Message, ToolMessage
from parley.schema.options import (
    AudioOptions,
    CacheOptions,
    ModerationOptions,
    Prediction,
    SearchOptions,
)
from parley.schema.reading import names, short
from parley.schema.tools import (
    AllowedChoice,
    CustomChoice,
    Function,
    FunctionCallChoice,
    FunctionChoice,
    Functions,
    FunctionTool,
    Named,
    ResponseFormat,
    Tool,
    ToolChoice,
    Tools,
)
from parley.schema.views import ChunkView, WholeView
from parley.schema.wire import (
    Choices,
    Count,
    LogitBias,
    Metadata,
    Model,
    Penalty,
    Seed,
    ServiceTier,
    Share,
    StopList,
    StreamOptions,
    Temperature,
    Wire,
)

__all__ = [
    "DECODER",
    "KNOWN",
    "ChatChunk",
    "ChatCompletion",
    "ChatRequest",
    "ChunkView",
    "WholeView",
    "check",
]


class ChatRequest(Wire):
    """The body of `POST /v1/chat/completions`."""

    model: Model
    messages: Annotated[list[Message], Meta(min_length=1)]
    audio: AudioOptions | None = None
    frequency_penalty: Penalty | None = None
    function_call: FunctionCallChoice | None = None
    functions: Functions | None = None
    logit_bias: LogitBias | None = None
    logprobs: bool | None = None
    max_completion_tokens: Count | None = None
    max_tokens: Count | None = None
    metadata: Metadata | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    moderation: ModerationOptions | None = None
    n: Choices | None = None
    parallel_tool_calls: bool | None = None
    prediction: Prediction | None = None
    presence_penalty: Penalty | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: CacheOptions | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    response_format: ResponseFormat | None = None
    safety_identifier: Annotated[str, Meta(max_length=128)] | None = None
    seed: Seed | None = None
    service_tier: ServiceTier | None = None
    stop: str | StopList | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    tool_choice: ToolChoice | None = None
    tools: Tools | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    top_p: Share | None = None
    user: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: SearchOptions | None = None

    @property
    def limit(self) -> int | None:
        """Return the most tokens each answer may have, whichever parameter says so; None where none does."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens


DECODER: Final = msgspec.json.Decoder(ChatRequest)
KNOWN: Final = names(ChatRequest)


def check(ask: ChatRequest) -> None:
    """Raise `InvalidRequest` where parameters that are right by themselves do not go together."""
    if ask.stream_options is not None:
        check_stream_options(ask.stream)
    if ask.top_logprobs is not None and not ask.logprobs:
        message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        raise InvalidRequest(message, param="top_logprobs")
    if ask.max_tokens is not None and ask.max_completion_tokens is not None:
        message = "'max_tokens' and 'max_completion_tokens' cannot both be given. Use 'max_completion_tokens'."
        raise InvalidRequest(message, param="max_tokens")
    if ask.functions is not None and ask.tools is not None:
        message = "'functions' and 'tools' cannot both be given. Use 'tools'."
        raise InvalidRequest(message, param="functions")
    if ask.tool_choice is not None and ask.tool_choice != "none":
        _check_tool_choice(ask.tool_choice, ask.tools)
    if ask.function_call is not None and ask.function_call != "none":
        _check_function_call(ask.function_call, ask.functions)
    _check_tool_messages(ask.messages)


def check_stream_options(stream: bool | None) -> None:
    """Raise unless the answer is streamed; for requests that carry `stream_options`."""
    if not stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise InvalidRequest(message, param="stream_options")


def _check_tool_choice(choice: ToolChoice, tools: list[Tool] | None) -> None:
    """Raise where a tool is chosen that was not given."""
    if not tools:
        message = "'tool_choice' is only allowed when 'tools' are specified."
        raise InvalidRequest(message, param="tool_choice")
    if isinstance(choice, str):
        return
    given = {_identity(tool) for tool in tools}
    for one in choice.allowed_tools.tools if isinstance(choice, AllowedChoice) else [choice]:
        if _identity(one) not in given:
            name = short(_identity(one)[1])
            message = f"Invalid value for 'tool_choice': no tool named '{name}' was specified in 'tools'."
            raise InvalidRequest(message, param="tool_choice", code="invalid_value")


def _identity(tool: Tool | FunctionChoice | CustomChoice) -> tuple[str, str]:
    """Return what names a tool: its type and its name."""
    if isinstance(tool, FunctionTool | FunctionChoice):
        return "function", tool.function.name
    return "custom", tool.custom.name


def _check_function_call(choice: FunctionCallChoice, functions: list[Function] | None) -> None:
    """Raise where a function is chosen that was not given."""
    if not functions:
        message = "'function_call' is only allowed when 'functions' are specified."
        raise InvalidRequest(message, param="function_call")
    if isinstance(choice, Named) and all(choice.name != function.name for function in functions):
        name = short(choice.name)
        message = (
            f"Invalid value for 'function_call': no function named '{name}' was specified in the 'functions' parameter."
        )
        raise InvalidRequest(message, param="function_call", code="invalid_value")


def _check_tool_messages(messages: list[Message]) -> None:
    """Raise where a tool's message answers no call of the assistant's message before it, or none answers a call."""
    asked: frozenset[str] = frozenset()
    open_calls: dict[str, None] = {}
    for index, message in enumerate(messages):
        if type(message) is ToolMessage:  # isinstance() costs five times as much here
            _check_answered(message, asked, index)
            open_calls.pop(message.tool_call_id, None)
            continue
        if open_calls:
            raise _unanswered(open_calls, index)
        if type(message) is AssistantMessage and message.tool_calls:
            open_calls = dict.fromkeys(call.id for call in message.tool_calls)
            asked = frozenset(open_calls)
        elif asked:
            asked = frozenset()
    if open_calls:
        raise _unanswered(open_calls, len(messages) - 1)


def _unanswered(ids: Iterable[str], index: int) -> InvalidRequest:
    """Return the error of the calls *ids* that no tool's message before the message *index* answers."""
    text = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {short(', '.join(ids))}"
    )
    return InvalidRequest(text, param=f"messages.[{index}].role")


def _check_answered(message: ToolMessage, asked: frozenset[str], index: int) -> None:
    """Raise unless *message* answers one of the calls *asked*."""
    if not asked:
        text = (
            "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
        )
        raise InvalidRequest(text, param=f"messages.[{index}].role")
    if message.tool_call_id not in asked:
        wrong = short(message.tool_call_id)
        text = f"Invalid parameter: 'tool_call_id' of '{wrong}' not found in 'tool_calls' of previous message."
        raise InvalidRequest(text, param=f"messages.[{index}].tool_call_id")
