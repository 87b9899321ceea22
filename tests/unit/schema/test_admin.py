"""What is shared by the objects of the Administration API."""

import pytest

from parley.errors import InvalidRequest
from parley.schema.admin import Deleted, Listing, page_of, parameters, read_query, until
from parley.schema.admin_limits import ALERT, AlertListing
from parley.schema.admin_people import UserListing
from parley.schema.admin_projects import CREATE, ProjectListing
from parley.schema.reading import read


def test_a_query_is_read() -> None:
    """Numbers and truths from their text, lists from brackets."""
    assert read_query("limit=3&include_archived=true", ProjectListing) == ProjectListing("", 3, include_archived=True)
    assert read_query("emails[]=a&emails%5B%5D=b", UserListing).emails == ["a", "b"]
    assert read_query("after=x&order=desc&before=", AlertListing) == AlertListing("x", order="desc")
    assert read_query("", Listing) == Listing()


@pytest.mark.parametrize("query", ["mood=1", "limit=0", "limit=101", "limit=many", "order=asc", "after[]=x"])
def test_a_wrong_query_is_refused_by_name(query: str) -> None:
    """What is not known is not passed over."""
    with pytest.raises(InvalidRequest) as raised:
        read_query(query, Listing)
    assert raised.value.param == query.partition("=")[0]


CHANNEL = b'"notification_channel":{"type":"email","recipients":["a@b"],"mood":1}'
SPEND = b'{"currency":"USD","interval":"month","threshold_amount":1,' + CHANNEL + b"}"


@pytest.mark.parametrize(
    ("body", "decoder", "param"),
    [
        (b'{"name":"a","mood":1}', CREATE, "mood"),
        (SPEND, ALERT, "notification_channel.mood"),
    ],
)
def test_an_unknown_field_is_refused_by_name(body: bytes, decoder: object, param: str) -> None:
    """With its path, and OpenAI's code."""
    with pytest.raises(InvalidRequest, match="Unknown parameter") as raised:
        read(body, decoder)  # type: ignore[arg-type]
    assert (raised.value.param, raised.value.error_code) == (param, "unknown_parameter")


def test_a_page_names_its_ends() -> None:
    """The last id is the next page's cursor; an empty page has none."""
    page = page_of([Deleted("a", "x"), Deleted("b", "x")], more=True)
    assert (page.first_id, page.last_id, page.has_more) == ("a", "b", True)
    assert page_of([], more=False).last_id is None


def test_parameters_are_told() -> None:
    """A list is asked for by its name with brackets."""
    assert [name for name, _, _ in parameters(UserListing)] == ["after", "limit", "emails[]"]


def test_a_lifetime_ends() -> None:
    """Or does not."""
    assert until(7, 1) == 1_000_000_007
    assert until(7, None) is None
