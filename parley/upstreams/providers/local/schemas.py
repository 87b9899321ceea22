"""Which JSON Schemas the engine's grammar can hold an answer to.

An answer that need not match its schema is no answer, so a schema that no grammar can hold is refused by name. Others
are told in plainer words that mean the same, or less: `true` is `{}`, a format is a pattern. One that is broken is
refused before llama.cpp sees it: it has words of its own, and counts for ever where the least is more than the most.
"""

from typing import Any

from parley.errors import InvalidRequest
from parley.upstreams.providers.local import formats
from parley.upstreams.providers.local.patterns import MOST, Unheld, held

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
KINDS: tuple[tuple[type, str], ...] = ((str, "string"), (dict, "object"), (list, "array"))
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
        for name, value in self._plain(schema, where).items():
            at = f"{where}/{name}"
            if name in NAMED:
                told[name] = {
                    key: {} if inner is True else self._held(inner, f"{at}/{key}", depth + 1)
                    for key, inner in value.items()
                }
            elif name == "pattern":
                told[name] = self._pattern(value, where)
            else:
                told[name] = value if name in VALUES else self._held(value, at, depth + 1)
        return told

    def _plain(self, schema: dict[str, Any], where: str) -> dict[str, Any]:
        """Return *schema* with each value of its type, each required property named, and a pattern for its format."""
        told = {name: {} if name == "items" and value is True else value for name, value in schema.items()}
        if "enum" in schema and "type" in schema:
            told["enum"] = [value for value in schema["enum"] if _is(value, schema["type"])]
            if not told["enum"]:
                raise self._broken(where, "no value of 'enum' is of its 'type'")
        missing = [name for name in schema.get("required", ()) if name not in schema.get("properties", {})]
        others = schema.get("additionalProperties", True)
        if missing and others is False:
            fault = f"'required' names {missing[0][:40]!r}, which 'properties' lacks and 'additionalProperties' forbids"
            raise self._broken(where, fault)
        if missing and not any(name in schema for name in ("$ref", "anyOf", "oneOf", "allOf")):
            told["properties"] = {**schema.get("properties", {}), **dict.fromkeys(missing, others)}
        if "format" in told:
            self._plain_format(told, where)
        return told

    def _plain_format(self, told: dict[str, Any], where: str) -> None:
        """Put a pattern in the place of the format in *told*, where it says something."""
        name = told.pop("format")
        if not isinstance(name, str):
            raise self._broken(where, "'format' must be a string")
        if "type" in told and not _is("", told["type"]):
            return
        if name in formats.UNHELD:
            raise self._unheld(f"format: {name}", where)
        if name in formats.PATTERNS:
            if "pattern" in told:
                raise self._unheld("format beside pattern", where)
            told["pattern"] = formats.PATTERNS[name]

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
        required = schema.get("required", [])
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise self._broken(where, "'required' must be an array of strings")
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
            if name.startswith("min") and size > MOST:
                raise self._broken(where, f"'{name}' is more than {MOST}")
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


def _is(value: Any, kinds: str | list[str]) -> bool:
    """Return whether *value* is of one of the JSON types *kinds*."""
    if isinstance(value, bool):
        own = {"boolean"}
    elif isinstance(value, int | float):
        own = {"number", "integer"} if value == int(value) else {"number"}
    else:
        own = {next((name for kind, name in KINDS if isinstance(value, kind)), "null")}
    return bool(own & {*([kinds] if isinstance(kinds, str) else kinds)})


def check_schema(schema: Any, place: str) -> Any:
    """Return *schema* as the grammar can hold an answer to it; *place* is its parameter. Raises InvalidRequest."""
    return Checked(schema, place).schema
