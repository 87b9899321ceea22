"""Bounds for a small model that writes JSON: without them it may write one text, list or key without end.

They are for what no form holds (see `forms.py`). What matches a bounded schema matches the schema too, but not the
other way round: a text has at most 200 letters where nothing is said of its length, a list or an object of any keys at
most 16 members, what may be anything is no list and no object, and an object has the properties that it names alone.
"""

from typing import Any

from parley.upstreams.providers.local.schemas import LISTS, NAMED

LONGEST, MOST = 200, 16
LIMITS = (("minimum", "exclusiveMinimum", -(10**9)), ("maximum", "exclusiveMaximum", 10**15))
KEYS = r"^[^\x00-\x1f\"\\]{1,40}$"
SIMPLE = ["string", "number", "boolean", "null"]
ELSEWHERE = frozenset({"$ref", "anyOf", "oneOf", "allOf", "enum", "const"})
"""Members that say what a value is in schemas of their own, or in full."""
NOTES = frozenset({"title", "description", "default", "examples", "$defs", "definitions", "$schema", "$id", "$comment"})


ANYTHING = {"type": SIMPLE, "maxLength": LONGEST, "minimum": LIMITS[0][2], "maximum": LIMITS[1][2]}


def bounded(schema: Any) -> Any:
    """Return *schema*, as `check_schema` tells it, with an end to all that it allows."""
    if isinstance(schema, list):
        return [bounded(item) for item in schema]
    if schema is True or (isinstance(schema, dict) and NOTES.issuperset(schema)):
        return ANYTHING | _within(schema) if schema is not True else ANYTHING
    if not isinstance(schema, dict):
        return schema
    told = _within(schema)
    return told if ELSEWHERE & told.keys() else told | _ends(told)


def _within(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* with an end to all that the schemas in it allow."""
    told = {
        name: bounded(it) if name in (*LISTS, "items", "additionalProperties") else it for name, it in schema.items()
    }
    for name in NAMED:
        if name in told:
            told[name] = {key: bounded(inner) for key, inner in told[name].items()}
    return told


def _ends(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the members that bound a value of *schema* itself."""
    kinds, ends = schema.get("type", ["string", "number", "array", "object"]), dict[str, Any]()
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "string" in kinds and not {"pattern", "maxLength"} & schema.keys():
        ends["maxLength"] = max(LONGEST, schema.get("minLength", 0))
    if "array" in kinds and schema.get("items") is not False:
        ends["items"] = schema.get("items", ANYTHING)
        ends["maxItems"] = schema.get("maxItems", max(MOST, schema.get("minItems", 0)))
    if {"integer", "number"} & {*kinds}:
        ends |= {name: limit for name, other, limit in LIMITS if not {name, other} & schema.keys()}
    return ends | _members(schema) if "object" in kinds else ends


def _members(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the members of *schema* that bound what of it is an object."""
    others, named = schema.get("additionalProperties"), schema.get("properties", {})
    least = schema.get("minProperties", 0)
    if others is False or (others is None and named and least <= len(named)):
        return {"additionalProperties": False}
    most = schema.get("maxProperties", max(MOST, least, len(named)))
    keys = {KEYS: ANYTHING if others is None else others}
    return {"maxProperties": most, "patternProperties": keys, "additionalProperties": False}
