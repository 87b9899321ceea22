"""A request as a call: what of it can't be read is known before its caller is."""

import pytest

from parley.api.calls import call_of, once_of, unreadable
from parley.api.request import Request
from parley.errors import TooLarge


def request(**headers: str) -> Request:
    """Return a request with *headers*."""
    named = {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in headers.items()}
    return Request("POST", "/v1/chat/completions", "", named)


@pytest.mark.parametrize("media", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8"])
def test_json_can_be_read(media: str) -> None:
    """Whatever its case, and with parameters."""
    assert unreadable(request(content_type=media)) is None


def test_a_body_without_a_type_can_be_read() -> None:
    """It may be JSON."""
    assert unreadable(request()) is None


@pytest.mark.parametrize("media", ["text/plain", "multipart/form-data; boundary=x", "", "ÿ"])
def test_another_type_can_not(media: str) -> None:
    """It is named."""
    error = unreadable(request(content_type=media))
    assert error is not None
    assert f"'{media}'" in error.message


def test_a_coded_body_can_not() -> None:
    """It is named."""
    error = unreadable(request(content_encoding="gzip"))
    assert error is not None
    assert "'gzip'" in error.message
    assert unreadable(request(content_encoding="identity")) is None


def test_the_doors_refusal_comes_first() -> None:
    """A body that was not taken has no type."""
    it = request(content_type="text/plain")
    it.refusal = TooLarge()
    assert unreadable(it) is it.refusal


def test_a_call_has_the_requests_id_and_time() -> None:
    """So the record, the answer and the log tell the same."""
    it = request(authorization="Bearer sk-1", user_agent="curl/8")
    it.id, it.at, it.arrived, it.body = "req_7", 7, 0.5, b"{}"
    call = call_of(it, "chat.completions")
    assert (call.id, call.at, call.arrived, call.body) == ("req_7", 7, 0.5, b"{}")
    assert (call.authorization, call.client, call.operation) == ("Bearer sk-1", "curl/8", "chat.completions")


def test_a_request_without_a_key_may_come_again() -> None:
    """And nothing is made of it."""
    assert call_of(request(), "chat.completions").once is None


def test_a_key_is_told_apart_by_what_is_asked_under_it() -> None:
    """The same path and body is the same; anything else is not."""
    asked = [request(idempotency_key=" k ") for _ in range(4)]
    asked[2].body = b"other"
    asked[3].path = "/v1/completions"
    found = [once_of(one) for one in asked]
    assert [one.key for one in found] == ["k"] * 4
    assert len({one.digest for one in found}) == 3
    assert found[0] == found[1]


def test_a_key_that_is_not_the_only_one_is_told() -> None:
    """What is made of it is the flow's business."""
    it = request(idempotency_key="k")
    assert not once_of(it).repeated
    it.repeated = frozenset([b"idempotency-key"])
    assert once_of(it).repeated
