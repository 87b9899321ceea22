"""Stored chat completions: list, retrieve, update, delete, messages."""

from typing import Any

import msgspec

from parley.api.calls import call_of
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.errors import NotFound
from parley.flows import stored as flow
from parley.house import House
from parley.schema.stored import read_listing
from parley.store.completions import StoredCompletion

_encode = msgspec.json.Encoder().encode


def shown(item: StoredCompletion) -> dict[str, Any]:
    """Return *item* as the wire shows it: the answer, with its metadata of today."""
    answer: dict[str, Any] = msgspec.json.decode(item.answer)
    answer["metadata"] = item.metadata
    answer["object"] = "chat.completion"
    return answer


def page(data: list[dict[str, Any]], *, more: bool) -> bytes:
    """Return one page of a list."""
    ids = [item["id"] for item in data] or [None]
    return _encode({"object": "list", "data": data, "first_id": ids[0], "last_id": ids[-1], "has_more": more})


async def listing(request: Request, reply: HttpReply, house: House) -> None:
    """Answer with a page of the project's stored completions."""
    items, more = await flow.listing(
        call_of(request, "chat.completions.list"), reply, house, read_listing(request.query_string)
    )
    reply.body(page([shown(item) for item in items], more=more))
    await reply.end()


async def one(request: Request, reply: HttpReply, house: House) -> None:
    """Answer with one stored completion."""
    call = call_of(request, "chat.completions.retrieve")
    item = await flow.retrieve(call, reply, house, request.params["completion_id"])
    reply.body(_encode(shown(item)))
    await reply.end()


async def update(request: Request, reply: HttpReply, house: House) -> None:
    """Replace the metadata of one stored completion."""
    call = call_of(request, "chat.completions.update")
    item = await flow.update(call, reply, house, request.params["completion_id"])
    reply.body(_encode(shown(item)))
    await reply.end()


async def delete(request: Request, reply: HttpReply, house: House) -> None:
    """Forget one stored completion."""
    name = request.params["completion_id"]
    await flow.delete(call_of(request, "chat.completions.delete"), reply, house, name)
    reply.body(_encode({"object": "chat.completion.deleted", "id": name, "deleted": True}))
    await reply.end()


async def messages(request: Request, reply: HttpReply, house: House) -> None:
    """Answer with a page of the messages that one stored completion was asked with."""
    query = read_listing(request.query_string)
    call = call_of(request, "chat.completions.messages")
    item = await flow.retrieve(call, reply, house, request.params["completion_id"])
    asked = msgspec.json.decode(item.request)["messages"]
    data = [_message(f"{item.id}-{number}", message) for number, message in enumerate(asked)]
    if query.order == "desc":
        data.reverse()
    rest = _after(data, query.after)
    reply.body(page(rest[: query.limit], more=len(rest) > query.limit))
    await reply.end()


def _after(data: list[dict[str, Any]], last: str | None) -> list[dict[str, Any]]:
    """Return what follows the item with the id *last*. Raises NotFound."""
    if last is None:
        return data
    for number, item in enumerate(data):
        if item["id"] == last:
            return data[number + 1 :]
    raise NotFound(f"No message found with id '{last}'.", param="after")


def _message(name: str, message: dict[str, Any]) -> dict[str, Any]:
    """Return one *message* of a request as the list shows it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else None
    text = "".join(part.get("text", "") for part in parts) if parts is not None else content
    return {**message, "id": name, "content": text, "content_parts": parts, "name": message.get("name")}
