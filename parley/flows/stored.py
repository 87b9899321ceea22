"""Stored chat completions: what a call kept because it said `store: true`, for its own project's eyes only."""

import msgspec

from parley.core.call import Call, Caller
from parley.core.reply import Reply
from parley.house import House
from parley.schema import stored
from parley.schema.reading import read
from parley.store.completions import Page, StoredCompletion


async def enter(call: Call, reply: Reply, house: House) -> Caller:
    """Return the caller of *call*. Raises Unauthenticated, Forbidden, or why the request could not be read."""
    caller = await house.keys.identify(call)
    reply.authenticated = True
    house.access.permit(caller)
    if call.refusal is not None:
        raise call.refusal
    return caller


async def retrieve(call: Call, reply: Reply, house: House, name: str) -> StoredCompletion:
    """Return one stored completion of the caller's project. Raises NotFound."""
    caller = await enter(call, reply, house)
    return await house.completions.get(caller.project, name)


async def listing(call: Call, reply: Reply, house: House, wanted: stored.Listing) -> Page:
    """Return the stored completions that are *wanted*, and whether there are more. Raises NotFound."""
    caller = await enter(call, reply, house)
    return await house.completions.list(caller.project, **msgspec.structs.asdict(wanted))


async def update(call: Call, reply: Reply, house: House, name: str) -> StoredCompletion:
    """Replace the metadata of one stored completion. Raises NotFound, InvalidRequest."""
    caller = await enter(call, reply, house)
    change = read(call.body, stored.UPDATE)
    return await house.completions.update(caller.project, name, change.metadata or {})


async def delete(call: Call, reply: Reply, house: House, name: str) -> None:
    """Forget one stored completion. Raises NotFound."""
    caller = await enter(call, reply, house)
    await house.completions.delete(caller.project, name)
