"""The newest official client for Python: tools, whose arguments always parse and match their schema."""

import json
from typing import Any, cast

import openai
import pytest
from asking import MODEL, TOOLS, Weather, check_calls

ASK: Any = [{"role": "user", "content": "What is the weather like in Paris, in celsius?"}]
RESULT: Any = [
    *ASK,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "Weather", "arguments": '{"location": "Paris", "unit": "celsius"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"temperature": 21}'},
]


def test_auto_calls_or_answers(client: openai.OpenAI) -> None:
    """With `auto` the model calls with arguments that match, or answers in words."""
    answer = client.chat.completions.create(model=MODEL, messages=ASK, tools=TOOLS, max_tokens=64)
    choice = answer.choices[0]
    assert choice.message.tool_calls or choice.message.content
    if choice.finish_reason == "tool_calls":
        assert check_calls(choice.message.tool_calls or [])


def test_required_calls_one_of_them(client: openai.OpenAI) -> None:
    """With `required` one of the tools is called, and nothing is said beside it."""
    answer = client.chat.completions.create(model=MODEL, messages=ASK, tools=TOOLS, tool_choice="required")
    choice = answer.choices[0]
    assert len(check_calls(choice.message.tool_calls or [])) == 1
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)


@pytest.mark.parametrize("name", ["Weather", "Light"])
def test_named_tool_is_called(client: openai.OpenAI, name: str) -> None:
    """A tool that is named is called."""
    choice = {"type": "function", "function": {"name": name}}
    answer = client.chat.completions.create(model=MODEL, messages=ASK, tools=TOOLS, tool_choice=choice)  # type: ignore[call-overload]
    assert check_calls(answer.choices[0].message.tool_calls) == [name]


def test_none_calls_nothing(client: openai.OpenAI) -> None:
    """With `none` no tool is called."""
    answer = client.chat.completions.create(model=MODEL, messages=ASK, tools=TOOLS, tool_choice="none", max_tokens=16)
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].message.content


def test_result_is_answered(client: openai.OpenAI) -> None:
    """A tool's result, sent back, is answered."""
    answer = client.chat.completions.create(model=MODEL, messages=RESULT, max_tokens=24)
    assert answer.choices[0].message.content


def test_round_trip(client: openai.OpenAI) -> None:
    """The call as the client received it can be sent back with its result."""
    first = client.chat.completions.create(model=MODEL, messages=ASK, tools=TOOLS, tool_choice="required")
    message = first.choices[0].message
    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "done"} for call in message.tool_calls or []]
    second = client.chat.completions.create(
        model=MODEL, messages=[*ASK, cast("Any", message), *results], tools=TOOLS, tool_choice="none", max_tokens=24
    )
    assert second.choices[0].message.content


def test_streamed_call_comes_in_pieces(client: openai.OpenAI) -> None:
    """A streamed call begins with id and name, and its pieces are arguments that match."""
    chunks = list(
        client.chat.completions.create(model=MODEL, messages=ASK, tools=TOOLS, tool_choice="required", stream=True)
    )
    pieces = [piece for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or []]
    functions = [piece.function for piece in pieces if piece.function]
    assert [bool(piece.id) for piece in pieces] == [True] + [False] * (len(pieces) - 1)
    assert [function.name for function in functions[1:]] == [None] * (len(functions) - 1)
    assert functions[0].name in {"Weather", "Light"}
    assert json.loads("".join(function.arguments or "" for function in functions))
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_streaming_helper_assembles_a_call(client: openai.OpenAI) -> None:
    """The client's streaming helper puts a call together and parses its arguments."""
    with client.chat.completions.stream(
        model=MODEL, messages=ASK, tools=TOOLS[:1], tool_choice="required", parallel_tool_calls=False
    ) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [type(call.function.parsed_arguments) for call in calls] == [Weather]


def test_parse_gives_arguments(client: openai.OpenAI) -> None:
    """`parse()` gives the arguments as an instance of the tool's pydantic model."""
    answer = client.chat.completions.parse(model=MODEL, messages=ASK, tools=TOOLS[:1], tool_choice="required")
    calls = answer.choices[0].message.tool_calls or []
    assert [type(call.function.parsed_arguments) for call in calls] == [Weather]


