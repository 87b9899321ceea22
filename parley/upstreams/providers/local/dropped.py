"""What llama.cpp's own grammar drops of a schema.

It still stands behind tools that the model may choose: nobody knows before the answer whether it begins a call, so no
grammar of ours can be in force. There a `strict` function is refused where its arguments could break its schema. For
other functions OpenAI promises nothing either, and the schema is what the model is told.
"""

from collections.abc import Iterator
from typing import Any

from parley.upstreams.providers.local.schemas import NAMED, VALUES

LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
SILENT = frozenset({"$comment", "$defs", "$id", "$schema", "definitions", "deprecated", "description", "title"})
SILENT |= {"default", "examples", "readOnly", "writeOnly"}
ALONE = ("$ref", "anyOf", "oneOf")
LENGTHS = ("minLength", "maxLength")


def dropped(schema: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name and the place of each keyword in *schema* that would not be held."""
    if isinstance(schema, list):
        for place, item in enumerate(schema):
            yield from dropped(item, f"{where}/{place}")
    if not isinstance(schema, dict):
        return
    yield from ((name, where) for name in _here(schema))
    for name, value in schema.items():
        if name in NAMED:
            for key, inner in value.items():
                yield from dropped(inner, f"{where}/{name}/{key}")
        elif name not in VALUES:
            yield from dropped(value, f"{where}/{name}")


def _here(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the keywords of *schema* itself."""
    yield from (name for name in ("allOf", "minProperties", "maxProperties") if name in schema)
    first = next((name for name in ALONE if name in schema), None)
    if first:
        yield from (f"{name} beside {first}" for name in schema if name != first and name not in SILENT)
    for name in LIMITS:
        if name in schema and (schema.get("type") != "integer" or not isinstance(schema[name], int)):
            yield name
    if "pattern" in schema:
        yield from (f"{name} beside pattern" for name in LENGTHS if name in schema)
    if "items" not in schema and "prefixItems" not in schema:
        yield from (name for name in ("minItems", "maxItems") if name in schema)


def false_at(schema: Any, where: str = "") -> str | None:
    """Return where `false` stands as a schema in *schema*: llama.cpp reads none."""
    if schema is False:
        return where
    if isinstance(schema, list):
        inner = [(f"{where}/{place}", item) for place, item in enumerate(schema)]
    elif isinstance(schema, dict):
        inner = [(f"{where}/{name}/{key}", value) for name in NAMED for key, value in schema.get(name, {}).items()]
        inner += [
            (f"{where}/{name}", schema[name])
            for name in ("items", "prefixItems", "anyOf", "oneOf", "allOf")
            if name in schema
        ]
    else:
        return None
    return next((found for at, value in inner if (found := false_at(value, at)) is not None), None)
