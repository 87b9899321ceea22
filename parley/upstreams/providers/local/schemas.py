"""Which JSON Schemas the engine's grammar can hold an answer to.

llama.cpp turns a schema into a grammar and drops the keywords it does not know. An answer that need not match its
schema is no answer, so such schemas are refused by name.
"""

from typing import Any

from parley.errors import InvalidRequest

UNHELD = frozenset(
    {
        "not",
        "if",
        "then",
        "else",
        "contains",
        "dependentRequired",
        "dependentSchemas",
        "multipleOf",
        "patternProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
NAMED = ("properties", "$defs", "definitions")  # members whose members are schemas under names of their own
DEEPEST = 64


def check_schema(schema: Any, place: str, depth: int = 0) -> None:
    """Raise InvalidRequest where *schema* asks for what the grammar cannot hold; *place* is its parameter."""
    if depth > DEEPEST:
        raise InvalidRequest(f"Invalid schema for '{place}': it is nested too deep.", param=place)
    if isinstance(schema, list):
        for item in schema:
            check_schema(item, place, depth + 1)
    if not isinstance(schema, dict):
        return
    for name, value in schema.items():
        if name in UNHELD or (name == "pattern" and "(?" in str(value)):
            raise InvalidRequest(
                f"Invalid schema for '{place}': '{name}' is not supported with this model.",
                param=place,
                code="unsupported_schema",
            )
        if name in NAMED and isinstance(value, dict):
            for inner in value.values():
                check_schema(inner, place, depth + 1)
        elif name not in ("enum", "const", "default", "examples"):
            check_schema(value, place, depth + 1)
