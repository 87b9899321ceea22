"""Bounds for a small model that writes JSON."""

from typing import Any

import pytest

from parley.upstreams.providers.local.bounded import ANYTHING, KEYS, bounded

TEXT = {"type": "string", "maxLength": 200}
SHUT = {"additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string"}, TEXT),
        ({"type": "string", "minLength": 300}, {"type": "string", "minLength": 300, "maxLength": 300}),
        ({"type": "string", "maxLength": 900}, {"type": "string", "maxLength": 900}),
        ({"type": "string", "pattern": "^a+$"}, {"type": "string", "pattern": "^a+$"}),
        ({"enum": ["a" * 300]}, {"enum": ["a" * 300]}),
        ({"type": "integer", "minimum": 3}, {"type": "integer", "minimum": 3, "maximum": 10**15}),
        ({"type": "number"}, {"type": "number", "minimum": -(10**9), "maximum": 10**15}),
        (
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        ),
        ({"type": ["string", "null"]}, {"type": ["string", "null"], "maxLength": 200}),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": TEXT, "maxItems": 16}),
        ({"type": "array", "minItems": 40}, {"type": "array", "minItems": 40, "items": ANYTHING, "maxItems": 40}),
        ({"type": "array", "maxItems": 99}, {"type": "array", "maxItems": 99, "items": ANYTHING}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
            {"type": "array", "prefixItems": [TEXT], "items": False},
        ),
        ({}, ANYTHING),
        ({"title": "A"}, {**ANYTHING, "title": "A"}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, {"$ref": "#/$defs/a", "$defs": {"a": TEXT}}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [TEXT, {"type": "null"}]}),
    ],
)
def test_values_end(schema: Any, told: Any) -> None:
    """Texts and lists have a longest; what is bounded already, or elsewhere, stays as it is."""
    assert bounded(schema) == told


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"properties": {"a": True}}, {"properties": {"a": ANYTHING}, **SHUT}),
        ({"properties": {"a": {"type": "string"}}, **SHUT}, {"properties": {"a": TEXT}, **SHUT}),
        ({}, {"maxProperties": 16, "patternProperties": {KEYS: ANYTHING}, **SHUT}),
        (
            {"properties": {"a": {"type": "null"}}, "minProperties": 20, "additionalProperties": {"type": "string"}},
            {
                "properties": {"a": {"type": "null"}},
                "minProperties": 20,
                "maxProperties": 20,
                "patternProperties": {KEYS: TEXT},
                **SHUT,
            },
        ),
        ({"maxProperties": 2}, {"maxProperties": 2, "patternProperties": {KEYS: ANYTHING}, **SHUT}),
    ],
)
def test_objects_end(schema: Any, told: Any) -> None:
    """An object has the properties it names, or a number of short keys; its least and most are kept."""
    assert bounded({"type": "object", **schema}) == {"type": "object", **told}
