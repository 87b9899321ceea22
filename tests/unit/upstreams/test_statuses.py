"""What an upstream's status means to us."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.errors import (
    ParleyError,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamDenied,
    UpstreamError,
    UpstreamLacksModel,
    UpstreamMisplaced,
    UpstreamRefused,
    UpstreamTimeout,
)
from parley.upstreams.statuses import LONGEST_WAIT, SHOWN, event_failure, failure, retry_after, told_in

TOLD = b'{"error": {"message": "No.", "type": "t", "param": "messages", "code": "c"}}'


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UpstreamRefused),
        (401, UpstreamDenied),
        (402, UpstreamDenied),
        (403, UpstreamDenied),
        (404, UpstreamLacksModel),
        (408, UpstreamTimeout),
        (409, UpstreamBusy),
        (413, UpstreamRefused),
        (422, UpstreamRefused),
        (425, UpstreamBusy),
        (429, UpstreamBusy),
        (500, UpstreamBroken),
        (502, UpstreamBroken),
        (503, UpstreamBusy),
        (504, UpstreamTimeout),
        (529, UpstreamBusy),
        (204, UpstreamBroken),
        (307, UpstreamBroken),
    ],
)
def test_each_status_has_its_meaning(status: int, kind: type[ParleyError]) -> None:
    """Told by status alone."""
    assert type(failure("main", status, {}, TOLD)) is kind


@pytest.mark.parametrize("where", ["code", "type"])
def test_an_empty_account_is_the_operators_business(where: str) -> None:
    """Not an overload that passes: the next target is asked, and the client is told that it is not its own quota."""
    told = failure(
        "main", 429, {}, b'{"error": {"message": "You exceeded.", "%b": "insufficient_quota"}}' % where.encode()
    )
    assert isinstance(told, UpstreamDenied)
    assert (told.status, told.error_code) == (502, "upstream_insufficient_quota")
    assert "You exceeded." in told.detail


@pytest.mark.parametrize(
    "error", [{"code": "organization_spend_limit_exceeded"}, {"type": "credit_balance_exhausted", "code": None}]
)
def test_every_way_to_have_no_quota_is_known(error: dict[str, object]) -> None:
    """The newer codes of a 429 too; nothing tells when to come back, for nobody knows when it is paid."""
    told = failure("main", 429, {b"retry-after": b"3"}, msgspec.json.encode({"error": error}))
    assert (told.error_code, told.retry_after) == ("upstream_insufficient_quota", None)


@pytest.mark.parametrize("rubbish", [{"a": 1}, ["insufficient_quota"], 429, True])
def test_a_code_of_any_kind_is_borne(rubbish: object) -> None:
    """A 429 whose code and type are no texts is an overload, not a fault of ours."""
    body = msgspec.json.encode({"error": {"message": "No.", "code": rubbish, "type": rubbish}})
    assert type(failure("main", 429, {}, body)) is UpstreamBusy


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Not found</html>",
        b'{"detail": "Not Found"}',
        b"404 page not found",
        b'{"status": 404, "error": "Not Found", "path": "/chat/completions"}',
        b'{"error": {"message": "Not Found"}}',
        b'{"error": {"type": "t", "code": "c"}}',
    ],
)
def test_a_path_that_is_not_there_is_no_missing_model(body: bytes) -> None:
    """A 404 that is not OpenAI's means that the base URL is wrong; the hint names no address."""
    told = failure("main", 404, {}, body)
    assert isinstance(told, UpstreamMisplaced)
    assert "base_url" in told.message
    assert told.status == 502


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "No m.", "type": "invalid_request_error", "param": null, "code": "model_not_found"}}',
        b'{"error": {"message": "No m.", "type": "NotFoundError", "param": "model", "code": 404}}',
        b'{"object": "error", "message": "No m.", "type": "NotFoundError", "param": null, "code": 404}',
    ],
)
def test_a_missing_model_is_told_in_the_providers_words(body: bytes) -> None:
    """As OpenAI says it, as vLLM does, and as older ones of it did."""
    told = failure("main", 404, {}, body)
    assert (type(told), told.message, told.error_code) == (UpstreamLacksModel, "No m.", "model_not_found")


def test_the_log_learns_what_the_provider_said() -> None:
    """Status, code and words, or what the body begins with."""
    told = failure("main", 401, {}, TOLD)
    assert (told.answered, told.provider_code, told.detail) == (401, "c", "No.")
    page = failure("main", 502, {}, b"<html>Bad gateway</html>")
    assert (page.answered, page.provider_code, page.detail) == (502, None, "<html>Bad gateway</html>")


