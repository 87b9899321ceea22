"""The endpoints that answer with a model: each hands its request to the flow of calls."""

import hashlib
from collections.abc import Awaitable, Callable

from parley.api.older import AGENT, with_content, with_model
from parley.api.render import JSON
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.core.call import Call, Once
from parley.errors import InvalidRequest, ParleyError
from parley.flows.calls import answer
from parley.flows.streams import Asked, resume
from parley.house import House

Endpoint = Callable[[Request, HttpReply, House], Awaitable[None]]

ONCE = b"idempotency-key"
RETRIES = b"x-stainless-retry-count"  # how often the official clients have asked before
LAST_EVENT = b"last-event-id"
RESUMABLE = b"x-parley-resumable"


def unreadable(request: Request) -> ParleyError | None:
    """Return why the body of *request* can't be read, or None."""
    if request.refusal is not None:
        return request.refusal
    media = request.headers.get(b"content-type", JSON)
    if media != JSON and not media.lower().startswith(b"application/json"):
        return InvalidRequest(
            f"Unsupported content type: '{media.decode('latin-1')}'. "
            "This API method only accepts 'application/json' requests, but you specified the header "
            f"'Content-Type: {media.decode('latin-1')}'."
        )
    coding = request.headers.get(b"content-encoding", b"identity")
    if coding != b"identity":
        return InvalidRequest(f"Unsupported content encoding: '{coding.decode('latin-1')}'. Send the body as it is.")
    return None


def once_of(request: Request) -> Once:
    """Return what *request*, which has an `Idempotency-Key`, is told apart by, should it come again."""
    asked = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    asked.update(request.body)
    key = request.headers[ONCE].decode("latin-1").strip()
    return Once(key, asked.digest(), repeated=ONCE in request.repeated)


def call_of(request: Request, operation: str) -> Call:
    """Return what *request* asks as a call."""
    return Call(
        operation,
        request.body,
        request.header(b"authorization"),
        at=request.at,
        arrived=request.arrived,
        client=request.header(b"user-agent") or "",
        once=once_of(request) if ONCE in request.headers else None,
        refusal=unreadable(request),
        retried=request.headers.get(RETRIES, b"0") != b"0",
        id=request.id,
    )


def calling(operation: str, *, streams: bool = True) -> Endpoint:
    """Return the endpoint of *operation*; where it *streams*, one that was lost is asked for by the same request."""

    async def endpoint(request: Request, reply: HttpReply, house: House) -> None:
        call = call_of(request, operation)
        if streams and LAST_EVENT in request.headers:
            await resume(call, reply, house, Asked(None, None, request.header(LAST_EVENT)))
            return
        if RESUMABLE in request.headers:
            reply.numbered = request.headers[RESUMABLE].lower() == b"true"
        if call.client.startswith(AGENT) and operation == "chat.completions":
            reply.adapt = with_content
        await answer(call, reply, house)

    return endpoint


def calling_engine(operation: str, *, streams: bool = True) -> Endpoint:
    """Return the endpoint of *operation* whose path names the model, where the body does not."""
    plain = calling(operation, streams=streams)

    async def endpoint(request: Request, reply: HttpReply, house: House) -> None:
        request.body = with_model(request.body, request.params["model"])
        await plain(request, reply, house)

    return endpoint
