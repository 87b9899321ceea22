"""Breakers: when a target is left alone, and when it is asked again."""

from pathlib import Path

from parley.core.catalog import Breaker, Target
from parley.core.money import FREE
from parley.upstreams.board import Board
from parley.upstreams.health import ENOUGH, FEW, PROBE, SECOND, WINDOW, Health, Pace

TARGET = Target("main", "gpt-4o", FREE)
NOW = 1_000_000 * SECOND


def health(board: Board | None = None, **rules: float) -> Health:
    """Return the health of a target nobody has asked yet."""
    return Health(TARGET, board or Board(), Breaker(**rules))  # type: ignore[arg-type]


def state(one: Health, now: int = NOW) -> str:
    """Return the state of its breaker."""
    return one.report(now).breaker


def test_failures_in_a_row_open_it() -> None:
    """A success in between begins the row anew; the last failure tells that it is open now."""
    one = health(failures=3)
    assert [one.failed(NOW), one.failed(NOW)] == [False, False]
    one.well(NOW)
    assert [one.failed(NOW), one.failed(NOW), one.failed(NOW)] == [False, False, True]
    assert (state(one), one.wait(NOW), one.begin(NOW)) == ("open", 15 * SECOND, False)


def test_a_large_share_of_failures_opens_it() -> None:
    """Though none followed another; in a window, and with enough calls in it."""
    one = health(failures=1000)
    opened = []
    for _ in range(ENOUGH):
        one.well(NOW)
        opened.append(one.failed(NOW))
    assert opened.index(True) == ENOUGH // 2 - 1
    slow = health(failures=1000)
    for step in range(ENOUGH):
        slow.well(NOW + step * WINDOW)
        assert not slow.failed(NOW + step * WINDOW)


def test_one_at_a_time_tries_whether_it_is_well() -> None:
    """After the cooldown; its success closes the breaker, its failure opens it again."""
    one = health(failures=1, cooldown=2)
    one.failed(NOW)
    later = NOW + 2 * SECOND
    assert (state(one, later), one.begin(later), one.begin(later)) == ("half_open", True, False)
    assert not one.failed(later)
    assert (state(one, later), one.begin(later + SECOND)) == ("open", False)
    assert one.begin(later + 2 * SECOND)
    one.well(later + 2 * SECOND)
    assert (state(one), one.wait(later + 2 * SECOND), one.report(NOW).failures_in_a_row) == ("closed", 0, 0)


def test_a_probe_that_nobody_hears_of_is_not_waited_for() -> None:
    """Whoever tried and left lets another try at once; whoever died, after a minute."""
    one = health(failures=1, cooldown=2)
    one.failed(NOW)
    later = NOW + 2 * SECOND
    assert one.begin(later)
    one.left()
    assert (one.begin(later), one.begin(later)) == (True, False)
    assert one.begin(later + PROBE)


def test_a_late_failure_does_not_keep_it_open() -> None:
    """Calls that were under way when it opened fail later: the cooldown goes on all the same."""
    one = health(failures=1, cooldown=2)
    one.failed(NOW)
    assert not one.failed(NOW + SECOND)
    assert one.begin(NOW + 2 * SECOND)


def test_workers_share_it(tmp_path: Path) -> None:
    """What one has learnt the other knows, and only one of them tries."""
    one, other = health(Board(tmp_path / "h"), failures=2), health(Board(tmp_path / "h"), failures=2)
    one.failed(NOW)
    assert other.failed(NOW)
    assert (state(one), state(other)) == ("open", "open")
    later = NOW + 15 * SECOND
    assert [one.begin(later), other.begin(later)] == [True, False]


def test_a_rest_is_kept() -> None:
    """As long as the provider said, and no shorter one takes from it."""
    one = health()
    one.rest(NOW, 3)
    one.rest(NOW, 1)
    assert (one.wait(NOW), one.begin(NOW + 2 * SECOND), one.begin(NOW + 3 * SECOND)) == (3 * SECOND, False, True)
    assert (state(one), one.is_open) == ("closed", False)


def test_times_from_before_a_start_of_the_machine_are_none() -> None:
    """Its clock began anew: what lies further ahead than a cooldown is no time of this run."""
    one = health(failures=1)
    one.failed(NOW)
    one.rest(NOW, 5)
    early = 5 * SECOND
    assert (one.wait(early), state(one, early)) == (0, "half_open")
    assert [one.begin(early), one.begin(early)] == [True, False]
    one.failed(early)
    assert (state(one, early), one.wait(early)) == ("open", 15 * SECOND)
    one.rest(early, 20)
    assert one.wait(early) == 20 * SECOND


def test_the_usual_time_is_known_after_a_few() -> None:
    """Nineteen of twenty take no longer; old times are forgotten."""
    pace = Pace()
    for _ in range(FEW - 1):
        pace.add(1.0)
    assert pace.p95 is None
    for number in range(100):
        pace.add(number / 100)
    assert pace.p95 == 0.95
    assert 0.8 < pace.mean < 1.0


def test_a_trial_that_only_begins_well_is_not_trusted() -> None:
    """Its first event closes the breaker, one failure opens it again; to its end, and the row is over."""
    one = health(failures=3, cooldown=2)
    for _ in range(3):
        one.failed(NOW)
    later = NOW + 2 * SECOND
    assert one.begin(later)
    assert one.begun()
    assert (state(one, later), one.begun()) == ("closed", False)
    assert one.failed(later)
    assert one.begin(later + 2 * SECOND)
    one.begun()
    one.well(later)
    assert [one.failed(later), one.failed(later), one.failed(later)] == [False, False, True]
