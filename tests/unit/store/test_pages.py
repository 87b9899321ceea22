"""Pages of a list in memory."""

import pytest

from parley.errors import InvalidRequest
from parley.store.pages import Window, cut

ITEMS = {name: name.upper() for name in "abcde"}


@pytest.mark.parametrize(
    ("window", "found", "more"),
    [
        (Window(), "ABCDE", False),
        (Window(limit=2), "AB", True),
        (Window(after="b", limit=2), "CD", True),
        (Window(after="c", limit=2), "DE", False),
        (Window(after="e"), "", False),
        (Window(before="d", limit=2), "BC", True),
        (Window(before="c", limit=2), "AB", False),
        (Window(after="a", before="d", limit=1), "B", True),
    ],
)
def test_a_window_is_cut(window: Window, found: str, more: bool) -> None:
    """After an item, before one, or between two; it is told whether there are more."""
    assert cut(ITEMS, window) == (list(found), more)


@pytest.mark.parametrize("param", ["after", "before"])
def test_an_unknown_cursor_is_refused(param: str) -> None:
    """By the parameter's name."""
    with pytest.raises(InvalidRequest, match=f"Invalid '{param}'") as raised:
        cut(ITEMS, Window(**{param: "z"}))
    assert raised.value.param == param
