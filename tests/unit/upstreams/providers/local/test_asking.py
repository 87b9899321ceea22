"""What we ask llama.cpp for a chat: nothing is dropped in silence."""

from typing import Any

import msgspec
import pytest

from parley.core.call import Call
from parley.errors import InvalidRequest
from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.local.asking import Plan, plan_chat, ways
from parley.upstreams.providers.local.grammar import grammar

HI = {"role": "user", "content": "hi"}
PARAMETERS = {"type": "object", "properties": {"on": {"type": "boolean"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": PARAMETERS}}
ANSWER = {"role": "tool", "content": "done"}
OTHER = {"type": "function", "function": {"name": "g"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": PARAMETERS}}
FUNCTION = {"type": "function", "function": {"name": "f"}}


def call(*messages: dict[str, Any], **parameters: Any) -> Call:
    """Return a call that was read."""
    it = a_call({"model": "m", "messages": list(messages) or [HI], **parameters})
    it.take(decode(it))
    return it


def plan(*messages: dict[str, Any], **parameters: Any) -> Plan:
    """Return the plan for a call, its body as the engine reads it."""
    made = plan_chat(call(*messages, **parameters))
    made.body = msgspec.json.decode(msgspec.json.encode(made.body))
    return made


def test_a_stream_with_usage_is_always_asked_for() -> None:
    """It is cancelled at once, and tells every choice's tokens."""
    body = plan().body
    assert (body["stream"], body["stream_options"], body["messages"]) == (True, {"include_usage": True}, [HI])


def test_sampling_is_passed_on() -> None:
    """With the client's own numbers; null is as not given."""
    asked = {"temperature": 0.5, "top_p": 1, "seed": 7, "stop": ["x"], "n": 2, "logit_bias": {"5": -100}, "top_k": 3}
    body = plan(**asked, presence_penalty=None).body
    assert {name: body[name] for name in asked} == asked
    assert "presence_penalty" not in body


def first(asked: Plan) -> tuple[Plan, str] | None:
    """Return the first of the ways to ask a model that fills in forms, if there is any."""
    return next(ways(asked), None)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_both_limits_are_one(name: str) -> None:
    """The engine's is max_tokens."""
    assert plan(**{name: 5}).body["max_tokens"] == 5


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"wibble": 1}, "wibble"),
        ({"grammar": "root ::= x"}, "grammar"),
        ({"verbosity": "low"}, "verbosity"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"modalities": ["text", "audio"], "audio": {"format": "wav", "voice": "alloy"}}, "audio"),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0].type"),
        ({"tools": [TOOL], "logprobs": True}, "logprobs"),
        ({"tools": [TOOL], "response_format": {"type": "json_object"}}, "response_format"),
    ],
)
def test_what_it_cant_do_is_refused_by_name(parameters: dict[str, Any], param: str) -> None:
    """Never dropped."""
    with pytest.raises(InvalidRequest) as failure:
        plan(**parameters)
    assert failure.value.param == param


