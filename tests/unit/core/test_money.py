"""Money: whole nano-dollars, never negative, never rounded in the caller's favour."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.core.events import Usage
from parley.core.money import FREE, Price, dollars, nano

COUNT = st.integers(0, 10**9)
PRICE = st.builds(Price, input=COUNT, output=COUNT, cached_input=COUNT, source=st.just("test"))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Draw a usage whose cached tokens are part of its input."""
    asked = draw(COUNT)
    return Usage(input=asked, output=draw(COUNT), cached_input=draw(st.integers(0, asked)))


def test_a_price_is_per_million_tokens() -> None:
    """2.50 dollars in and 10 out: a thousand tokens in and a hundred out cost 3.5 thousandths of a dollar."""
    price = Price(input=nano(Decimal("2.50")), output=nano(Decimal(10)), cached_input=0, source="test")
    assert price.of(Usage(input=1000, output=100)) == 3_500_000


def test_cached_tokens_have_their_own_price() -> None:
    """Of ten tokens in, four were cached: six cost the one price, four the other."""
    price = Price(input=5_000_000, output=0, cached_input=1_000_000, source="test")
    assert price.of(Usage(input=10, cached_input=4)) == 6 * 5 + 4 * 1


@pytest.mark.parametrize(("tokens", "cost"), [(0, 0), (1, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2)])
def test_a_part_of_a_nano_dollar_is_a_whole_one(tokens: int, cost: int) -> None:
    """At one nano-dollar a million, the first token costs one."""
    assert Price(input=1, output=0, cached_input=0, source="test").of(Usage(input=tokens)) == cost


@given(PRICE, usages())
def test_a_cost_is_never_negative(price: Price, usage: Usage) -> None:
    """Whatever the price and the usage."""
    assert price.of(usage) >= 0


@given(PRICE, usages(), usages())
def test_costs_add_up(price: Price, one: Usage, two: Usage) -> None:
    """Two calls cost what both together do, but for the rounding: one nano-dollar at most."""
    both = Usage(one.input + two.input, one.output + two.output, one.cached_input + two.cached_input)
    assert 0 <= price.of(one) + price.of(two) - price.of(both) <= 1


@given(usages())
def test_free_is_free(usage: Usage) -> None:
    """Any usage costs nothing."""
    assert FREE.of(usage) == 0


def test_amounts_are_read_and_shown_exactly() -> None:
    """Nine places, no float in between; a tenth of a nano-dollar is rounded up."""
    assert nano(Decimal("0.0000000001")) == 1
    assert nano(Decimal("2.50")) == 2_500_000_000
    assert dollars(2500) == "0.000002500"
    assert dollars(123_456_789_012_345_678) == "123456789.012345678"
