"""The desk: makes the route of an errand. Every endpoint of the Administration API is one step of a flow."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from parley.api.calls import call_of
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.api.routes import Route
from parley.core.actor import acting
from parley.flows.administration import Errand, enter
from parley.house import House
from parley.schema.admin import parameters

ERRORS = (400, 401, 403, 404, 408, 409, 413, 431, 500, 503)
ROOT = "/v1/organization"
PROJECT = ROOT + "/projects/{project_id}"

_encode = msgspec.json.Encoder().encode

Step = Callable[[Errand], Awaitable[msgspec.Struct]]


def administering(operation: str, step: Step) -> Callable[[Request, HttpReply, House], Awaitable[None]]:
    """Return the endpoint of *operation*, which is one *step*."""

    async def endpoint(request: Request, reply: HttpReply, house: House) -> None:
        errand = Errand(house, call_of(request, operation), request.params, request.query_string)
        caller = await enter(errand, reply)
        with acting(caller.key_id):  # what is done is noted in the audit log, under the key's id
            reply.body(_encode(await step(errand)))
        await reply.end()

    return endpoint


def route(line: str, operation: str, step: Step, answer: Any, asks: type[msgspec.Struct] | None = None) -> Route:
    """Return the route of *line*, such as `GET /v1/...`; asks: the struct of the body, of a GET that of the query."""
    method, _, path = line.partition(" ")
    name = f"admin.organization.{operation}"
    query = parameters(asks) if asks and method == "GET" else ()
    body = asks if method == "POST" else None
    summary = (step.__doc__ or "").partition(". Raises")[0].partition("\n")[0].rstrip(".") + "."
    return Route(method, path, name, summary, administering(name, step), body, answer, query=query, statuses=ERRORS)
