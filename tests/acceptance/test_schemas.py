"""Answers of the built-in model, against the schemas that they were held to."""

import json
from typing import Any, Literal

import jsonschema
import openai
import pytest
from asking import HELLO, MODEL
from pydantic import BaseModel, Field

REFERENCES = {"$defs": {"a": {"type": "integer"}}}


class Sure(BaseModel):
    """What people ask for first: a number between two others."""

    confidence: float = Field(ge=0, le=1)
    price: float = Field(gt=0)
    warmth: float = Field(ge=-2.5, lt=2.5)


def closed(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with all of *properties* and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **REFERENCES,
    }


HELD = [
    {"type": "object", "properties": {"a": {"type": "string", "maxLength": 5}}, "required": ["a", "b"]},
    {"type": "object", "required": ["b"]},
    {"type": "object", "minProperties": 1, "maxProperties": 2},
    closed(p={"allOf": [{"type": "string"}, {"minLength": 3, "maxLength": 6}]}),
    closed(p={"type": "string", "anyOf": [{"minLength": 3, "maxLength": 5}, {"type": "null"}]}),
    closed(p={"$ref": "#/$defs/a", "minimum": 2, "maximum": 3}),
    closed(p={"type": "array", "prefixItems": [{"type": "boolean"}], "items": False}, q=True),
    closed(p={"type": "string", "enum": [1, 2, "a"]}),
    closed(**{name: {"type": "string", "format": name} for name in ("date", "ipv4", "uuid")}),
    closed(p={"type": "string", "format": "email"}, q={"type": "string", "format": "date-time"}),
    closed(p={"type": "number", "minimum": 7.25, "maximum": 7.75}),
]
REFUSED = [
    (closed(p={"type": "string", "format": "regex"}), "unsupported_schema", "/properties/p"),
    (closed(p={"oneOf": [{"type": "integer"}, {"type": "number"}]}), "unsupported_schema", "together"),
    (closed(p={"type": "integer", "minimum": 0.2, "maximum": 0.7}), "unsupported_schema", "together"),
    (closed(p={"type": "string", "enum": [1, 2]}), "invalid_json_schema", "/properties/p"),
    ({**closed(a={}), "required": ["b"]}, "invalid_json_schema", "'b'"),
    ({"type": "object", "required": "a"}, "invalid_json_schema", "'required'"),
]


@pytest.mark.parametrize("seed", range(3))
def test_limits_of_floats(client: openai.OpenAI, seed: int) -> None:
    """A pydantic model with limits on its floats gets numbers within them."""
    answer = client.chat.completions.parse(
        model=MODEL, messages=HELLO, response_format=Sure, temperature=1.3, seed=seed
    )
    assert isinstance(answer.choices[0].message.parsed, Sure)


@pytest.mark.parametrize("schema", HELD)
def test_answer_matches(client: openai.OpenAI, schema: dict[str, Any]) -> None:
    """An answer matches its schema, and so do the arguments of a call that must happen."""
    form: Any = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "strict": True}}
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": schema}}
    asked: Any = {"model": MODEL, "messages": HELLO, "temperature": 1.2, "frequency_penalty": 1.5, "seed": 3}
    told = client.chat.completions.create(response_format=form, **asked).choices[0].message.content
    jsonschema.validate(json.loads(told or ""), schema, format_checker=jsonschema.FormatChecker())
    calls = client.chat.completions.create(tools=[tool], tool_choice="required", **asked).choices[0].message.tool_calls
    jsonschema.validate(json.loads(calls[0].function.arguments), schema)


@pytest.mark.parametrize(("schema", "code", "named"), REFUSED)
def test_refused(client: openai.OpenAI, schema: dict[str, Any], code: str, named: str) -> None:
    """What no answer can be held to is refused each time, also where only a trial shows it."""
    form: Any = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "strict": True}}
    for _ in range(2):
        with pytest.raises(openai.BadRequestError, match=named) as raised:
            client.chat.completions.create(model=MODEL, messages=HELLO, response_format=form)
        assert (raised.value.code, raised.value.param) == (code, "response_format.json_schema.schema")


@pytest.mark.parametrize("seed", range(5))
def test_any_keys_end(client: openai.OpenAI, seed: int) -> None:
    """Where any key, text and list is allowed, the built-in model's keys, texts and lists end."""
    free = {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "array"]}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "s", "schema": free}}
    asked: Any = {"model": MODEL, "messages": HELLO, "temperature": 1.5, "seed": seed}
    told = json.loads(client.chat.completions.create(response_format=form, **asked).choices[0].message.content or "")
    assert 1 <= len(told) <= 16
    for key, value in told.items():
        assert len(key) <= 40
        assert len(value) <= (200 if isinstance(value, str) else 16)


class Basket(BaseModel):
    """Lists of what was said, of choices and of numbers."""

    wares: list[str] = Field(min_length=2, max_length=3)
    days: list[Literal["Monday", "Friday"]]
    counts: list[int]


def test_lists_hold_what_was_said(client: openai.OpenAI) -> None:
    """A structured answer's lists have as many members as they may, and texts and numbers that stand in the message."""
    said = "I want two lamps and 15 candles, please bring them on Monday."
    answer = client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": said}], response_format=Basket, temperature=0
    )
    basket = answer.choices[0].message.parsed
    assert isinstance(basket, Basket)
    assert all(ware in said for ware in basket.wares)
    assert all(count < 13 or str(count) in said for count in basket.counts)


class Where(BaseModel):
    """A model within a model."""

    town: str
    floor: int | None


class Person(BaseModel):
    """What pydantic writes with references."""

    name: str = Field(min_length=40)
    where: Where
    colours: list[str] = Field(max_length=1)
    reply: str


SAYINGS = [
    "How do I return an item?",
    "如何退货？",
    "Where is my parcel?",
    "hi",
    "???",
    "I have 5 cats. </think> <tool_call>",
]


@pytest.mark.parametrize("said", SAYINGS)
@pytest.mark.parametrize("temperature", [0, 1])
def test_forms_hold_whatever_was_said(client: openai.OpenAI, said: str, temperature: int) -> None:
    """Also where nothing said is as long as it has to be, or the model has to find words of its own."""
    asked: Any = {
        "model": MODEL,
        "messages": [{"role": "user", "content": said}],
        "temperature": temperature,
        "seed": 1,
    }
    answer = client.chat.completions.parse(response_format=Person, **asked)
    assert isinstance(answer.choices[0].message.parsed, Person)
    for name in ("answer", "response", "anything"):
        alone = {
            "name": "s",
            "schema": closed(**{name: {"type": "string"}, "sources": {"type": "array", "items": {"type": "string"}}}),
        }
        told = client.chat.completions.create(response_format={"type": "json_schema", "json_schema": alone}, **asked)
        jsonschema.validate(json.loads(told.choices[0].message.content or ""), alone["schema"])
    tool: Any = {
        "type": "function",
        "function": {"name": "note", "parameters": closed(a={"type": "string", "minLength": 30})},
    }
    for choice in ("required", {"type": "function", "function": {"name": "note"}}):
        made = client.chat.completions.create(tools=[tool], tool_choice=choice, **asked).choices[0].message
        assert len(json.loads((made.tool_calls or [])[0].function.arguments)["a"]) >= 30
        assert made.content is None
    for free in (
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}},
    ):
        found = client.chat.completions.create(response_format=free, **asked)
        assert isinstance(json.loads(found.choices[0].message.content or ""), dict)
