"""The life of a call, in order: who calls, whether it may, what is asked, where it goes, the answer, its record.

A call that comes again under its `Idempotency-Key` leaves the line early, with the answer of the first.

Chat completions, completions and embeddings share this line: they differ in how the request is read.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from parley.core.call import Call
from parley.core.reply import Reply
from parley.flows.keeping import Keeper
from parley.flows.relay import Relay
from parley.house import House
from parley.schema import chat, completions, embeddings
from parley.schema.reading import read
from parley.upstreams.opening import Opening

Reader = tuple[msgspec.json.Decoder[Any], Callable[[Any], None]]

READERS: dict[str, Reader] = {
    "chat.completions": (chat.DECODER, chat.check),
    "completions": (completions.DECODER, completions.check),
    "embeddings": (embeddings.DECODER, embeddings.check),
}


def decode(call: Call) -> Any:
    """Return what *call* asks. Raises InvalidRequest, or why the request could not be read."""
    if call.refusal is not None:
        raise call.refusal
    decoder, check = READERS[call.operation]
    ask = read(call.body, decoder)
    check(ask)
    return ask


async def answer(call: Call, reply: Reply, house: House) -> None:
    """Answer *call* into *reply*. Raises the errors of each step."""
    caller = await house.keys.identify(call)  # Unauthenticated
    reply.authenticated, reply.standings = True, call.standings
    async with house.audit.record(call, caller) as entry:  # one row, whatever happens; NotRecorded
        house.access.permit(caller)  # Forbidden
        call.take(decode(call))  # InvalidRequest, TooLarge
        if call.streamed:
            reply.keep(house.streams.begin(call.id, caller.project), drain=caller.drain)
        entry.turn = house.replays.turn(call, caller) if call.once else None  # InvalidRequest
        earlier = await entry.turn.wait() if entry.turn else None  # KeyReused, KeyInUse
        if earlier:
            reply.replayed = True
            entry.replayed(earlier.model)
            await earlier.pour(reply)
        else:
            route = house.routes.resolve(call.ask.model)  # NoSuchModel, NoPrice
            await house.limits.admit(call, caller, route)  # RateLimited, OverBudget
            keeper = Keeper(call, caller) if getattr(call.ask, "store", None) else None
            async with entry.follow(Opening(house.upstreams, call, route)) as events:  # fails over; UpstreamError
                entry.served_by(events.target)
                await events.pour(Relay(entry, reply, keeper))
            if keeper:
                entry.keep = keeper.completion()
        entry.left = reply.left
    await reply.end()
