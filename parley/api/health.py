"""Whether we live (`/healthz`), can take calls (`/readyz`), and how it goes (`/metrics`). No key is needed."""

import msgspec

from parley.api.metrics import MEDIA, exposition
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.house import House


class Health(msgspec.Struct):
    """A word about the server's state."""

    status: str


OK = msgspec.json.encode(Health("ok"))


async def healthz(_: Request, reply: HttpReply, __: House) -> None:
    """Tell that the process lives."""
    reply.body(OK)
    await reply.end()


async def readyz(_: Request, reply: HttpReply, house: House) -> None:
    """Tell whether calls can be recorded, and so be answered. Raises NotRecorded."""
    await house.ready()
    reply.body(OK)
    await reply.end()


async def metrics(_: Request, reply: HttpReply, house: House) -> None:
    """Tell what was counted since the start."""
    reply.body(exposition(house.counts), MEDIA)
    await reply.end()
