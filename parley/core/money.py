"""Money: integer nano-dollars, and prices per token in the same unit.

One dollar is 1,000,000,000 nano-dollars. A price of 2.50 dollars per million tokens is 2,500 nano-dollars per token,
so whole numbers are enough for every published price down to a tenth of a cent per million tokens.
"""

from decimal import ROUND_CEILING, Decimal
from typing import NewType

import msgspec

from parley.core.events import Usage

NanoDollars = NewType("NanoDollars", int)

NANO = 1_000_000_000
CENT = NANO // 100  # nano-dollars
MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True):
    """What a million tokens cost, in nano-dollars (an integer: 2.50 dollars is 2_500_000_000).

    `source` says who set it: `"parley.toml"`, `"free"` or the name and version of the price data. `told` is what rows
    of calls say: that and the amounts, so that a call can be reckoned again with the price of its day.
    """

    input: int
    output: int
    cached_input: int
    source: str
    told: str = ""

    def of(self, usage: Usage) -> NanoDollars:
        """Return what *usage* costs, rounded up to a whole nano-dollar."""
        fresh = usage.input - usage.cached_input
        total = fresh * self.input + usage.cached_input * self.cached_input + usage.output * self.output
        return NanoDollars(-(-total // MILLION))


FREE = Price(input=0, output=0, cached_input=0, source="free", told="free")


def price(*, input: int, output: int, cached_input: int, source: str) -> Price:  # noqa: A002 - the field's name
    """Return a price that tells its amounts, such as `parley.toml 2.5/10/1.25` (of the prompt, the answer, cached)."""
    amounts = [input, output, *([cached_input] if cached_input != input else [])]
    told = "/".join(f"{(Decimal(amount) / NANO).normalize():f}" for amount in amounts)
    return Price(input, output, cached_input, source, f"{source} {told}")


def nano(dollars: Decimal) -> int:
    """Return *dollars* as nano-dollars, rounded up; `Decimal("2.50")` gives 2_500_000_000."""
    return int((dollars * NANO).to_integral_value(rounding=ROUND_CEILING))


def dollars(amount: int) -> str:
    """Return nano-dollars as a plain decimal of dollars, nine places: `0.000002500`."""
    return f"{Decimal(amount) / NANO:.9f}"
