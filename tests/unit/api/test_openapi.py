"""The OpenAPI document is valid, and says of each request exactly what reading accepts."""

import json
from typing import Any

import jsonschema
import msgspec
import pytest
import schemathesis
from openapi_spec_validator import validate

from parley.api.openapi import document
from parley.api.routes import Route
from parley.errors import InvalidRequest
from parley.schema import chat, completions, embeddings, stored
from parley.schema.models import ModelList
from parley.schema.reading import read
from parley.schema.wire import Metadata

HI = {"role": "user", "content": "hi"}


async def endpoint() -> None:
    """Answer nothing: the document never calls it."""


ROUTES = (
    Route("POST", "/v1/chat/completions", "chat.completions", "Chat.", endpoint, chat.ChatRequest,
          chat.ChatCompletion, streams=True, statuses=(400, 429, 503)),
    Route("GET", "/v1/chat/completions", "chat.completions.list", "List.", endpoint, answer=stored.StoredList,
          query=(("limit", stored.Limit, "How many."), ("metadata", Metadata, "Only those."))),
    Route("POST", "/v1/chat/completions/{completion_id}", "chat.completions.update", "Update.", endpoint,
          stored.StoredUpdate, chat.ChatCompletion),
    Route("POST", "/v1/completions", "completions", "Complete.", endpoint, completions.CompletionRequest,
          completions.Completion, streams=True),
    Route("POST", "/v1/embeddings", "embeddings", "Embed.", endpoint, embeddings.EmbeddingRequest,
          embeddings.EmbeddingList),
    Route("GET", "/v1/models", "models", "Models.", endpoint, answer=ModelList),
    Route("GET", "/metrics", "metrics", "Figures.", endpoint, secured=False, statuses=(500,), media="text/plain"),
)  # fmt: skip
DOCUMENT: dict[str, Any] = json.loads(document(ROUTES))


def operation(path: str, method: str) -> dict[str, Any]:
    """Return what the document says of an operation."""
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def fits(body: Any, name: str) -> bool:
    """Return whether *body* is what the document calls *name*."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(schema).is_valid(body)


def accepted(body: Any, decoder: Any) -> bool:
    """Return whether reading takes *body*."""
    try:
        found = read(json.dumps(body).encode(), decoder)
        if isinstance(found, embeddings.EmbeddingRequest):
            embeddings.check(found)
    except InvalidRequest:
        return False
    return True


def test_the_document_is_valid() -> None:
    """It is OpenAPI 3.1 to the letter."""
    validate(DOCUMENT)


def test_schemathesis_finds_every_operation() -> None:
    """A tester that reads the document can make requests for every route."""
    found = [one.ok() for one in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
    assert len(found) == len(ROUTES)


def test_an_answer_that_streams_says_so() -> None:
    """Where an answer may stream, both media types are there, and what a piece looks like."""
    content = operation("/v1/chat/completions", "post")["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/event-stream"}
    end, piece = content["text/event-stream"]["schema"]["properties"]["data"]["anyOf"]
    assert end == {"const": "[DONE]"}
    assert piece["contentSchema"]["anyOf"][0] == {"$ref": "#/components/schemas/ChatChunk"}


def test_every_error_a_route_gives_is_there() -> None:
    """Each status of the route stands in the document, with the error body and the request's id."""
    responses = operation("/v1/chat/completions", "post")["responses"]
    assert set(responses) == {"200", "400", "429", "503"}
    told = DOCUMENT["components"]["responses"]["429"]
    assert told["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
    assert "x-request-id" in told["headers"]


def test_only_what_takes_a_key_is_secured() -> None:
    """Open routes say that they need no key."""
    assert operation("/metrics", "get")["security"] == []
    assert operation("/v1/models", "get")["security"] == [{"key": []}]


def test_parameters_carry_their_limits() -> None:
    """Path and query parameters are there; a mapping is asked for by its keys."""
    limit, metadata = operation("/v1/chat/completions", "get")["parameters"]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert (metadata["style"], metadata["explode"]) == ("deepObject", True)
    path = operation("/v1/chat/completions/{completion_id}", "post")["parameters"][0]
    assert (path["name"], path["in"], path["required"]) == ("completion_id", "path", True)


def test_nothing_of_python_is_left() -> None:
    """Regular expressions are in the dialect of JSON Schema, and no marker of ours is published."""
    text = document(ROUTES).decode()
    assert "\\\\Z" not in text
    assert "x-parley" not in text


TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"messages": []},
        {"messages": [{"role": "x", "content": ""}]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "assistant"}]},
        {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]},
        {"messages": [{"role": "function", "name": "f", "content": None}]},
        {"messages": [HI | {"mood": "good"}]},
        {"messages": [{"role": "system", "content": [{"text": "x"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "", "prompt_cache_breakpoint": {}}]}]},
        {"prediction": {"content": "x"}},
        {"web_search_options": {"user_location": {"approximate": {}}}},
        {"model": ""},
        {"model": None},
        {"temperature": 2},
        {"temperature": 2.01},
        {"temperature": None},
        {"temperature": "1"},
        {"n": 128},
        {"n": 129},
        {"n": True},
        {"max_tokens": 0},
        {"max_tokens": 2**31},
        {"seed": 2**63 - 1},
        {"seed": 2**63},
        {"stop": []},
        {"stop": ["x"] * 5},
        {"stop": 1},
        {"metadata": {str(i): "" for i in range(17)}},
        {"metadata": {"k" * 65: ""}},
        {"metadata": {"k": "v" * 512}},
        {"metadata": {"k": "v" * 513}},
        {"metadata": {"k": None}},
        {"logit_bias": {"x": 1}},
        {"logit_bias": {"1": 100}},
        {"logit_bias": {"1": 100.5}},
        {"functions": []},
        {"functions": [{"name": "f"}] * 129},
        {"tools": [TOOL] * 129},
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        {"tools": [{"type": "function", "function": {"name": "a" * 65}}]},
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": []}}]},
        {"tools": [TOOL], "tool_choice": "auto"},
        {"tools": [TOOL], "tool_choice": "sometimes"},
        {"tools": [TOOL], "tool_choice": TOOL},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}},
        {"service_tier": "gold"},
        {"stream": 1},
        {"top_logprobs": 21},
        {"unknown": "x"},
    ],
)
def test_the_document_and_the_reading_agree_on_chat(parameters: dict[str, Any]) -> None:
    """What the document calls a chat request is what reading takes: nothing looser, nothing stricter."""
    body = {"model": "m", "messages": [HI]} | parameters
    assert fits(body, "ChatRequest") == accepted(body, chat.DECODER)


@pytest.mark.parametrize(
    "texts",
    ["", "x", [], [""], ["x"], ["x", 1], [1, 2], [-1], [1.5], [[]], [[1], "x"], [[1], [2]], None, ["x"] * 2049],
)
def test_the_document_and_the_reading_agree_on_inputs(texts: Any) -> None:
    """The same for what is embedded, where the struct's own type says less."""
    body = {"model": "m", "input": texts}
    assert fits(body, "EmbeddingRequest") == accepted(body, embeddings.DECODER)


def test_a_built_answer_fits_the_document() -> None:
    """A list of models as we write it is what the document says it is."""
    assert fits(json.loads(msgspec.json.encode(ModelList([]))), "ModelList")
