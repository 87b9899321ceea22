"""The embedded engine as an upstream: what the engine's statuses mean."""

from typing import Any

import msgspec
import pytest

from parley.errors import ParleyError, UpstreamBroken, UpstreamDenied, UpstreamRefused
from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.local.provider import refusal

TOO_LONG = {"code": 400, "message": "m", "type": "exceed_context_size_error", "n_prompt_tokens": 16051, "n_ctx": 2048}


@pytest.mark.parametrize(("operation", "param"), [("chat.completions", "messages"), ("completions", "prompt")])
def test_a_prompt_that_is_too_long_is_told_in_openais_words(operation: str, param: str) -> None:
    """With the limit and the length."""
    error = refusal(a_call(b"", operation=operation), 400, msgspec.json.encode({"error": TOO_LONG}))
    assert (type(error), error.param, error.error_code) == (UpstreamRefused, param, "context_length_exceeded")
    assert "maximum context length is 2048 tokens" in error.message
    assert "16051 tokens" in error.message


@pytest.mark.parametrize(
    ("status", "kind"), [(400, UpstreamRefused), (401, UpstreamDenied), (500, UpstreamBroken), (501, UpstreamRefused)]
)
def test_each_status_has_its_meaning(status: int, kind: type[ParleyError]) -> None:
    """Whatever its body says."""
    for body in (b"", b'{"error": {"code": 500, "message": "m", "type": "server_error"}}'):
        assert type(refusal(a_call(b""), status, body)) is kind


TOOL = {"type": "function", "function": {"name": "f"}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}


@pytest.mark.parametrize(
    ("parameters", "param", "code"),
    [
        ({"response_format": FORMAT}, "response_format.json_schema.schema", "invalid_json_schema"),
        ({"tools": [TOOL]}, "tools[0].function.parameters", "invalid_function_parameters"),
        ({"tools": [TOOL, TOOL]}, "tools", "invalid_function_parameters"),
        ({"functions": [{"name": "f"}]}, "functions[0].parameters", "invalid_function_parameters"),
    ],
)
def test_a_schema_that_only_the_engine_refuses_is_named(parameters: dict[str, Any], param: str, code: str) -> None:
    """In our words."""
    call = a_call({"model": "m", "messages": [{"role": "user", "content": "x"}], **parameters})
    call.take(decode(call))
    error = refusal(call, 400, b'{"error": {"message": "failed to parse grammar"}}')
    assert (error.param, error.error_code) == (param, code)
    assert "failed to parse" not in error.message
