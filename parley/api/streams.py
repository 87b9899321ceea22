"""Streams that were lost: `GET /v1/streams/{stream_id}`, and any streamed POST that comes again with `Last-Event-ID`.

Both answer with the events that the client does not have, byte for byte as they were sent, and go on to the stream's
end. How it fails: as `parley.flows.streams` does; what is found broken later is the last event, as in any stream.
"""

from typing import Annotated
from urllib.parse import parse_qsl

from msgspec import Meta

from parley.api.calls import LAST_EVENT, call_of
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.errors import NotAllowed
from parley.flows.streams import AFTER, Asked, resume
from parley.house import House

Number = Annotated[int, Meta(ge=0, le=999_999_999)]


async def rest(request: Request, reply: HttpReply, house: House) -> None:
    """Answer with the rest of the stream in the path. Raises NotAllowed: a stream without its events is nothing."""
    if request.method == "HEAD":
        raise NotAllowed("Not allowed to HEAD a stream. Allowed: GET.")
    asked = Asked(
        request.params["stream_id"],
        dict(parse_qsl(request.query_string, keep_blank_values=True)).get(AFTER),
        request.header(LAST_EVENT),
    )
    await resume(call_of(request, "streams.retrieve"), reply, house, asked)
