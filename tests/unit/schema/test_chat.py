"""The chat request: every documented parameter is read, and what does not go together is refused."""

import json
from typing import Any

import pytest
from openai.types.chat import completion_create_params as documented

from parley.errors import InvalidRequest
from parley.schema import chat
from parley.schema.reading import read

HI = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CUSTOM = {"type": "custom", "custom": {"name": "code", "format": {"type": "text"}}}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
}


def ask(*messages: dict[str, Any], **parameters: Any) -> chat.ChatRequest:
    """Return the request with *messages* (or one) and *parameters*, read."""
    body = {"model": "gpt-4o", "messages": list(messages) or [HI]} | parameters
    return read(json.dumps(body).encode(), chat.DECODER)


def test_every_documented_parameter_is_known() -> None:
    """The parameters are exactly those that the official client documents."""
    names = set(documented.CompletionCreateParamsBase.__annotations__) | {"stream"}
    assert names == chat.KNOWN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("audio", {"format": "wav", "voice": "alloy"}),
        ("audio", {"format": "mp3", "voice": {"id": "voice_1"}}),
        ("frequency_penalty", -2),
        ("function_call", "auto"),
        ("function_call", {"name": "f"}),
        ("functions", [{"name": "f", "description": "d", "parameters": {"type": "object"}}]),
        ("logit_bias", {"50256": -100, "11": 0.5}),
        ("logprobs", True),
        ("max_completion_tokens", 1),
        ("max_tokens", 4096),
        ("metadata", {"k" * 64: "v" * 512}),
        ("modalities", ["text", "audio"]),
        ("moderation", {"model": "omni", "policy": {"input": {"mode": "block"}, "output": None}}),
        ("n", 128),
        ("parallel_tool_calls", False),
        ("prediction", {"type": "content", "content": [{"type": "text", "text": "x"}]}),
        ("presence_penalty", 2.0),
        ("prompt_cache_key", "k"),
        ("prompt_cache_options", {"mode": "explicit", "ttl": "30m"}),
        ("prompt_cache_retention", "24h"),
        ("reasoning_effort", "xhigh"),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}),
        ("safety_identifier", "s" * 128),
        ("seed", -(2**63)),
        ("service_tier", "flex"),
        ("stop", "\n"),
        ("stop", ["a", "b", "c", "d"]),
        ("store", True),
        ("stream", True),
        ("temperature", 0),
        ("tool_choice", "required"),
        ("tool_choice", {"type": "custom", "custom": {"name": "code"}}),
        (
            "tool_choice",
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
        ("tools", [TOOL, CUSTOM]),
        ("tools", []),
        ("top_logprobs", 20),
        ("top_p", 0.1),
        ("user", "u"),
        ("verbosity", "low"),
        ("web_search_options", {"user_location": {"type": "approximate", "approximate": {"city": "Bern"}}}),
    ],
)
def test_a_documented_value_is_read(name: str, value: Any) -> None:
    """Each parameter takes what the documentation says it takes."""
    assert getattr(ask(**{name: value}), name) is not None


@pytest.mark.parametrize("name", sorted(chat.KNOWN - {"model", "messages"}))
def test_null_means_not_given(name: str) -> None:
    """Every optional parameter takes null."""
    assert getattr(ask(**{name: None}), name) is None


