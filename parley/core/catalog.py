"""The catalog: which names a client may ask for, and where each may be sent."""

from typing import Annotated

import msgspec
from msgspec import Meta

from parley.core.money import Price


class Target(msgspec.Struct, frozen=True):
    """One place a call may be sent to: a model of an upstream.

    model is the name *the upstream* knows; in a catch-all route it is the name the client asked for.
    price is None where nobody knows it: then the target may not be used.
    """

    upstream: str
    model: str
    price: Price | None

    def __str__(self) -> str:
        """Return it as it stands in parley.toml: `upstream/model`."""
        return f"{self.upstream}/{self.model}"


Seconds = Annotated[float, Meta(gt=0)]


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a target may take, in seconds."""

    connect: Annotated[Seconds, Meta(description="Until a connection is open.")] = 10.0
    first_token: Annotated[Seconds, Meta(description="Until a stream begins; a whole answer has all of `total`.")] = (
        30.0
    )
    between_tokens: Annotated[Seconds, Meta(description="Until the next piece of a stream.")] = 30.0
    total: Annotated[Seconds, Meta(description="Until the answer has ended.")] = 600.0
