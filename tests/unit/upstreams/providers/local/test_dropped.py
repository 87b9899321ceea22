"""What llama.cpp's own grammar drops of a schema."""

from typing import Any

import pytest

from parley.upstreams.providers.local.dropped import dropped, false_at


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"type": "number", "minimum": 0}, "minimum"),
        ({"type": "integer", "maximum": 0.5}, "maximum"),
        ({"allOf": [{}]}, "allOf"),
        ({"type": "string", "anyOf": [{}]}, "type beside anyOf"),
        ({"$ref": "#/$defs/a", "maximum": 3, "type": "integer"}, "maximum beside $ref"),
        ({"minProperties": 1}, "minProperties"),
        ({"pattern": "^a*$", "maxLength": 3}, "maxLength beside pattern"),
        ({"type": "array", "minItems": 1}, "minItems"),
    ],
)
def test_what_is_dropped_is_named(schema: dict[str, Any], name: str) -> None:
    """With its place, in lists and in objects."""
    assert (name, "") in list(dropped(schema))
    assert (name, "/properties/a/anyOf/0") in list(dropped({"properties": {"a": {"anyOf": [schema]}}}))


def test_what_is_held_is_not_named() -> None:
    """Nor what is no schema."""
    schema = {
        "properties": {"minimum": {"type": "integer", "minimum": 3}, "b": {"$ref": "#/$defs/a", "title": "B"}},
        "$defs": {"a": {"enum": [{"allOf": 1}]}},
    }
    assert not list(dropped(schema))


def test_false_is_found() -> None:
    """Where it is a schema: closed objects say it of something else."""
    schema = {"properties": {"a": {"prefixItems": [{}], "items": False}}, "additionalProperties": False}
    assert false_at(schema) == "/properties/a/items"
    assert false_at({"additionalProperties": False, "default": False}) is None
