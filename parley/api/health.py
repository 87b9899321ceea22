"""Whether we live (`/healthz`), can take calls (`/readyz`), and how it goes (`/metrics`, `/status`). No key needed."""

import msgspec

from parley.api.metrics import MEDIA, exposition
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.house import House
from parley.upstreams.health import Report


class Health(msgspec.Struct):
    """A word about the server's state."""

    status: str


class Status(msgspec.Struct):
    """How the targets are that were asked so far."""

    targets: list[Report]


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
    reply.body(exposition(house.counts, house.upstreams.reports()), MEDIA)
    await reply.end()


async def status(_: Request, reply: HttpReply, house: House) -> None:
    """Tell how every target is."""
    reply.body(msgspec.json.encode(Status(house.upstreams.reports())))
    await reply.end()
