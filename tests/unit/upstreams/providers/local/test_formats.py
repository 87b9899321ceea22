"""The formats of texts, as patterns."""

import ipaddress
import re
from datetime import date, datetime, time
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from parley.upstreams.providers.local.formats import PATTERNS, UNHELD
from parley.upstreams.providers.local.patterns import held

READERS = {
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "date-time": datetime.fromisoformat,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "uri": urlsplit,
    "uuid": UUID,
}


@pytest.mark.parametrize("name", sorted(READERS))
@given(data=st.data())
def test_what_a_pattern_allows_is_of_its_format(name: str, data: st.DataObject) -> None:
    """As those who read it find."""
    READERS[name](data.draw(st.from_regex(re.compile(held(PATTERNS[name]), re.ASCII), fullmatch=True)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("date", "2024-02-29"),
        ("date", "1999-12-31"),
        ("date-time", "2026-11-24T10:00:00Z"),
        ("duration", "P3DT4H"),
        ("duration", "PT1M30S"),
        ("email", "ada.l+x@mail.example.org"),
        ("hostname", "example.org"),
        ("ipv4", "192.168.0.255"),
        ("uri", "https://example.org/a/b.html"),
    ],
)
def test_what_is_usual_is_allowed(name: str, text: str) -> None:
    """However narrow the pattern is."""
    assert re.fullmatch(held(PATTERNS[name]), text)


@given(st.from_regex(re.compile(PATTERNS["duration"], re.ASCII), fullmatch=True))
def test_a_duration_is_read_by_pydantic(text: str) -> None:
    """It is who asks for them."""
    TypeAdapter(type(datetime.resolution)).validate_python(text)


def test_no_format_is_held_and_refused() -> None:
    """It is one or the other."""
    assert not UNHELD & set(PATTERNS)
