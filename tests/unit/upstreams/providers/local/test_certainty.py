"""Certainty: when a model is asked how sure it is to call, and what its first token tells."""

import math
from typing import Any

import msgspec
import pytest

from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.local.asking import Plan, plan_chat, ways
from parley.upstreams.providers.local.certainty import chooses, first_token, in_words, sure

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "s", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
}


def planned(**parameters: Any) -> Plan:
    """Return the plan by forms of a chat."""
    call = a_call({"model": "m", "messages": [{"role": "user", "content": "to Rome"}], **parameters})
    call.take(decode(call))
    return next(ways(plan_chat(call)))[0]


def test_only_a_free_choice_is_asked_about() -> None:
    """Not where a call has to be made, nor where there is no function."""
    assert chooses(planned(tools=[TOOL]))
    assert not chooses(planned(tools=[TOOL], tool_choice="required"))
    assert not chooses(planned(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f"}}))
    assert not chooses(planned(tools=[TOOL], tool_choice="none"))
    assert not chooses(planned(response_format=SCHEMA))
    assert not chooses(Plan({}))


def test_the_first_token_is_asked_for_alone() -> None:
    """The likeliest one, by the same grammar, with its chance."""
    plan = planned(tools=[TOOL], temperature=0.8, stop=["x"], max_tokens=50)
    body = first_token(plan).body
    asked = {"stream": False, "max_tokens": 1, "temperature": 0, "n": 1, "logprobs": True, "top_logprobs": 1}
    assert {name: body[name] for name in asked} == asked
    assert body["grammar"] == plan.body["grammar"]
    assert not {"stop", "stream_options", "timings_per_token"} & body.keys()


@pytest.mark.parametrize(
    ("token", "chance", "least", "found"),
    [("<", 0.8, 0.75, True), ("<", 0.7, 0.75, False), ("I", 0.99, 0.75, False), (None, 0, 0.75, True)],
)
def test_a_call_is_made_where_it_is_likely(token: str | None, chance: float, least: float, found: bool) -> None:
    """Where the engine tells no chance, it is as it was."""
    told = {"content": [{"token": token, "logprob": math.log(chance)}]} if token else None
    answer = msgspec.json.encode({"choices": [{"logprobs": told}]})
    assert sure(answer, least) is found


def test_an_answer_in_words_has_no_form() -> None:
    """But all that was asked for besides."""
    plan = planned(tools=[TOOL], max_tokens=50)
    other = in_words(plan)
    assert "TEXT" in other.body["grammar"]
    assert "form" not in other.body["grammar"]
    assert {**other.body, "grammar": ""} == {**plan.body, "grammar": ""}
