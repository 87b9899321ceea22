"""Answers that we build are what the official client reads."""

import json

import msgspec
from openai.types import Completion as ClientCompletion
from openai.types import CreateEmbeddingResponse
from openai.types import Model as ClientModel
from openai.types.chat import ChatCompletion as ClientChat
from openai.types.chat import ChatCompletionChunk as ClientChunk
from openai.types.chat import ChatCompletionDeleted

from parley.schema.answers import (
    AnswerMessage,
    ChatChoice,
    ChatChunk,
    ChatCompletion,
    ChunkChoice,
    Delta,
    FunctionDelta,
    TokenUsage,
    ToolCallDelta,
)
from parley.schema.completions import Completion, CompletionChoice
from parley.schema.embeddings import Embedding, EmbeddingList, EmbeddingUsage
from parley.schema.errors import ErrorBody, ErrorDetail
from parley.schema.messages import CalledFunction, FunctionToolCall
from parley.schema.models import ModelObject
from parley.schema.stored import StoredDeleted

USAGE = TokenUsage(1, 2, 3)


def test_a_chat_completion_is_read_by_the_client() -> None:
    """A whole answer with a tool call has every field where the client looks for it."""
    call = FunctionToolCall(id="call_1", function=CalledFunction(name="f", arguments="{}"))
    message = AnswerMessage(role="assistant", content=None, refusal=None, tool_calls=[call])
    ours = ChatCompletion("chatcmpl-1", 5, "m", [ChatChoice(0, message, "tool_calls")], USAGE)
    read = ClientChat.model_validate_json(msgspec.json.encode(ours), strict=True)
    assert read.object == "chat.completion"
    assert read.choices[0].finish_reason == "tool_calls"
    assert read.choices[0].message.tool_calls is not None
    assert read.choices[0].message.tool_calls[0].type == "function"


def test_a_chunk_has_only_what_it_adds() -> None:
    """A chunk's delta leaves out what it does not add; `logprobs` and `finish_reason` are null."""
    ours = ChatChunk("chatcmpl-1", 5, "m", [ChunkChoice(0, Delta(content="hi"))])
    assert json.loads(msgspec.json.encode(ours)) == {
        "object": "chat.completion.chunk",
        "id": "chatcmpl-1",
        "created": 5,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": "hi"}, "logprobs": None, "finish_reason": None}],
    }


def test_a_tool_call_s_piece_is_read_by_the_client() -> None:
    """A later piece of a tool call carries its index and arguments only."""
    piece = ToolCallDelta(0, function=FunctionDelta(arguments='{"a"'))
    raw = msgspec.json.encode(ChatChunk("c", 5, "m", [ChunkChoice(0, Delta(tool_calls=[piece]))], usage=None))
    assert b'"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\""}}]' in raw
    assert ClientChunk.model_validate_json(raw, strict=True).usage is None


def test_the_other_answers_are_read_by_the_client() -> None:
    """Completions, embeddings, models and deletions validate as the client's own types."""
    for ours, theirs in (
        (Completion("cmpl-1", 5, "m", [CompletionChoice(0, "x", "stop")], USAGE), ClientCompletion),
        (EmbeddingList([Embedding(0, [0.5])], "m", EmbeddingUsage(1, 1)), CreateEmbeddingResponse),
        (ModelObject("m", 5, "parley"), ClientModel),
        (StoredDeleted("chatcmpl-1", deleted=True), ChatCompletionDeleted),
    ):
        theirs.model_validate_json(msgspec.json.encode(ours), strict=True)


def test_an_error_has_all_four_keys() -> None:
    """The error body carries its keys even where they are null."""
    raw = msgspec.json.encode(ErrorBody(ErrorDetail("no", "server_error", None, None)))
    assert raw == b'{"error":{"message":"no","type":"server_error","param":null,"code":null}}'
