"""What a model costs: the file's price, or that of the maintained price data (`genai-prices`, offline, versioned).

A price nobody knows is None, never zero: such a model is refused by name until its operator sets a price or says
"free".
"""

from decimal import Decimal
from typing import Any

import genai_prices
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from parley.core.money import Price, nano, price

SOURCE = f"genai-prices {genai_prices.__version__}"


def look_up(base_url: str, model: str) -> Price | None:
    """Return the published price of *model* at the provider behind *base_url*, or None if nobody published one."""
    try:
        found = calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_api_url=base_url).model_price
    except LookupError:
        return None
    rate, output = _rate(found.input_mtok), _rate(found.output_mtok)
    if rate is None:
        return None
    cached = _rate(found.cache_read_mtok)
    return price(input=rate, output=output or 0, cached_input=rate if cached is None else cached, source=SOURCE)


def is_published(base_url: str) -> bool:
    """Tell whether prices of the provider behind *base_url* are published at all."""
    try:
        get_snapshot().find_provider(None, None, base_url)
    except LookupError:
        return False
    return True


def _rate(found: Any) -> int | None:
    """Return a rate as nano-dollars per million tokens; the dearest of a tiered one, so that none is undercounted."""
    if found is None:
        return None
    if isinstance(found, Decimal):
        return nano(found)
    return max(nano(amount) for amount in (found.base, *(tier.price for tier in found.tiers)))
