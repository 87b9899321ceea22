"""What goes to an OpenAI-compatible upstream."""

import json
from typing import Any

import msgspec
import pytest

from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.money import FREE
from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.bodies import body_for, choices_of

TARGET = Target("main", "gpt-4o", FREE)
HELLO = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def call(body: object, operation: str = "chat.completions") -> Call:
    """Return a call that was read."""
    it = a_call(body, operation=operation)
    it.take(decode(it))
    return it


def sent(**changes: Any) -> dict[str, Any]:
    """Return what goes upstream of a call with *changes*."""
    return dict(json.loads(body_for(call(HELLO | changes), TARGET)))


def test_the_clients_own_bytes_go_upstream() -> None:
    """Where nothing has to change, not a space does."""
    raw = b'{ "model":"gpt-4o", "wibble": 1.0, "messages":[{"role":"user","content":"\\u00fc"}] }'
    assert body_for(call(raw), TARGET) is not None
    assert body_for(call(raw), TARGET) == raw


def test_the_models_name_is_the_upstreams() -> None:
    """All else stays as it came, unknown members too."""
    raw = b'{"model": "alias", "x": 1.0, "messages": [{"role": "user", "content": "\\u00fc"}]}'
    changed = msgspec.json.decode(body_for(call(raw), TARGET), type=dict[str, msgspec.Raw])
    assert bytes(changed["model"]) == b'"gpt-4o"'
    assert bytes(changed["x"]) == b"1.0"
    assert bytes(changed["messages"]) == b'[{"role": "user", "content": "\\u00fc"}]'


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": None}])
def test_a_streams_usage_is_always_asked_for(options: dict[str, Any] | None) -> None:
    """The meter needs it, the client need not see it."""
    assert sent(stream=True, stream_options=options)["stream_options"] == {"include_usage": True}


def test_other_options_of_a_stream_stay() -> None:
    """Only the usage is added."""
    told_options = sent(stream=True, stream_options={"include_obfuscation": False})["stream_options"]
    assert told_options == {"include_obfuscation": False, "include_usage": True}


def test_storing_is_our_own_business() -> None:
    """The upstream is told neither `store` nor what goes with it; without `store` metadata is its own."""
    assert sent(store=True, metadata={"a": "b"}) == HELLO
    assert sent(store=False, metadata={"a": "b"}) == HELLO | {"store": False, "metadata": {"a": "b"}}


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"prompt": "x"}, 1),
        ({"prompt": "x", "n": 3}, 3),
        ({"prompt": ["x", "y"]}, 2),
        ({"prompt": ["x", "y"], "n": 2}, 4),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": [[1, 2], [3]]}, 2),
        ({}, 1),
    ],
)
def test_each_prompt_has_its_choices(asked: dict[str, Any], number: int) -> None:
    """An answer to several prompts has not ended when one of them has."""
    assert choices_of(call({"model": "m", **asked}, "completions")) == number


def went_on(prefill: str) -> dict[str, Any]:
    """Return what goes upstream so that it goes on with an answer."""
    it = call(HELLO | {"max_tokens": 10})
    it.begun, it.cap = "Hello, th", 7
    return dict(json.loads(body_for(it, TARGET, prefill)))


def test_an_answer_is_gone_on_with() -> None:
    """What was said stands last, in the way that the upstream understands; what is left of the length is asked for."""
    last = {"role": "assistant", "content": "Hello, th"}
    assert went_on("plain") == {"model": "gpt-4o", "messages": [*HELLO["messages"], last], "max_tokens": 7}
    assert went_on("prefix")["messages"][-1] == last | {"prefix": True}
    vllm = went_on("vllm")
    assert (vllm["messages"][-1], vllm["continue_final_message"], vllm["add_generation_prompt"]) == (last, True, False)
