"""What a key of ours looks like."""

import pytest

from parley.core.keys import is_ours


@pytest.mark.parametrize(
    ("secret", "ours"),
    [("sk-parley-a", True), ("sk-admin-parley-a", True), ("sk-proj-a", False), ("sk-parleys", False), ("", False)],
)
def test_a_key_of_ours_is_known_by_its_head(secret: str, ours: bool) -> None:
    """Project and admin keys; those of others are not."""
    assert is_ours(secret) is ours
