"""The newest official client for Python: each of its error classes, raised for its cause."""

import json
import re
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from asking import HELLO, MODEL, TOOLS
from servers import Server

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}

BAD: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": -1}, "temperature", "decimal_below_min_value"),
    ({"top_p": 1.5}, "top_p", "decimal_above_max_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": "hello"}, "messages", "invalid_type"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "boss", "content": "Hi"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "tool", "content": "Hi", "tool_call_id": "call_1"}]}, "messages.[0].role", None),
    ({"messages": [{"role": "user", "content": [PICTURE]}]}, "messages", "unsupported_parameter"),
    ({"stream_options": {"include_usage": True}}, "stream_options", None),
    ({"top_logprobs": 2}, "top_logprobs", None),
    ({"extra_body": {"nonsense": 1}}, "nonsense", "unknown_parameter"),
    ({"audio": {"voice": "alloy", "format": "wav"}, "modalities": ["text", "audio"]}, "audio", "unsupported_parameter"),
    ({"web_search_options": {}}, "web_search_options", "unsupported_parameter"),
    ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice", "invalid_value"),
    ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_value"),
    ({"max_tokens": 1_000_000}, "max_tokens", "invalid_value"),
    ({"max_completion_tokens": 1_000_000}, "max_completion_tokens", "invalid_value"),
    ({"logit_bias": {"9999999": 1}}, "logit_bias", "invalid_value"),
    ({"messages": [{"role": "user", "content": "far too long " * 200_000}]}, "messages", "context_length_exceeded"),
    ({"metadata": {"a": "b" * 513}, "store": True}, "metadata.a", "string_above_max_length"),
]

SCHEMAS: list[tuple[dict[str, Any], str]] = [
    ({"type": "foo"}, "invalid"),
    ({"$ref": "#/$defs/nobody"}, "invalid"),
    ({"type": "string", "pattern": "^a{2,1}$"}, "invalid"),
    ({"type": "string", "minLength": 9000}, "invalid"),
    ({"type": "string", "pattern": "^\\bfoo$"}, "unsupported"),
]


@pytest.fixture
def stranger(parley: Server) -> Iterator[openai.OpenAI]:
    """Open a client with a key that nobody made."""
    with openai.OpenAI(base_url=parley.base_url, api_key="sk-wrong", max_retries=0) as it:
        yield it


def test_wrong_key(stranger: openai.OpenAI) -> None:
    """A wrong key raises AuthenticationError, whose message hides the middle of the key."""
    with pytest.raises(openai.AuthenticationError) as raised:
        stranger.chat.completions.create(model=MODEL, messages=HELLO)
    assert (raised.value.status_code, raised.value.code) == (401, "invalid_api_key")
    assert "sk-wrong" not in raised.value.message


def test_no_key(stranger: openai.OpenAI) -> None:
    """No key raises AuthenticationError."""
    with pytest.raises(openai.AuthenticationError) as raised:
        stranger.models.list(extra_headers={"Authorization": openai.Omit()})
    assert (raised.value.type, raised.value.code) == ("invalid_request_error", None)
    assert raised.value.request_id


def test_revoked_key_is_dead_at_once(parley: Server, client: openai.OpenAI) -> None:
    """A key that has just been used raises AuthenticationError as soon as it is revoked."""
    key = parley.key()
    mine = client.with_options(api_key=key)
    mine.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    parley.run("key", "revoke", key)
    with pytest.raises(openai.AuthenticationError):
        mine.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)


def test_admin_key(parley: Server, client: openai.OpenAI) -> None:
    """An admin key raises PermissionDeniedError where a project's is needed."""
    with pytest.raises(openai.PermissionDeniedError) as raised:
        client.with_options(api_key=parley.key("--admin")).chat.completions.create(model=MODEL, messages=HELLO)
    assert raised.value.type == "invalid_request_error"


def test_unknown_model(client: openai.OpenAI) -> None:
    """An unknown model raises NotFoundError, in a call and when it is looked up."""
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gpt-none", messages=HELLO)
    assert (raised.value.code, raised.value.param) == ("model_not_found", None)
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("gpt-none")
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


def test_unknown_url(client: openai.OpenAI) -> None:
    """An endpoint that there is not raises NotFoundError, with a message."""
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client.post("/nonsense", cast_to=object)


@pytest.mark.parametrize(("changes", "param", "code"), BAD, ids=lambda value: str(value)[:40])
def test_bad_request(client: openai.OpenAI, changes: dict[str, Any], param: str | None, code: str | None) -> None:
    """A wrong request raises BadRequestError, which names the parameter."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{"model": MODEL, "messages": HELLO, **changes})
    assert (raised.value.param, raised.value.code) == (param, code)
    assert raised.value.type == "invalid_request_error"


def test_bad_request_before_a_stream(client: openai.OpenAI) -> None:
    """A wrong request that wants a stream is refused by status, not within a stream."""
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, temperature=3)


def test_too_long(client: openai.OpenAI) -> None:
    """Messages that are longer than the model's context raise BadRequestError with OpenAI's code for it."""
    with pytest.raises(openai.BadRequestError, match="maximum context length") as raised:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "all the world " * 9000}])
    assert (raised.value.param, raised.value.code) == ("messages", "context_length_exceeded")


def test_too_large(client: openai.OpenAI) -> None:
    """A body over the server's limit raises APIStatusError with the status 413."""
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x" * (33 << 20)}])
    assert raised.value.status_code == 413


def test_dead_upstream(client: openai.OpenAI, parley: Server) -> None:
    """A model whose server can't be reached raises InternalServerError, and the call has its row."""
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model="dead", messages=HELLO)
    row = parley.row(raised.value.request_id or "")
    assert (row["outcome"], row["status"]) == ("failed", raised.value.status_code)


def test_no_server(client: openai.OpenAI) -> None:
    """Where nobody listens, the client raises APIConnectionError: nothing of ours is mistaken for it."""
    with pytest.raises(openai.APIConnectionError):
        client.with_options(base_url="http://127.0.0.1:1/v1").models.list()


def test_refusal_has_its_row(client: openai.OpenAI, parley: Server) -> None:
    """A refused call has its row too, with the error's code."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=MODEL, messages=HELLO, temperature=3)
    row = parley.row(raised.value.request_id or "")
    assert (row["outcome"], row["status"], row["code"]) == ("refused", 400, "decimal_above_max_value")


@pytest.mark.parametrize(("schema", "fault"), SCHEMAS)
def test_broken_schema(client: openai.OpenAI, schema: dict[str, Any], fault: str) -> None:
    """A schema that no answer can be held to is refused, at once and named, wherever it stands."""
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    for name, parameter, param, code in (
        ("response_format", form, "response_format.json_schema.schema", "invalid_json_schema"),
        ("tools", [tool], "tools[0].function.parameters", "invalid_function_parameters"),
    ):
        with pytest.raises(openai.BadRequestError) as raised:
            client.with_options(timeout=5).chat.completions.create(model=MODEL, messages=HELLO, **{name: parameter})  # type: ignore[call-overload]
        assert raised.value.param == param
        assert raised.value.code == (code if fault == "invalid" else "unsupported_schema")


def test_digits_of_a_pattern(client: openai.OpenAI) -> None:
    """A pattern of digits, which llama.cpp alone would drop, holds the answer."""
    schema = {"type": "string", "pattern": r"^\d{3}-\d{2}$"}
    form: Any = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, response_format=form, max_tokens=20)
    assert re.fullmatch(r"\d{3}-\d{2}", json.loads(answer.choices[0].message.content or ""))
