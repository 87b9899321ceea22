"""Stored completions: the listing that a query string asks for."""

import pytest

from parley.errors import InvalidRequest
from parley.schema.stored import Listing, read_listing


def test_no_query_gives_the_first_page() -> None:
    """Without parameters a page has twenty, oldest first."""
    assert read_listing("") == Listing(after=None, limit=20, order="asc", metadata=None, model=None)


def test_all_parameters_are_read() -> None:
    """Every documented parameter is read; metadata filters by any number of keys."""
    found = read_listing("after=chatcmpl-1&limit=5&order=desc&model=m&metadata[a]=1&metadata%5Bb%5D=x%26y")
    assert found == Listing("chatcmpl-1", 5, "desc", {"a": "1", "b": "x&y"}, "m")


@pytest.mark.parametrize(
    ("query", "param", "message"),
    [
        (
            "limit=x",
            "limit",
            "Invalid type for 'limit': expected an integer, but got a string instead.",
        ),
        (
            "limit=0",
            "limit",
            "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        ),
        (
            "limit=101",
            "limit",
            "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
        ),
        ("order=up", "order", "Invalid value: 'up'. Supported values are: 'asc' and 'desc'."),
        (
            "metadata=1",
            "metadata",
            "Invalid type for 'metadata': expected an object, but got a string instead.",
        ),
    ],
)
def test_a_wrong_query_is_refused(query: str, param: str, message: str) -> None:
    """A wrong parameter of the query is refused as one of the body is."""
    with pytest.raises(InvalidRequest) as caught:
        read_listing(query)
    assert (caught.value.param, caught.value.message) == (param, message)
