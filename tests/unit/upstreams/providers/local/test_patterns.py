"""Regular expressions of a schema, in the words that the engine's grammar understands."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.upstreams.providers.local.patterns import Unheld, held

HELD = (
    r"^\d{3}-\d{4}$", r"^[\w.-]+@[\w-]+\.[a-z]{2,}$", r"^(a|b|)c$", r"^(?:ab)+?$", "^[^a]$", "^[ -~]+$", r"^\S\s\D\W$",
    r"^\x41\u00e9$", r"^[\]\^-]$", "^.{2}$", "a", "a|b", "^a", "a$", r"^a\$", "^$", "", "^[a-]$", r"^\.\/$", "^a{2,}$",
)  # fmt: skip
BLANKS = "\u00a0\u2003\u2028\ufeff"


@pytest.mark.parametrize("pattern", HELD)
@given(text=st.text(alphabet='ab12 .-@_/\\"\n]^A\u00e9$' + BLANKS, max_size=12))
def test_what_it_allows_the_pattern_allows(pattern: str, text: str) -> None:
    """And it needs no backslash in JSON."""
    if re.search(held(pattern), text) and not text.endswith("\n"):
        assert re.search(pattern, text)
        assert json.dumps(text, ensure_ascii=False) == f'"{text}"'


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\d{3}-\d{4}$", "555-1234"),
        (r"^[\w.-]+@[\w-]+\.[a-z]{2,}$", "a.b@c-d.org"),
        ("^[ -~]+$", "a b!"),
        ("b", "abc"),
        ("^(a|b)$", "b"),
        (r"^\S\s\D\W$", "a b-"),
    ],
)
def test_what_is_meant_is_still_allowed(pattern: str, text: str) -> None:
    """It is narrower, not empty."""
    assert re.search(held(pattern), text)


@pytest.mark.parametrize(
    "pattern",
    [r"^\bx$", r"^a\1$", r"^\p{L}$", "^(?=a)$", "^a|b$", '^"$', r"^\n$", "^[]$", r"^\ud83d$", "^a{9999}$"],
)
def test_what_it_cant_say_is_not_held(pattern: str) -> None:
    """The engine would drop it in silence, or write JSON that is none."""
    with pytest.raises(Unheld):
        held(pattern)


@pytest.mark.parametrize("pattern", ["^[a$", "^(a", "^a)$", "^*$", "^a**$", "^a{2,1}$", "^[z-a]$", "a\\"])
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    """The engine counts for ever where the least is more than the most."""
    with pytest.raises(ValueError, match=r"nothing|match|end|often"):
        held(pattern)
