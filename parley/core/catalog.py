"""The catalog: which names a client may ask for, and where each may be sent."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from parley.core.money import Price


class Target(msgspec.Struct, frozen=True):
    """One place a call may be sent to: a model of an upstream.

    model is the name *the upstream* knows; in a catch-all route it is the name the client asked for.
    price is None where nobody knows it: then the target may not be used. weight: its share of the calls of its tier,
    where those are dealt by weight.
    """

    upstream: str
    model: str
    price: Price | None
    weight: float = 1.0

    def __str__(self) -> str:
        """Return it as it stands in parley.toml: `upstream/model`."""
        return f"{self.upstream}/{self.model}"


Pick = Literal["order", "weight", "latency", "price"]
OnBreak = Literal["error", "restart", "continue"]
Hedge = float | Literal["p95"]


class Route(msgspec.Struct, frozen=True):
    """Where the calls for one name may go.

    targets: all of them, the preferred first. tiers: how many of them each tier has; the next tier is asked when the
    one before failed. pick: who of a tier is asked first. on_break: what becomes of a stream that breaks. hedge: after
    how many seconds without an answer another target is asked as well (`p95`: the first one's usual); None: never.
    """

    targets: tuple[Target, ...]
    tiers: tuple[int, ...] = ()
    pick: Pick = "order"
    on_break: OnBreak = "error"
    hedge: Hedge | None = None

    @property
    def answers(self) -> int:
        """Return how many answers to one call may have to be paid for."""
        return 1 + (self.hedge is not None) + (self.on_break != "error")


Seconds = Annotated[float, Meta(gt=0)]


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a target may take, in seconds."""

    connect: Annotated[Seconds, Meta(description="Until a connection is open.")] = 10.0
    first_token: Annotated[Seconds, Meta(description="Until a stream begins; a whole answer has all of `total`.")] = (
        30.0
    )
    between_tokens: Annotated[Seconds, Meta(description="Until the next piece of a stream.")] = 30.0
    total: Annotated[Seconds, Meta(description="Until the answer has ended.")] = 600.0


class Breaker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a target is left alone for a while."""

    failures: Annotated[int, Meta(ge=1, description="So many failures in a row open it.")] = 5
    share: Annotated[
        float, Meta(gt=0, le=1, description="So large a share of failures opens it too, from 20 calls in 30 s on.")
    ] = 0.5
    cooldown: Annotated[
        Seconds, Meta(description="How long it stays open; then one call at a time tries whether it is well again.")
    ] = 15.0