TABLE: Any = {
    "type": "function",
    "function": {
        "name": "book_table",
        "description": "Book a table in a restaurant",
        "parameters": {
            "type": "object",
            "properties": {
                "restaurant": {"type": "string", "description": "Name of the restaurant", "maxLength": 12},
                "guests": {"type": "integer", "description": "Number of guests"},
                "seats": {"type": "string", "enum": ["Inside", "terrace"], "description": "Where to sit"},
                "name": {"type": "string", "description": "Name of the guest"},
            },
            "required": ["restaurant", "guests"],
        },
    },
}
PLEASE: Any = [{"role": "user", "content": "Book a table for 5 guests in the restaurant Kvarnen Zwölf."}]


def told(client: openai.OpenAI, asked: dict[str, Any], *, streamed: bool) -> Any:
    """Return the message of the answer to what is *asked*."""
    if streamed:
        with client.chat.completions.stream(**asked) as stream:
            return stream.get_final_completion().choices[0].message
    return client.chat.completions.create(**asked).choices[0].message


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "book_table"}}])
@pytest.mark.parametrize("streamed", [False, True])
def test_values_are_taken_from_what_was_said(client: openai.OpenAI, choice: Any, streamed: bool) -> None:
    """The built-in model passes no word and no number that does not stand in the conversation, and all it must."""
    asked: Any = {"model": MODEL, "messages": PLEASE, "tools": [TABLE], "tool_choice": choice}
    message = told(client, asked, streamed=streamed)
    [called] = message.tool_calls
    given = json.loads(called.function.arguments)
    assert message.content is None
    assert {"restaurant", "guests"} <= set(given) <= {"restaurant", "guests", "seats", "name"}
    assert given["guests"] in range(13)
    assert given.get("seats", "Inside") in ("Inside", "terrace")
    assert len(given["restaurant"]) <= 12
    assert all(given.get(name, "") in PLEASE[0]["content"] for name in ("restaurant", "name"))


KEEP: Any = {
    "type": "function",
    "function": {
        "name": "keep_in_shop",
        "parameters": {
            "type": "object",
            "properties": {
                "article": {"type": "string", "description": "What is put aside"},
                "number": {"type": "integer", "description": "How many"},
                "shop": {"type": "string", "description": "In which shop"},
                "name": {"type": "string", "description": "For whom"},
            },
            "required": ["article", "shop"],
        },
    },
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        "Is it possible to keep a ladder for me at the Reykjavik shop?",
        "Keep 14 lamps at the shop in Oslo for Greta Nilsson.",
        "Put 3 kayaks aside, Oslo shop.",
        "12 of the red kettles, please, to be kept at the Lisbon branch",
        "请在南京门店留3把雨伞给王芳。",
        "奥斯陆店给我留一辆滑板车",
    ],
)
def test_nothing_said_once_is_passed_twice(client: openai.OpenAI, said: str, streamed: bool) -> None:
    """No argument stands within another, however the call is made."""
    asked: Any = {"model": MODEL, "messages": [{"role": "user", "content": said}], "tools": [KEEP], "temperature": 0}
    asked["tool_choice"] = {"type": "function", "function": {"name": "keep_in_shop"}}
    message = told(client, asked, streamed=streamed)
    [called] = message.tool_calls
    given = {name: str(value) for name, value in json.loads(called.function.arguments).items()}
    assert {"article", "shop"} <= given.keys()
    assert [(one, other) for one in given for other in given if one != other and given[one] in given[other]] == []


def test_functions_of_old(client: openai.OpenAI) -> None:
    """The older `functions` and `function_call` are answered in the older form."""
    answer = client.chat.completions.create(
        model=MODEL, messages=ASK, functions=[TOOLS[0]["function"]], function_call={"name": "Weather"}
    )
    called = answer.choices[0].message.function_call
    assert called is not None
    Weather.model_validate_json(called.arguments)
    assert (called.name, answer.choices[0].finish_reason) == ("Weather", "function_call")
    assert answer.choices[0].message.tool_calls is None
