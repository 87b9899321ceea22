"""A stream that a client lost: the rest of it, for its own project's keys only. Nothing is asked, charged or recorded.

How it fails: as `parley.store.rests` does, and with InvalidRequest for a place that can't be read.
"""

import re
from typing import NamedTuple

from parley.core.call import Call
from parley.core.reply import Reply
from parley.errors import InvalidRequest
from parley.flows.stored import enter
from parley.house import House
from parley.store.rests import Place, Rest

LAST = "Last-Event-ID"
AFTER = "starting_after"
NAME = "stream_id"
_LAST = re.compile(r"([^/\s]+)/([0-9]{1,9})")
_NUMBER = re.compile(r"[0-9]{1,9}")


class Asked(NamedTuple):
    """What a request tells of the place: the stream in its path, `starting_after`, and `Last-Event-ID`."""

    name: str | None
    after: str | None
    last: str | None


def place(asked: Asked) -> Place:
    """Return the place; the header is newer than the address, which a client keeps. Raises InvalidRequest."""
    name, after, last = asked
    if last is not None:
        found = _LAST.fullmatch(last.strip())
        if found is None or (name is not None and found[1] != name):
            raise _invalid(LAST, last, f"the id of the last event you have, such as {name or 'req_123'}/7")
        return Place(found[1], int(found[2]), LAST if name is None else NAME, LAST)
    if after is not None and not _NUMBER.fullmatch(after):
        raise _invalid(AFTER, after, "the number of the last event you have: 0, 1, 2 ...")
    return Place(name or "", int(after or 0), NAME, AFTER)


def _invalid(param: str, value: str, meant: str) -> InvalidRequest:
    """Return the error of a *value* that is none of what is *meant*."""
    return InvalidRequest(f"Invalid '{param}': '{value[:100]}'. It is {meant}.", param=param, code="invalid_value")


async def resume(call: Call, reply: Reply, house: House, asked: Asked) -> None:
    """Send what followed the place that is *asked* for. Raises the errors of each step."""
    caller = await enter(call, reply, house)  # Unauthenticated, Forbidden
    async with Rest(house.streams, place(asked), caller.project) as rest:  # InvalidRequest, NotFound
        await rest.pour(reply)  # StreamInterrupted
    reply.close()
