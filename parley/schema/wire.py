"""What the wire objects share: their base and the documented limits of common parameters.

A request struct holds what we read; the client's own bytes go upstream, so nothing unknown is lost. Optional
parameters take null as "not given", as OpenAI's do.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

LONGEST = 2**31 - 1
INT64 = 2**63


class Wire(msgspec.Struct, gc=False):
    """A JSON object of the API. What is decoded holds no cycles: the garbage collector need not look."""


Model = Annotated[str, Meta(min_length=1)]
# `\Z`, because `$` would let a newline slip in at the end. JSON Schema has no `\Z`: there `$` means the same.
Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]+\Z", min_length=1, max_length=64)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Share = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Choices = Annotated[int, Meta(ge=1, le=128)]
Count = Annotated[int, Meta(ge=1, le=LONGEST)]
CountOrNone = Annotated[int, Meta(ge=0, le=LONGEST)]
Token = Annotated[int, Meta(ge=0, le=LONGEST)]
Seed = Annotated[int, Meta(ge=-INT64, le=INT64 - 1)]
LogitBias = dict[Annotated[str, Meta(pattern=r"^[0-9]+\Z")], Annotated[float, Meta(ge=-100, le=100)]]
StopList = Annotated[list[str], Meta(max_length=4)]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
    Meta(max_length=16),
]
ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class StreamOptions(Wire):
    """What a stream carries besides the answer."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