@pytest.mark.parametrize(
    "message",
    [
        {"role": "developer", "content": "x", "name": "n"},
        {"role": "system", "content": [{"type": "text", "text": "x"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]},
        {
            "role": "user",
            "content": [{"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}],
        },
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "audio": {"id": "audio_1"}},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": None},
        CALLED,
    ],
)
def test_every_kind_of_message_is_read(message: dict[str, Any]) -> None:
    """All roles and all kinds of content are taken."""
    answers = [{"role": "tool", "content": "x", "tool_call_id": call["id"]} for call in message.get("tool_calls", ())]
    chat.check(ask(message, *answers))


def test_a_tool_may_answer_after_another() -> None:
    """Several tool messages may follow the calls they answer."""
    call = CALLED["tool_calls"][0]  # type: ignore[index]
    both = CALLED | {"tool_calls": [call, {"id": "b", "type": "custom", "custom": {"name": "c", "input": ""}}]}
    answers = [{"role": "tool", "content": "x", "tool_call_id": name} for name in ("b", "call_1")]
    chat.check(ask(HI, both, *answers))


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([{"role": "tool", "content": "x", "tool_call_id": "call_1"}], "messages.[0].role"),
        ([HI, {"role": "tool", "content": "x", "tool_call_id": "call_1"}], "messages.[1].role"),
        ([HI, HI, {"role": "tool", "content": "x", "tool_call_id": "call_1"}], "messages.[2].role"),
        ([CALLED, {"role": "tool", "content": "x", "tool_call_id": "other"}], "messages.[1].tool_call_id"),
    ],
)
def test_a_tool_message_without_its_call_is_refused(messages: list[dict[str, Any]], param: str) -> None:
    """A tool's message must answer a call of the assistant's message before it."""
    with pytest.raises(InvalidRequest) as caught:
        chat.check(ask(*messages))
    assert caught.value.param == param


@pytest.mark.parametrize("after", [[], [HI], [CALLED]])
def test_a_call_that_is_left_unanswered_is_refused(after: list[dict[str, Any]]) -> None:
    """In OpenAI's words, at the message that stands where its answer should."""
    with pytest.raises(InvalidRequest) as caught:
        chat.check(ask(HI, CALLED, *after))
    assert caught.value.param == f"messages.[{1 + len(after)}].role"
    assert caught.value.message == (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        "The following tool_call_ids did not have response messages: call_1"
    )


def test_only_the_calls_without_an_answer_are_named() -> None:
    """Of several calls of one message."""
    both = CALLED | {"tool_calls": [CALLED["tool_calls"][0] | {"id": name} for name in ("a", "b", "c")]}  # type: ignore[index]
    with pytest.raises(InvalidRequest, match=r"messages: a, c$"):
        chat.check(ask(both, {"role": "tool", "content": "x", "tool_call_id": "b"}, HI))


def test_a_lone_tool_message_is_refused_in_openai_s_words() -> None:
    """The refusal of a tool message without call is OpenAI's sentence, with no code."""
    with pytest.raises(InvalidRequest) as caught:
        chat.check(ask({"role": "tool", "content": "x", "tool_call_id": "a"}))
    assert caught.value.error_code is None
    assert caught.value.message == (
        "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
    )


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": False, "stream_options": {}}, "stream_options"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"top_logprobs": 0, "logprobs": False}, "top_logprobs"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens"),
        ({"tools": [TOOL], "functions": [{"name": "f"}]}, "functions"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": "required", "tools": []}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}, "tools": [TOOL]}, "tool_choice"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "weather"}}, "tools": [TOOL]}, "tool_choice"),
        ({"function_call": "auto"}, "function_call"),
        ({"function_call": {"name": "x"}, "functions": [{"name": "f"}]}, "function_call"),
    ],
)
def test_what_does_not_go_together_is_refused(parameters: dict[str, Any], param: str) -> None:
    """Parameters that need or exclude each other are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        chat.check(ask(**parameters))
    assert caught.value.param == param


@pytest.mark.parametrize(
    "parameters",
    [
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"logprobs": True, "top_logprobs": 5},
        {"tool_choice": "none"},
        {"tool_choice": {"type": "function", "function": {"name": "weather"}}, "tools": [TOOL]},
        {"function_call": {"name": "f"}, "functions": [{"name": "f"}]},
    ],
)
def test_what_goes_together_is_let_through(parameters: dict[str, Any]) -> None:
    """Parameters that belong together pass."""
    chat.check(ask(**parameters))


@pytest.mark.parametrize(("old", "new", "limit"), [(None, None, None), (5, None, 5), (None, 7, 7)])
def test_the_limit_is_whichever_is_given(old: int | None, new: int | None, limit: int | None) -> None:
    """`limit` is `max_completion_tokens`, else `max_tokens`."""
    assert ask(max_tokens=old, max_completion_tokens=new).limit == limit
