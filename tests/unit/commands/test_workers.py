"""How long a crashed worker waits for its next start."""

from parley.commands.workers import pause


def test_each_crash_in_a_row_waits_twice_as_long() -> None:
    """Half a second, one, two, four."""
    assert [pause(crashes) for crashes in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]


def test_the_pause_has_an_end() -> None:
    """However often it crashed, it is tried again after half a minute."""
    assert pause(10_000) == 30.0
