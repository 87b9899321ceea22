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
