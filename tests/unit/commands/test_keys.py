"""What a key and its project may be called, and how that is listed."""

import pytest

from parley.commands.keys import checked, cut
from parley.errors import SettingsError


@pytest.mark.parametrize("name", ["shop", "Kasse 3", "客服", "x" * 64])
def test_a_name_is_a_line(name: str) -> None:
    """Of up to 64 characters of any language."""
    checked("--name", name)


@pytest.mark.parametrize("name", ["", " ", "\t\n", "x" * 65, "a\nb", "a\x1b[2J", " a", "a "])
def test_what_nobody_could_tell_apart_is_no_name(name: str) -> None:
    """The message begins with the option."""
    with pytest.raises(SettingsError, match=r"^--project: "):
        checked("--project", name)


def test_a_long_name_is_cut_in_the_table() -> None:
    """With an ellipsis; a shorter one stands whole, always on one line."""
    assert cut("x" * 300) == "x" * 39 + "…"
    assert cut("x" * 40) == "x" * 40
    assert cut("a\nb") == "a b"
