"""Text that every database keeps."""

import pytest

from parley.store.storable import storable


@pytest.mark.parametrize(("text", "kept"), [("汉 a", "汉 a"), ("a\0b", "a\ufffdb"), ("a\ud800", "a?")])
def test_only_what_cannot_be_stored_is_replaced(text: str, kept: str) -> None:
    """NUL and half pairs go, everything else stays."""
    assert storable(text) == kept