def test_a_refusal_is_told_in_the_providers_words() -> None:
    """Message, param and code go to the client."""
    told = failure("main", 400, {}, TOLD)
    assert (told.message, told.param, told.error_code, told.status) == ("No.", "messages", "c", 400)


def test_our_own_key_is_our_own_business() -> None:
    """The provider's words on our key may carry it: they are not passed on."""
    body = b'{"error": {"message": "Incorrect API key provided: sk-secret."}}'
    assert "sk-secret" not in failure("main", 401, {}, body).message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"\xff", b'{"error": null}', b'{"error": 5}'])
def test_a_body_that_tells_nothing_names_the_upstream(body: bytes) -> None:
    """And its status."""
    assert failure("main", 400, {}, body).message == "`main` answered with status 400."


def test_codes_of_other_types_are_dropped() -> None:
    """Some servers send numbers; clients expect texts."""
    told = failure("main", 400, {}, b'{"error": {"message": "No.", "code": 400, "param": 7}}')
    assert (told.error_code, told.param) == (None, None)


def test_an_error_that_is_a_text_is_a_message() -> None:
    """As some servers have it."""
    assert told_in(b'{"error": "No."}') == {"message": "No."}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"detail": "No."}', "No."),
        (b'{"message": "No."}', "No."),
        (b'{"object": "error", "message": "No.", "type": "BadRequestError", "code": 400}', "No."),
        (b'{"detail": [{"loc": ["body", "n"], "msg": "too many"}]}', '[{"loc":["body","n"],"msg":"too many"}]'),
    ],
)
def test_a_refusal_is_heard_in_whatever_shape_it_comes(body: bytes, words: str) -> None:
    """FastAPI's, vLLM's, and bare ones: the client must learn what to mend."""
    assert failure("main", 400, {}, body).message == words


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "x", "code": "rate_limit_exceeded"}, UpstreamBusy),
        ({"message": "x", "type": "insufficient_quota"}, UpstreamDenied),
        ({"message": "x", "code": 429}, UpstreamBusy),
        ({"message": "x", "type": "invalid_request_error", "code": None}, UpstreamRefused),
        ({"message": "x", "code": {"odd": 1}}, UpstreamBroken),
        ({"message": "x", "code": 7}, UpstreamBroken),
        ("x", UpstreamBroken),
    ],
)
def test_an_error_event_means_what_its_status_would(error: object, kind: type[UpstreamError]) -> None:
    """A stream's status is 200 before anybody knows."""
    assert type(event_failure("main", msgspec.json.encode({"error": error}))) is kind


def test_a_long_message_is_cut() -> None:
    """A client is not sent megabytes."""
    told = failure("main", 400, {}, b'{"error": {"message": "%b"}}' % (b"x" * 10_000))
    assert len(told.message) == SHOWN


@given(st.binary(max_size=200), st.integers(200, 599))
def test_any_answer_is_an_error_of_ours(body: bytes, status: int) -> None:
    """Whatever an upstream sends, it is never a fault of ours."""
    assert isinstance(failure("main", status, {}, body), UpstreamError)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({b"retry-after": b"3"}, 3.0),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after-ms": b"250", b"retry-after": b"9"}, 0.25),
        ({b"retry-after-ms": b"soon", b"retry-after": b"9"}, 9.0),
        ({b"retry-after": b"-3"}, None),
        ({b"retry-after": b"1e15"}, LONGEST_WAIT),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:00 GMT", b"date": b"Wed, 21 Oct 2026 07:27:30 GMT"}, 30.0),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:00 GMT", b"date": b"Wed, 21 Oct 2026 08:00:00 GMT"}, 0.0),
        ({b"retry-after": b"Wed, 21 Oct 9999 07:28:00 GMT", b"date": b"today"}, LONGEST_WAIT),
        ({b"retry-after": b"Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({b"retry-after": b"Wed, 99 Foo 2015 07:28:00 GMT"}, None),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:00 +9999999999999999"}, None),
        ({b"retry-after": b"\xff"}, None),
        ({b"retry-after": b"inf"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"1e999"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(headers: dict[bytes, bytes], seconds: float | None) -> None:
    """Seconds, by the provider's own clock where a date is told; None where nothing sensible is."""
    assert retry_after(headers) == seconds


@given(st.one_of(st.binary(max_size=20), st.text("Wed, 21 Oct 2026 07:28:0+-GMT", max_size=40).map(str.encode)))
def test_when_to_come_back_is_never_endless(value: bytes) -> None:
    """Whatever the header holds."""
    told = retry_after({b"retry-after": value})
    assert told is None or 0 <= told <= LONGEST_WAIT
