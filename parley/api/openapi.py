"""The OpenAPI document, built from the route table and the very structs that requests are read into.

So its limits are those that are enforced. Where the type system of msgspec says less than JSON Schema can
(prompts), the type carries its own schema; where Python's regular expressions differ from ECMA's, they are
rewritten. `document` raises `TypeError` for a type that JSON cannot hold; it runs once, at the start.
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from parley import __version__
from parley.api.routes import Route
from parley.flows.streams import LAST
from parley.policies.replays import HEADER, LONGEST_KEY
from parley.schema.answers import ChatChunk, ChatCompletion
from parley.schema.completions import Completion
from parley.schema.errors import ErrorBody
from parley.schema.tokens import INSTEAD

PIECES: Final[dict[type, type]] = {ChatCompletion: ChatChunk, Completion: Completion}
"""What each `data:` line of a stream holds, by the whole answer's type."""

_REFERENCE: Final = "#/components/schemas/{name}"
_PATH_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_INFO: Final = {
    "title": "Parley",
    "version": __version__,
    "description": "Your own GPT API: one server that speaks the OpenAI API, in front of any model.",
}
_REQUEST_ID: Final = {
    "description": "The call's id; quote it when you ask for help.",
    "schema": {"type": "string"},
}
_HEADERS: Final = {"x-request-id": {"$ref": "#/components/headers/RequestId"}}

_ONCE: Final = {
    "name": HEADER,
    "in": "header",
    "description": "A new random text for each new request: the same request under the same one is answered once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}

_LAST: Final = {
    "name": LAST,
    "in": "header",
    "description": "The last event you have of a stream that was lost: it goes on from there, and no call is made.",
    "schema": {"type": "string", "pattern": "^[^/ ]+/[0-9]{1,9}$"},
}
_NUMBERED: Final = {
    "name": "X-Parley-Resumable",
    "in": "header",
    "description": "Whether each event of a stream is followed by its id.",
    "schema": {"type": "string", "enum": ["true", "false"]},
}

Node = dict[str, Any]


def document(routes: Sequence[Route]) -> bytes:
    """Return the OpenAPI 3.1 document of *routes*, as JSON."""
    schemas, components = _schemas(routes)
    paths: dict[str, Node] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": _INFO,
            "paths": paths,
            "components": {
                "schemas": components,
                "headers": {"RequestId": _REQUEST_ID},
                "responses": {str(status): _failure(status) for status in _statuses(routes)},
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _statuses(routes: Sequence[Route]) -> list[int]:
    """Return every error status that some route may give, in order."""
    return sorted({status for route in routes for status in route.statuses})


def _schemas(routes: Sequence[Route]) -> tuple[dict[Any, Node], Node]:
    """Return the schema (or reference) of every type the *routes* speak, and the components referred to."""
    kinds: list[Any] = [ErrorBody]
    for route in routes:
        kinds += [
            route.body,
            route.answer,
            PIECES.get(route.answer) if route.answer and route.streams else None,
        ]
        kinds += [kind for _, kind, _ in route.query]
    kinds = list(dict.fromkeys(kind for kind in kinds if kind is not None))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    return dict(zip(kinds, map(_published, schemas), strict=True)), _published(components)


def _published(node: Any) -> Any:
    """Return a schema of msgspec's as it is published."""
    if isinstance(node, dict):
        if INSTEAD in node:
            kept = {key: value for key, value in node.items() if key in {"default", "description"}}
            return kept | node[INSTEAD]
        return {key: _published(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_published(item) for item in node]
    return node.replace(r"\Z", "$") if isinstance(node, str) else node


def _operation(route: Route, schemas: dict[Any, Node]) -> Node:
    """Return what is said of one route."""
    said: Node = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.operation.partition(".")[0]],
        "responses": {"200": _success(route, schemas)}
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(route.statuses)},
        "security": [{"key": []}] if route.secured else [],
    }
    if parameters := _parameters(route, schemas):
        said["parameters"] = parameters
    if route.body is not None:
        said["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[route.body]}},
        }
    return said


def _parameters(route: Route, schemas: dict[Any, Node]) -> list[Node]:
    """Return the parameters in the path and in the query; a mapping is asked for as `name[key]=value`."""
    found: list[Node] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PATH_PARAMETER.findall(route.path)
    ]
    for name, kind, description in route.query:
        said: Node = {"name": name, "in": "query", "description": description, "schema": schemas[kind]}
        if said["schema"].get("type") == "object":
            said |= {"style": "deepObject", "explode": True}
        found.append(said)
    if route.once:
        found.append(_ONCE)
    if route.streams:
        found.append(_NUMBERED)
    if route.streams or route.media == "text/event-stream":
        found.append(_LAST)
    return found


def _success(route: Route, schemas: dict[Any, Node]) -> Node:
    """Return what a 200 answer is, whole and, where it can be, streamed."""
    schema = {"type": "string"} if route.media.startswith("text/") else {}
    content: Node = {route.media: {"schema": schemas[route.answer] if route.answer else schema}}
    if route.streams:
        content["text/event-stream"] = {"schema": _stream(route, schemas)}
    return {"description": "The answer.", "headers": _HEADERS, "content": content}


def _stream(route: Route, schemas: dict[Any, Node]) -> Node:
    """Return what each event of a streamed answer is: a piece, an error, or the last, `[DONE]`."""
    kinds = [schemas[ErrorBody]]
    if route.answer in PIECES:
        kinds.insert(0, schemas[PIECES[route.answer]])
    piece = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"anyOf": kinds}}
    return {
        "description": "Server-sent events, this schema one of them. The last says `[DONE]`.",
        "type": "object",
        "properties": {"data": {"anyOf": [{"const": "[DONE]"}, piece]}},
        "required": ["data"],
    }


def _failure(status: int) -> Node:
    """Return what the answer with an error *status* is."""
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _HEADERS,
        "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(name="ErrorBody")}}},
    }
