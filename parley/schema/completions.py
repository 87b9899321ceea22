"""The older completions: a prompt in, its continuation out."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from parley.errors import InvalidRequest
from parley.schema.answers import TokenUsage
from parley.schema.chat import check_stream_options
from parley.schema.reading import names
from parley.schema.tokens import Prompt, check_uniform
from parley.schema.wire import (
    Choices,
    CountOrNone,
    FinishReason,
    LogitBias,
    Model,
    Penalty,
    Seed,
    Share,
    StopList,
    StreamOptions,
    Temperature,
    Wire,
)


class CompletionRequest(Wire):
    """The body of `POST /v1/completions`."""

    model: Model
    prompt: Prompt | None = None
    best_of: Annotated[int, Meta(ge=1, le=20)] | None = None
    echo: bool | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    max_tokens: CountOrNone | None = None
    n: Choices | None = None
    presence_penalty: Penalty | None = None
    seed: Seed | None = None
    stop: str | StopList | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    user: str | None = None


DECODER: Final = msgspec.json.Decoder(CompletionRequest)
KNOWN: Final = names(CompletionRequest)


def check(ask: CompletionRequest) -> None:
    """Raise `InvalidRequest` where parameters that are right by themselves do not go together."""
    if isinstance(ask.prompt, list):
        check_uniform(ask.prompt, "prompt")
    if ask.stream_options is not None:
        check_stream_options(ask.stream)
    if ask.best_of is None:
        return
    if ask.stream:
        raise InvalidRequest("The 'best_of' parameter is not allowed when 'stream' is enabled.", param="best_of")
    if ask.best_of < (ask.n or 1):
        message = f"Invalid 'best_of': expected a value >= 'n' ({ask.n}), but got {ask.best_of} instead."
        raise InvalidRequest(message, param="best_of", code="integer_below_min_value")


class CompletionLogprobs(Wire):
    """How likely each token was; the lists run in parallel."""

    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None
    text_offset: list[int] | None = None


class CompletionChoice(Wire):
    """One of the continuations; a chunk's `finish_reason` is null until the last."""

    index: int
    text: str
    finish_reason: FinishReason | None
    logprobs: CompletionLogprobs | None = None


class Completion(Wire, tag_field="object", tag="text_completion", omit_defaults=True):
    """A whole answer, or a piece of a streamed one: both look the same."""

    id: str
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: TokenUsage | None = None
    system_fingerprint: str | None = None
