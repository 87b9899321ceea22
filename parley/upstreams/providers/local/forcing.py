"""A tool call that must happen.

llama.cpp does not force one: it waits until the model begins a call by itself. So the answer is held to a schema from
its first token: the parameters of the one function, or `{"name": ..., "arguments": ...}` where there is a choice. The
content that comes is then the call, and is told as one while it is being written.
"""

import re
from typing import Any

from parley.upstreams.providers.local.schemas import VALUES

HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*"([^"\\]*)"\s*,\s*"arguments"\s*:\s*(?=\S)')

OPEN = frozenset(
    {"additionalProperties", "patternProperties", "unevaluatedProperties", "$ref", "allOf", "anyOf", "oneOf"}
)
"""Members of a schema that say what other arguments there may be."""
TAIL = re.compile(r"\s*\}?\s*\Z")  # held back: it may be the end of the object around the arguments


def forced_schema(tools: list[dict[str, Any]], chosen: str | None, names: list[str]) -> tuple["Forced", dict[str, Any]]:
    """Return how to read the forced call of *chosen* (None: any of *tools*), and the schema that forces it."""
    name = chosen if chosen is not None else names[0] if len(names) == 1 else None
    if name is not None:
        function = next(tool["function"] for tool in tools if tool["function"]["name"] == name)
        return Forced(name), parameters(function)
    choices = [
        {
            "type": "object",
            "properties": {"name": {"const": name}, "arguments": {"$ref": f"#/$defs/{name}"}},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for name in names
    ]
    schemas = {name: _moved(parameters(tool["function"]), name) for name, tool in zip(names, tools, strict=True)}
    return Forced(None), {"anyOf": choices, "$defs": schemas}


def parameters(function: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a *function*'s arguments: no others than it declares, where it does not speak of others."""
    told: dict[str, Any] = function.get("parameters") or {"type": "object", "properties": {}}
    return told if "properties" not in told or OPEN & told.keys() else {**told, "additionalProperties": False}


def _moved(schema: Any, name: str) -> Any:
    """Return the *schema* of the function *name* with references that hold in its new place, below the root."""
    if isinstance(schema, list):
        return [_moved(item, name) for item in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: value if key in VALUES else _moved(value, name) for key, value in schema.items()}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        told["$ref"] = f"#/$defs/{name}/{reference.removeprefix('#/')}"
    return told


class Forced:
    """How to read forced calls; `name` is None where the model chose the function."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def reader(self) -> "CallReader":
        """Return a reader for one choice."""
        return CallReader(self.name)


class CallReader:
    """Reads one forced call out of the content as it comes."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        self._chosen = name is None
        self._held = ""

    def feed(self, text: str) -> str:
        """Return the piece of the arguments that *text* brings; `name` is set before the first piece."""
        if not self._chosen:
            return text  # all of the content is the arguments
        self._held += text
        if self.name is None:
            found = HEAD.match(self._held)
            if found is None:
                return ""
            self.name, self._held = found[1], self._held[found.end() :]
        end = TAIL.search(self._held)
        place = end.start() if end else len(self._held)
        piece, self._held = self._held[:place], self._held[place:]
        return piece