@pytest.mark.parametrize(
    "parameters",
    [
        {"user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "service_tier": "auto"},
        {"store": True, "metadata": {"a": "b"}},
        {"reasoning_effort": "none", "modalities": ["text"], "parallel_tool_calls": True, "verbosity": None},
    ],
)
def test_what_changes_no_answer_is_accepted(parameters: dict[str, Any]) -> None:
    """And does not reach the engine."""
    assert not set(plan(**parameters).body) & set(parameters)


def test_logprobs_are_asked_for_with_at_least_one() -> None:
    """None at all would give the engine's twenty."""
    assert plan(logprobs=True).body["top_logprobs"] == 1
    assert plan(logprobs=True, top_logprobs=3).body["top_logprobs"] == 3


def test_a_schema_becomes_a_grammar() -> None:
    """llama.cpp's own would drop much of it."""
    body = plan(response_format=SCHEMA).body
    assert (body["grammar"], "response_format" in body) == (grammar(PARAMETERS), False)


@pytest.mark.parametrize("parameters", [{"response_format": SCHEMA}, {"tools": [TOOL]}])
def test_a_schema_the_grammar_cant_hold_is_refused(parameters: dict[str, Any]) -> None:
    """Wherever it stands."""
    text = msgspec.json.encode(parameters).replace(b'"boolean"', b'"integer","multipleOf":5')
    with pytest.raises(InvalidRequest, match="multipleOf"):
        plan(**msgspec.json.decode(text))


def test_a_strict_tool_of_a_free_choice_needs_llama_cpps_own_grammar() -> None:
    """No other can be in force; without `strict` the schema is what the model is told, but `false` it can't read."""
    limited = {"type": "object", "properties": {"a": {"type": "number", "minimum": 0}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": limited}}
    strict = {"type": "function", "function": {**tool["function"], "strict": True}}  # type: ignore[dict-item]
    assert plan(tools=[tool]).body["tools"] == [tool]
    assert "grammar" in plan(tools=[strict], tool_choice="required").body
    nothing = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": False}}}}
    for refused, name in ((strict, "minimum"), (nothing, "false")):
        with pytest.raises(InvalidRequest, match=rf"'{name}' is not supported .*\(at /properties/a\)") as failure:
            plan(tools=[refused])
        assert failure.value.error_code == "unsupported_schema"


def test_a_broken_tool_is_called_by_its_place() -> None:
    """The one that the client gave it, also where it allows only some of its tools."""
    broken = {"type": "function", "function": {"name": "b", "parameters": {"type": "foo"}}}
    named = {"type": "function", "function": {"name": "b"}}
    for choice in ("auto", {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named]}}):
        with pytest.raises(InvalidRequest) as failure:
            plan(tools=[TOOL, broken], tool_choice=choice)
        assert failure.value.param == "tools[1].function.parameters"


def test_tools_are_offered() -> None:
    """With "auto" the model decides; several calls unless the client says no."""
    body = plan(tools=[TOOL, OTHER]).body
    assert (body["tools"], body["tool_choice"], body["parallel_tool_calls"]) == ([TOOL, OTHER], "auto", True)
    assert plan(tools=[TOOL], parallel_tool_calls=False).body["parallel_tool_calls"] is False


def test_no_tools_are_shown_for_none() -> None:
    """So the model can't begin a call that nobody reads."""
    assert "tools" not in plan(tools=[TOOL], tool_choice="none").body


@pytest.mark.parametrize("choice", [FUNCTION, "required"])
def test_a_call_that_must_happen_is_forced_by_a_schema(choice: object) -> None:
    """The engine ignores a named choice, and does not force a required one."""
    made = plan(tools=[TOOL], tool_choice=choice)
    assert made.forced is not None
    assert (made.forced.name, made.body["tool_choice"], made.body["tools"]) == ("f", "none", [TOOL])
    assert made.body["grammar"] == grammar({**PARAMETERS, "additionalProperties": False})


def test_allowed_tools_are_the_only_ones() -> None:
    """The others are not shown."""
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [FUNCTION]}}
    made = plan(tools=[TOOL, OTHER], tool_choice=allowed)
    assert made.body["tools"] == [TOOL]
    assert made.forced is not None


def test_functions_become_tools() -> None:
    """The older form, one call at a time."""
    made = plan(functions=[TOOL["function"]])
    assert (made.legacy, made.body["tools"], made.body["parallel_tool_calls"]) == (True, [TOOL], False)
    assert "functions" not in made.body
    forced = plan(functions=[TOOL["function"]], function_call={"name": "f"}).forced
    assert forced is not None


