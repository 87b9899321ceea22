"""Modules loaded at their first use."""

import sys

import pytest

from parley.core.later import later


def test_a_module_is_loaded_at_its_first_use() -> None:
    """Its code runs when an attribute is asked for, not before."""
    sys.modules.pop("colorsys", None)
    module = later("colorsys")
    assert "rgb_to_hsv" not in object.__getattribute__(module, "__dict__")
    assert module.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)


def test_a_missing_module_is_told_at_once() -> None:
    """A wrong name must not wait for the first request."""
    with pytest.raises(ModuleNotFoundError, match="parley_none"):
        later("parley_none")
