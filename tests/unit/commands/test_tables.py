"""Tables in a pipe, and the words in them."""

from parley.commands.keys import day, row
from parley.commands.models import size
from parley.commands.tables import columns
from parley.store.keys import KeyInfo


def test_the_cells_of_a_column_stand_under_each_other() -> None:
    """Every column is as wide as its widest cell, and no line ends in blanks."""
    assert columns([["A", "B"], ["long", "x"]]) == "A     B\nlong  x"


def test_a_size_is_said_as_people_say_it() -> None:
    """Bytes whole, the rest with one digit."""
    assert [size(999), size(10_958_496), size(5_200_000_000)] == ["999 bytes", "11.0 MB", "5.2 GB"]


def test_a_time_is_told_in_utc() -> None:
    """To the second, with a Z."""
    assert day(1_700_000_000_000_000_000) == "2023-11-14 22:13:20Z"


def test_an_admin_key_is_marked() -> None:
    """People see at once which keys are dangerous; empty cells have a dash."""
    info = KeyInfo("key_1", "shop", "", "sk-…", admin=True, created_at=0, revoked_at=None)
    assert row(info) == ["key_1", "shop (admin)", "-", "sk-…", "1970-01-01 00:00:00Z", "-"]
