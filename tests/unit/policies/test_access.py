"""What a caller may do."""

import pytest

from parley.core.call import Caller
from parley.errors import Forbidden
from parley.policies.access import Access


def test_a_project_key_makes_calls() -> None:
    """That is what it is for."""
    Access().permit(Caller("key_1", "default", "sk-pa"))


def test_an_admin_key_does_not() -> None:
    """It administrates."""
    with pytest.raises(Forbidden):
        Access().permit(Caller("key_1", "default", "sk-ad", admin=True))


def test_an_admin_key_administrates() -> None:
    """That is what it is for."""
    Access().administrate(Caller("key_1", "default", "sk-ad", admin=True))


def test_a_project_key_does_not_administrate() -> None:
    """It makes calls."""
    with pytest.raises(Forbidden):
        Access().administrate(Caller("key_1", "default", "sk-pa"))