def test_older_calls_in_the_history_become_tool_calls() -> None:
    """And the function's answer finds its call."""
    called = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "done"}
    _, asked, answered = plan(HI, called, result).body["messages"]
    assert asked["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert (answered["role"], answered["tool_call_id"]) == ("tool", asked["tool_calls"][0]["id"])


def test_a_developer_is_the_system() -> None:
    """As the templates know it."""
    assert plan({"role": "developer", "content": "Be brief."}, HI).body["messages"][0]["role"] == "system"


@pytest.mark.parametrize("arguments", ["{", "[]", '"x"', "null", "\\ud800"])
def test_a_call_no_template_can_show_is_refused(arguments: str) -> None:
    """It would be a fault of the engine's, though it is the client's."""
    called = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    with pytest.raises(InvalidRequest) as failure:
        plan(HI, {"role": "assistant", "content": None, "tool_calls": [called]}, {**ANSWER, "tool_call_id": "c"})
    assert failure.value.param == "messages[1].tool_calls[0].function.arguments"


def test_images_are_noticed() -> None:
    """Whether the model can see is known once it is loaded."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert plan({"role": "user", "content": [image]}).vision is True
    assert plan().vision is False


def test_sound_is_refused() -> None:
    """By the place where it stands."""
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    with pytest.raises(InvalidRequest) as failure:
        plan({"role": "user", "content": [{"type": "text", "text": "x"}, sound]})
    assert failure.value.param == "messages[0].content[1].type"


@pytest.mark.parametrize(
    ("choice", "names", "forced", "single"),
    [
        ({}, ["f", "g"], False, False),
        ({"parallel_tool_calls": False}, ["f", "g"], False, True),
        ({"tool_choice": "required"}, ["f", "g"], True, True),
        ({"tool_choice": FUNCTION}, ["f"], True, True),
    ],
)
def test_a_call_by_forms(choice: dict[str, Any], names: list[str], forced: bool, single: bool) -> None:
    """The model still reads all tools; a grammar of ours holds the answer, to what may be called and what was said."""
    asked = plan(tools=[TOOL, OTHER], **choice)
    made, trial = first(asked) or (asked, "")
    assert made.body["tools"] == asked.body["tools"]
    assert (made.body["tool_choice"], made.body.get("parallel_tool_calls"), made.forced) == ("none", None, None)
    assert list(made.forms or ()) == names
    assert ("TEXT" in made.body["grammar"], "form+" in made.body["grammar"]) == (not forced, not single)
    assert '["hi"]' in made.body["grammar"]
    assert ('["hi"]' in trial, "TEXT" in trial) == (False, False)


def test_an_answer_tells_what_was_said() -> None:
    """Without functions there is a grammar of what can be told, and of any other text; none where nothing is said."""
    asked = plan()
    made, trial = first(asked) or (asked, "")
    assert "start: told | TEXT" in made.body["grammar"]
    assert {**made.body, "grammar": ""} == {**asked.body, "grammar": ""}
    assert "start: told\n" in trial
    assert first(plan({"role": "user", "content": "Why?"})) is None
    assert first(plan(response_format={"type": "text"})) == (made, trial)


def test_an_older_completion_has_no_form() -> None:
    """It has no messages to tell anything of."""
    assert first(Plan({"prompt": "Hello."})) is None


def test_any_json_holds_what_was_said() -> None:
    """The keys and values of an object without a schema stand in the conversation."""
    made, trial = first(plan(response_format={"type": "json_object"})) or (plan(), "")
    assert "response_format" not in made.body
    assert '["hi"]' in made.body["grammar"]
    assert 'start: "{"' in trial


RECORD = {"name": "ticket", "schema": {"type": "object", "properties": {"town": {"type": "string"}}}}


def test_a_structured_answer_is_a_form() -> None:
    """Of the one function that takes what the schema asks for; with `logprobs`, or no form, it is JSON with an end."""
    wanted = {"type": "json_schema", "json_schema": RECORD}
    asked = plan(response_format=wanted)
    made, _ = first(asked) or (asked, "")
    assert [tool["function"]["name"] for tool in made.body["tools"]] == ["ticket"]
    assert (made.body["tool_choice"], made.record) == ("none", asked.record)
    assert '"# ticket\\n"' in made.body["grammar"]
    listed = {"name": "x", "schema": {"type": "object", "properties": {"x": {"type": "array"}}}}
    for asked in (plan(response_format=wanted, logprobs=True), plan(response_format={**wanted, "json_schema": listed})):
        made, trial = first(asked) or (asked, "")
        assert (made.forms, made.body["grammar"]) == (None, trial)
        assert "%json" in trial
        assert '"maxLength": 200' in trial.replace(":", ": ")
        assert {**made.body, "grammar": ""} == {**asked.body, "grammar": ""}
    both = plan(response_format=wanted, tools=[TOOL], tool_choice=FUNCTION)
    made, _ = first(both) or (both, "")
    assert (list(made.forms or ()), made.record) == (["f"], None)


def test_no_form_for_a_pattern() -> None:
    """A function that no form holds is called as before."""
    pattern = {"type": "object", "properties": {"x": {"type": "string", "pattern": "^a"}}}
    assert first(plan(tools=[{"type": "function", "function": {"name": "f", "parameters": pattern}}])) is None
