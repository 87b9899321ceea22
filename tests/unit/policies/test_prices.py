"""Published prices: known ones are exact, unknown ones are None, never zero."""

from parley.policies.prices import SOURCE, look_up

OPENAI = "https://api.openai.com/v1"


def test_gpt_4o_has_its_published_price() -> None:
    """2.50 dollars in, 10.00 out, half for cached input."""
    price = look_up(OPENAI, "gpt-4o")
    assert price is not None
    assert (price.input, price.output, price.cached_input) == (2_500_000_000, 10_000_000_000, 1_250_000_000)
    assert (price.source, price.told) == (SOURCE, f"{SOURCE} 2.5/10/1.25")


def test_an_embedding_costs_its_input_only() -> None:
    """It has no output."""
    price = look_up(OPENAI, "text-embedding-3-small")
    assert price is not None
    assert (price.input, price.output) == (20_000_000, 0)


def test_an_unknown_model_has_no_price() -> None:
    """None, so that it can be refused by name."""
    assert look_up(OPENAI, "wibble-9000") is None


def test_an_unknown_provider_has_no_price() -> None:
    """A server of one's own is not OpenAI, whatever its models are called."""
    assert look_up("http://127.0.0.1:8000/v1", "gpt-4o") is None
