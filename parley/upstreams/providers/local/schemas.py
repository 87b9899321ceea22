"""Which JSON Schemas the engine's grammar can hold an answer to.

llama.cpp turns a schema into a grammar and drops the keywords it does not know. An answer that need not match its
schema is no answer, so such schemas are refused by name. One that is broken is refused before llama.cpp sees it: it
says so in its own words, and counts for ever where the least is more than the most.
"""

from typing import Any

from parley.errors import InvalidRequest
from parley.upstreams.providers.local.patterns import Unheld, held

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
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
VALUES = ("enum", "const", "default", "examples")  # members that hold no schemas
TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
SIZES = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
BOUNDS = (*zip(SIZES[::2], SIZES[1::2], strict=True), ("minimum", "maximum"))
DEEPEST = 64


def broken(place: str, fault: str) -> InvalidRequest:
    """Return the refusal of a schema at *place* that has a *fault*."""
    code = "invalid_json_schema" if place.startswith("response_format") else "invalid_function_parameters"
    return InvalidRequest(f"Invalid schema for '{place}': {fault}.", param=place, code=code)


def unheld(place: str, name: str, where: str = "") -> InvalidRequest:
    """Return the refusal of what is called *name* and stands at *where* in the schema at *place*."""
    at = f" (at {where[:100]})" if where else ""
    message = f"Invalid schema for '{place}': '{name}' is not supported with this model{at}."
    return InvalidRequest(message, param=place, code="unsupported_schema")


class Checked:
    """One schema, checked and told as the grammar can hold an answer to it."""

    def __init__(self, schema: Any, place: str) -> None:
        self._root = schema
        self._place = place
        self.schema = self._held({} if schema is True else schema, "", 0)

    def _broken(self, where: str, fault: str) -> InvalidRequest:
        return broken(self._place, f"{fault}{f' (at {where[:100]})' if where else ''}")

    def _unheld(self, name: str, where: str) -> InvalidRequest:
        return unheld(self._place, name, where)

    def _held(self, schema: Any, where: str, depth: int) -> Any:
        """Return *schema*, which stands at *where* in the whole, as the grammar is told."""
        if depth > DEEPEST:
            raise self._broken("", "it is nested too deep")
        if isinstance(schema, list):
            return [self._held(item, f"{where}/{place}", depth + 1) for place, item in enumerate(schema)]
        if not isinstance(schema, dict):
            return schema
        for name in schema:
            if name in UNHELD:
                raise self._unheld(name, where)
        self._check(schema, where)
        told: dict[str, Any] = {}
        for name, value in schema.items():
            at = f"{where}/{name}"
            if name in NAMED:
                told[name] = {key: self._held(inner, f"{at}/{key}", depth + 1) for key, inner in value.items()}
            elif name == "pattern":
                told[name] = self._pattern(value, where)
            else:
                told[name] = value if name in VALUES else self._held(value, at, depth + 1)
        return told

    def _check(self, schema: dict[str, Any], where: str) -> None:
        """Raise InvalidRequest where *schema* itself is broken; what stands in it is looked at later."""
        for name in NAMED:
            if not isinstance(schema.get(name, {}), dict):
                raise self._broken(where, f"'{name}' must be an object")
            for key, inner in schema.get(name, {}).items():
                if not isinstance(inner, dict | bool):
                    raise self._broken(f"{where}/{name}/{key}", "a schema must be an object")
        for name in LISTS:
            if name in schema and not (isinstance(schema[name], list) and schema[name]):
                raise self._broken(where, f"'{name}' must be an array of schemas that is not empty")
        if "enum" in schema and not (isinstance(schema["enum"], list) and schema["enum"]):
            raise self._broken(where, "'enum' must be an array that is not empty")
        self._check_type(schema, where)
        self._check_sizes(schema, where)
        if "$ref" in schema:
            self._check_reference(schema, where)

    def _check_type(self, schema: dict[str, Any], where: str) -> None:
        if "type" not in schema:
            return
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        wrong = next((kind for kind in kinds if not isinstance(kind, str) or kind not in TYPES), None)
        if wrong is not None or not kinds:
            raise self._broken(where, f"{str(wrong)[:40]!r} is no type" if kinds else "'type' must not be empty")

    def _check_sizes(self, schema: dict[str, Any], where: str) -> None:
        for name in SIZES:
            size = schema.get(name, 0)
            if not isinstance(size, int) or isinstance(size, bool) or size < 0:
                raise self._broken(where, f"'{name}' must be an integer that is not negative")
        for least, most in BOUNDS:
            low, high = schema.get(least), schema.get(most)
            for name, value in ((least, low), (most, high)):
                if name in schema and (not isinstance(value, int | float) or isinstance(value, bool)):
                    raise self._broken(where, f"'{name}' must be a number")
            if low is not None and high is not None and low > high:
                raise self._broken(where, f"'{least}' is more than '{most}'")

    def _check_reference(self, schema: Any, where: str) -> None:
        """Raise InvalidRequest where a `$ref` leads nowhere, or only in a circle."""
        seen: set[str] = set()
        while isinstance(schema, dict) and "$ref" in schema:
            reference = schema["$ref"]
            if not isinstance(reference, str):
                raise self._broken(where, "'$ref' must be a string")
            if reference in seen:
                raise self._broken(where, f"'$ref' '{reference[:40]}' leads in a circle")
            if not reference.startswith("#/") or "~" in reference or "%" in reference:
                raise self._unheld(f"$ref: {reference[:40]}", where)
            seen.add(reference)
            schema = self._root
            for step in reference.removeprefix("#/").split("/"):
                if not isinstance(schema, dict) or step not in schema:
                    raise self._broken(where, f"'$ref' '{reference[:40]}' leads nowhere")
                schema = schema[step]

    def _pattern(self, pattern: Any, where: str) -> str:
        if not isinstance(pattern, str):
            raise self._broken(where, "'pattern' must be a string")
        try:
            return held(pattern)
        except ValueError as error:
            raise self._broken(where, f"'pattern' is no regular expression: {error}") from None
        except Unheld:
            raise self._unheld("pattern", where) from None


def check_schema(schema: Any, place: str) -> Any:
    """Return *schema* as the grammar can hold an answer to it; *place* is its parameter. Raises InvalidRequest."""
    return Checked(schema, place).schema
