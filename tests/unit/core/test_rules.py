"""Rules."""

from parley.core.rules import Rule


def test_a_rule_concerns_its_model() -> None:
    """Or all of them; a limit of batches concerns no call."""
    assert Rule("project", "p", "m", "tokens", "day", 1).concerns("m")
    assert not Rule("project", "p", "m", "tokens", "day", 1).concerns("other")
    assert Rule("project", "p", "*", "tokens", "day", 1).concerns("m")
    assert not Rule("project", "p", "m", "batch", "day", 1).concerns("m")
