"""What the log and the counters tell of attempts."""

from collections import Counter

import pytest
from structlog.testing import capture_logs

from parley.core.catalog import Target
from parley.core.money import FREE
from parley.errors import UpstreamBroken, UpstreamBusy, UpstreamDenied, UpstreamError, UpstreamRefused
from parley.testing import FakeClock, a_call
from parley.upstreams.attempts import SHOWN, Attempts, said
from parley.upstreams.statuses import failure

TARGET = Target("main", "gpt-4o", FREE)


def noted(error: UpstreamError) -> tuple[list[object], Counter[tuple[str, str]]]:
    """Return the log's lines and the counters after an attempt that failed with *error*, two seconds after it began."""
    counts: Counter[tuple[str, str]] = Counter()
    clock = FakeClock()
    attempts = Attempts(clock, counts)
    clock.advance(2)
    with capture_logs() as lines:
        attempts.failed(a_call({}), TARGET, error, 0.0)
    return list(lines), counts


def test_a_failure_is_one_line() -> None:
    """It names who was asked for what, in which request, what was said and how long it took."""
    body = b'{"error": {"message": "No such key.", "code": "invalid_api_key"}}'
    [line], counts = noted(failure("main", 401, {}, body))
    assert isinstance(line, dict)
    assert line["request"].startswith("req_")
    assert line | {"request": ""} == {
        "event": "an upstream failed",
        "log_level": "error",
        "request": "",
        "upstream": "main",
        "model": "gpt-4o",
        "status": 401,
        "provider_code": "invalid_api_key",
        "code": "upstream_denied",
        "said": "No such key.",
        "seconds": 2.0,
    }
    assert counts == {("main", "upstream_denied"): 1}


def test_an_empty_account_is_counted_as_such() -> None:
    """Who looks at the counters sees whether to mend the key or to pay."""
    _, counts = noted(UpstreamDenied(code="upstream_insufficient_quota"))
    assert counts == {("main", "upstream_insufficient_quota"): 1}


def test_a_request_that_is_wrong_itself_is_no_warning() -> None:
    """It is the client's, who is told; whatever code the provider made up is no label of ours."""
    [line], counts = noted(UpstreamRefused("No.", code="made_up_by_the_provider"))
    assert isinstance(line, dict)
    assert (line["log_level"], line["event"], line["said"]) == ("info", "an upstream refused a request", "No.")
    assert counts == {("main", "refused"): 1}


@pytest.mark.parametrize(
    "words",
    [
        "Incorrect API key provided: sk-proj-abcdefghijklmnopqrstuvwx.",
        "Bad token 0123456789abcdef0123456789abcdef!",
        "key=sk-************************abcd",
        "Authorization: Bearer abcd-012",
        "No account for GSK_abcd0123, sorry",
        "Bad token 0123456789abcdef0123.",
    ],
)
def test_a_key_never_reaches_the_log(words: str) -> None:
    """Whatever the provider repeats of it."""
    told = said(UpstreamBroken().because(words))
    assert "abcd" not in told.replace("sk-proj", "")
    assert "***" in told


@pytest.mark.parametrize(
    "words",
    [
        "The model `gpt-4o-mini-2024-07-18` does not exist.",
        "Rate limit reached. Visit https://platform.openai.com/account/rate-limits to learn more.",
        "该模型当前访问量过大请您稍后再试该模型当前访问量过大请您稍后再试",
        "Incorrect API key provided.",
    ],
)
def test_what_is_no_key_is_told(words: str) -> None:
    """A line that hides what it is about helps nobody."""
    assert said(UpstreamBroken().because(words)) == words


def test_a_line_stays_a_line() -> None:
    """No line breaks, nothing that steers a terminal, no megabytes; without a detail what the client is told."""
    assert said(UpstreamBroken().because("a\r\n\x1b[2Kb\u2028c\0")) == "a [2Kb c"
    told = said(UpstreamBroken().because("a\nb " * 1000))
    assert len(told) == SHOWN
    assert "\n" not in told
    assert said(UpstreamBusy("Too busy.")) == "Too busy."
