"""Which JSON Schemas the engine's grammar can hold an answer to."""

from typing import Any

import pytest

from parley.errors import InvalidRequest
from parley.upstreams.providers.local.schemas import DEEPEST, UNHELD, check_schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "additionalProperties": False},
        {"type": "array", "items": {"enum": [1, "x", None]}, "minItems": 1, "maxItems": 3},
        {"anyOf": [{"const": 1}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "string", "pattern": "^a+$"}}},
        {"type": "object", "properties": {"not": {"type": "string"}, "if": {"type": "string"}}},
        {"enum": [{"not": 1}], "default": {"if": 1}},
        {},
        True,
    ],
)
def test_what_it_holds_is_let_through(schema: Any) -> None:
    """A property may have the name of a keyword."""
    check_schema(schema, "p")


@pytest.mark.parametrize("keyword", sorted(UNHELD))
def test_a_keyword_it_drops_is_refused(keyword: str) -> None:
    """By name, however deep it stands."""
    for schema in ({keyword: 1}, {"properties": {"a": {"items": [{keyword: 1}]}}}, {"$defs": {"a": {keyword: 1}}}):
        with pytest.raises(InvalidRequest, match=f"'{keyword}' is not supported") as failure:
            check_schema(schema, "response_format.json_schema.schema")
        assert failure.value.param == "response_format.json_schema.schema"


def test_a_pattern_that_looks_ahead_is_refused() -> None:
    """The grammar knows none."""
    with pytest.raises(InvalidRequest, match="pattern"):
        check_schema({"type": "string", "pattern": "(?=a)b"}, "p")


def test_a_schema_nested_too_deep_is_refused() -> None:
    """It would overflow somebody's stack."""
    schema: dict[str, Any] = {}
    for _ in range(DEEPEST + 2):
        schema = {"items": schema}
    with pytest.raises(InvalidRequest, match="nested too deep"):
        check_schema(schema, "p")


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "foo"}, "'foo' is no type"),
        ({"type": []}, "'type' must not be empty"),
        ({"properties": {"a": {"type": ["string", 5]}}}, r"'5' is no type \(at /properties/a\)"),
        ({"properties": 5}, "'properties' must be an object"),
        ({"properties": {"a": 5}}, "a schema must be an object"),
        ({"enum": []}, "'enum' must be an array"),
        ({"anyOf": {}}, "'anyOf' must be an array"),
        ({"$ref": "#/$defs/a"}, "leads nowhere"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "leads in a circle"),
        ({"$ref": 5}, "'\\$ref' must be a string"),
        ({"minLength": -1}, "'minLength' must be an integer"),
        ({"minLength": 9000}, "'minLength' is more than 2000"),
        ({"minimum": "x"}, "'minimum' must be a number"),
        ({"minLength": 5, "maxLength": 2}, "'minLength' is more than 'maxLength'"),
        ({"pattern": 5}, "'pattern' must be a string"),
        ({"pattern": "^[a$"}, "'pattern' is no regular expression"),
        ({"pattern": "^a{2,1}$"}, "'pattern' is no regular expression"),
        ({"required": "a"}, "'required' must be an array of strings"),
        ({"required": ["a"], "additionalProperties": False}, "'required' names 'a', which 'properties' lacks"),
        ({"properties": {"a": {"type": "string", "enum": [1, 2]}}}, r"no value of 'enum' .*\(at /properties/a\)"),
        ({"format": 5}, "'format' must be a string"),
    ],
)
def test_a_broken_schema_is_refused_by_name(schema: Any, fault: str) -> None:
    """With OpenAI's code for where it stands: llama.cpp has words of its own, or counts for ever."""
    with pytest.raises(InvalidRequest, match=fault) as failure:
        check_schema(schema, "response_format.json_schema.schema")
    assert failure.value.error_code == "invalid_json_schema"
    with pytest.raises(InvalidRequest, match=fault) as failure:
        check_schema(schema, "tools[0].function.parameters")
    assert (failure.value.param, failure.value.error_code) == (
        "tools[0].function.parameters",
        "invalid_function_parameters",
    )


def test_a_schema_may_lead_back_to_itself() -> None:
    """A list of lists is no circle."""
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}
    assert check_schema(schema, "p") == schema


def test_a_pattern_is_told_in_plain_words() -> None:
    """And only a pattern: a property may have its name."""
    schema = {"properties": {"pattern": {"type": "string", "pattern": "^\\d$"}}}
    assert check_schema(schema, "p") == {"properties": {"pattern": {"type": "string", "pattern": "^[0-9]$"}}}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"properties": {"a": True}}, {"properties": {"a": {}}}),
        ({"items": True}, {"items": {}}),
        ({"type": "string", "enum": [1, "a"]}, {"type": "string", "enum": ["a"]}),
        (
            {"type": ["integer", "null"], "enum": [1.0, 1.5, None, True]},
            {"type": ["integer", "null"], "enum": [1.0, None]},
        ),
        ({"required": ["a"]}, {"required": ["a"], "properties": {"a": {}}}),
        (
            {"required": ["a"], "additionalProperties": {"type": "null"}},
            {"required": ["a"], "additionalProperties": {"type": "null"}, "properties": {"a": {"type": "null"}}},
        ),
        ({"type": "integer", "format": "int32"}, {"type": "integer"}),
        ({"type": "string", "format": "password"}, {"type": "string"}),
    ],
)
def test_what_can_be_said_in_plainer_words_is(schema: dict[str, Any], told: dict[str, Any]) -> None:
    """They mean the same."""
    assert check_schema(schema, "p") == told


@pytest.mark.parametrize("format_", ["regex", "uri-reference", "date"])
def test_a_format_it_cant_hold_is_refused(format_: str) -> None:
    """By name and place, one that it holds only beside a pattern."""
    schema = {"properties": {"a": {"type": "string", "format": format_, "pattern": "^a$"}}}
    with pytest.raises(InvalidRequest, match=r"format.*\(at /properties/a\)") as failure:
        check_schema(schema, "p")
    assert failure.value.error_code == "unsupported_schema"
