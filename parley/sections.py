"""The parts of the settings that are tables of tables: upstreams and models, with what stands in them.

Read by `parley.settings`, of which this is a half.
"""

import os
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from parley.core.catalog import Breaker, OnBreak, Pick, Timeouts
from parley.core.money import FREE, Price, nano, price
from parley.errors import SettingsError


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A branch of the settings: it never changes, and it refuses what it does not know."""


class Secret(Tree, frozen=True):
    """Where a secret is kept. Exactly one of the two."""

    FORM: ClassVar[str] = '{ env = "NAME" } or { file = "PATH" }'

    env: Annotated[str | None, Meta(description="The environment variable that holds it.")] = None
    file: Annotated[str | None, Meta(description="The file whose first line it is.")] = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError(f"a secret is either {self.FORM}")

    def reveal(self, where: str) -> str:
        """Return the secret. Raises SettingsError, naming *where* it was asked for, when it is not there."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            if not re.fullmatch(r"[A-Za-z_]\w*", self.env):
                raise SettingsError(f"{where}.env: names an environment variable; what stands there is no such name")
            if not value:
                raise SettingsError(f"{where}: the environment variable {self.env} is not set")
            return value
        try:
            lines = Path(str(self.file)).expanduser().read_text("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = str(error.strerror).lower() if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"{where}: the file {self.file} cannot be read: {why}") from error
        if not lines[0].strip():
            raise SettingsError(f"{where}: the file {self.file} is empty")
        return lines[0].strip()


class PriceSettings(Tree, frozen=True):
    """Dollars per million tokens, as text so that no digit is lost."""

    FORM: ClassVar[str] = '{ input = "2.50", output = "10.00" }'

    input: Annotated[str, Meta(description="Dollars per million tokens of the prompt.")]
    output: Annotated[str, Meta(description="Dollars per million tokens of the answer.")]
    cached_input: Annotated[
        str | None, Meta(description="Dollars per million cached tokens of the prompt; default: as `input`.")
    ] = None

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached_input"):
            text = getattr(self, name)
            try:
                good = text is None or (Decimal(text).is_finite() and Decimal(text) >= 0)
            except InvalidOperation:
                good = False
            if not good:
                raise ValueError(f'{name} = "{text}" is not an amount in dollars, such as "2.50"')

    def price(self) -> Price:
        """Return it as a price in nano-dollars per million tokens."""
        return price(
            input=nano(Decimal(self.input)),
            output=nano(Decimal(self.output)),
            cached_input=nano(Decimal(self.cached_input or self.input)),
            source="parley.toml",
        )


class UpstreamSettings(Tree, frozen=True):
    """A server that speaks the OpenAI API."""

    base_url: Annotated[str, Meta(description="Its address up to and with `/v1`.")]
    kind: Annotated[Literal["openai"], Meta(description="The dialect it speaks.")] = "openai"
    key: Annotated[Secret | None, Meta(description="Where its API key is kept; none: no key is sent.")] = None
    timeouts: Annotated[Timeouts, Meta(description="How long it may take, in seconds.")] = Timeouts()
    retries: Annotated[
        int, Meta(ge=0, le=10, description="Further rounds over a model's targets when all of them failed.")
    ] = 2
    breaker: Annotated[Breaker, Meta(description="When a model of it is left alone for a while.")] = Breaker()
    at_once: Annotated[
        int, Meta(ge=0, description="Calls it is asked at once, by each process, before the next target is; 0: any.")
    ] = 0
    prefill: Annotated[
        Literal["none", "plain", "vllm", "prefix"],
        Meta(
            description="How it goes on with an answer that another began (`on_break`): `plain`: a last message of the "
            "assistant is enough; `vllm`: `continue_final_message`; `prefix`: `prefix` in that message, as Mistral and "
            "DeepSeek have it; `none`: it cannot."
        ),
    ] = "none"
    price: Annotated[
        PriceSettings | Literal["free"] | None,
        Meta(description="The price of all its models that have none of their own."),
    ] = None


class HedgeSettings(Tree, frozen=True):
    """A second target for the calls that the first keeps waiting; both are paid for."""

    FORM: ClassVar[str] = '{ after = "p95" } or { after = SECONDS }'

    after: Annotated[
        Literal["p95"] | Annotated[float, Meta(gt=0)],
        Meta(description='Seconds without an answer, or `"p95"`: what nineteen of twenty calls do not take.'),
    ]


class ModelSettings(Tree, frozen=True):
    """A name clients may ask for; `"gpt-*"` stands for all that begin so, `"*"` for every other; the longest counts."""

    targets: Annotated[
        list[str],
        Meta(
            min_length=1,
            description="Where it may go, in order of preference: `UPSTREAM/MODEL`, or `UPSTREAM/*` for the "
            "name that is asked for; `local` is the engine.",
        ),
    ]
    tiers: Annotated[
        list[Annotated[int, Meta(ge=1)]],
        Meta(
            description="How many of the targets belong together, tier by tier, such as `[2, 1]`: the next tier is "
            "asked when all of one failed. None: each target is a tier, or all are one where `pick` is set."
        ),
    ] = []
    pick: Annotated[
        Pick,
        Meta(description="Who of a tier is asked first: as listed, by chance, the fastest of late, the cheapest."),
    ] = "order"
    weights: Annotated[
        list[Annotated[float, Meta(gt=0)]], Meta(description='A number for each target, for `pick = "weight"`.')
    ] = []
    on_break: Annotated[
        OnBreak,
        Meta(
            description="When a stream breaks: `error`: the client is told. `restart`: it is held back until it is "
            "whole, so that the next target may begin anew. `continue`: the next target that can (`prefill`) goes on; "
            "plain text only."
        ),
    ] = "error"
    hedge: Annotated[
        HedgeSettings | None, Meta(description="Another target is asked as well when the first is slow to begin.")
    ] = None
    price: Annotated[
        PriceSettings | Literal["free"] | None,
        Meta(
            description='Its price; without it the maintained price data decides. "free" is said, never assumed. A '
            "model of the engine that stands in behind other targets is free, for it is not what was to be bought."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.tiers and sum(self.tiers) != len(self.targets):
            raise ValueError(f"tiers: {sum(self.tiers)} targets in all, but there are {len(self.targets)}")
        if self.weights and self.pick != "weight":
            raise ValueError('weights: they are for pick = "weight"')
        if self.weights and len(self.weights) != len(self.targets):
            raise ValueError(f"weights: {len(self.weights)} numbers for {len(self.targets)} targets")


def chosen_price(*candidates: PriceSettings | Literal["free"] | None) -> Price | None:
    """Return the first price that somebody set, or None."""
    for candidate in candidates:
        if candidate == "free":
            return FREE
        if isinstance(candidate, PriceSettings):
            return candidate.price()
    return None
