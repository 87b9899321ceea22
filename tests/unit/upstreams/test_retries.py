"""The budget of retries; pauses are tested with `test_opening`."""

from parley.upstreams.retries import MOST, Budget


def test_a_storm_gets_a_tenth() -> None:
    """What was saved up is soon gone; then ten calls pay for one retry."""
    budget = Budget()
    granted = 0
    for _ in range(1000):
        budget.earn()
        granted += budget.spend(0.0)
    assert 100 <= granted <= 100 + MOST


def test_a_quiet_server_may_retry() -> None:
    """A little comes by itself, up to what may be saved."""
    budget = Budget()
    assert sum(budget.spend(0.0) for _ in range(20)) == MOST
    assert [budget.spend(0.5), budget.spend(1.0), budget.spend(1.5)] == [False, True, False]
    assert sum(budget.spend(1e9) for _ in range(20)) == MOST
