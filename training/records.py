"""Structured answers as forms: what a schema asks for is filled in like the arguments of a function.

Parley's engine makes a form of a `response_format` with a schema (`parley/upstreams/providers/local/forms.py`): the
name of the schema is that of a function without a description, each property is a line, one within an object too, and
the JSON is made of the filled lines. So a customer's name is looked up in the same way as an argument.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from training.chat import Conversation, Turn

NAMES = ("ticket", "ticket", "record", "case", "answer", "result", "extraction", "data", "output", "service_ticket")
LISTED, LONG = 0.08, 40
"""Share of records with a list of one, of a text no longer than this."""
ABOUT = ("Fill in the record", "What the message says", "The ticket for the talk", "记录内容", "根据对话填写")


def record(
    turns: Sequence[Turn],
    found: Mapping[str, Any],
    rng: random.Random,
    choices: Mapping[str, Sequence[str]] | None = None,
    without: Sequence[str] = (),
) -> Conversation:
    """Return *turns* and the record of *found* as a form; *choices* of a key are an enum, *without* are left out.

    The keys of an object in *found* stand beside the others; where the name is taken, behind that of the object.
    """
    flat: dict[str, Any] = {}
    for key, value in found.items():
        if isinstance(value, dict):
            taken = {*found, *flat}
            flat |= {f"{key}.{leaf}" if leaf in taken else leaf: it for leaf, it in value.items()}
        else:
            flat[key] = value
    properties = {key: _declared(value, (choices or {}).get(key)) for key, value in flat.items()}
    free = [key for key in flat if "enum" not in properties[key]]
    texts = [key for key in free if isinstance(flat[key], str) and len(flat[key]) < LONG]
    if texts and rng.random() < LISTED:
        key = rng.choice(texts)
        flat[key], properties[key] = [flat[key]], {"type": "array", "items": properties[key]}
    for key in without:
        if key not in properties:
            listed = [*properties.items()]
            listed.insert(rng.randint(0, len(listed)), (key, {"type": "string"}))
            properties = dict(listed)
    schema = {
        "name": rng.choice(NAMES),
        "description": rng.choice(ABOUT) if rng.random() < 0.15 else "",
        "parameters": {"type": "object", "properties": properties, "required": [*flat]},
    }
    call = {"name": schema["name"], "arguments": flat}
    return Conversation((*turns, Turn("assistant", calls=(call,), recorded=True)), (schema,))


def _declared(value: Any, options: Sequence[str] | None) -> dict[str, Any]:
    """Return the schema of *value*, one of *options* where there are some."""
    if options:
        return {"type": "string", "enum": [*options]}
    kinds = {bool: "boolean", int: "integer", float: "number"}
    return {"type": kinds.get(type(value), "string")}
