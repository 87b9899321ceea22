"""What is said of an attempt: one of a few words, and a line without secrets."""

import inspect
from typing import Any

import pytest
import structlog.testing

from parley import errors
from parley.core.catalog import Target
from parley.core.money import FREE
from parley.errors import (
    InvalidRequest,
    ParleyError,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamsExhausted,
)
from parley.testing import a_call
from parley.upstreams.attempts import FAILED, SHOWN, note, outcome, shown
from parley.upstreams.statuses import failure

TARGET = Target("main", "gpt-4o", FREE)
BODY = b'{"error": {"message": "Sorry, sk-live-0123456789 has a problem.", "type": "t", "code": "c"}}'


def line(error: ParleyError) -> dict[str, Any]:
    """Return the line that *error* leaves in the log."""
    with structlog.testing.capture_logs() as lines:
        note(a_call({}), TARGET, "http://10.0.0.7:8000/v1", error, 1.23456)
    [found] = lines
    return dict(found)


def test_a_line_says_what_is_needed_to_mend_it() -> None:
    """Which call, whom we asked for what, where, what it answered, how long it took; the key in its words is hidden."""
    told = line(failure("main", 500, {}, BODY))
    assert told.pop("request").startswith("req_")
    assert told == {
        "event": "an upstream failed",
        "log_level": "warning",
        "upstream": "main",
        "address": "http://10.0.0.7:8000/v1",
        "model": "gpt-4o",
        "outcome": "broken",
        "status": 500,
        "code": "c",
        "message": "Sorry, *** has a problem.",
        "seconds": 1.235,
    }


def test_a_line_says_why_nobody_was_reached() -> None:
    """There is no status then; the cause has what clients are not told."""
    error = UpstreamBroken("Could not connect to `main`.")
    error.__cause__ = OSError(111, "Connect call failed ('10.0.0.7', 8000)")
    told = line(error)
    assert (told["status"], told["code"]) == (None, None)
    assert told["message"].startswith("Could not connect to `main`. ([Errno 111]")


@pytest.mark.parametrize("error", [failure("main", 400, {}, BODY), UpstreamRefused("Hello?"), InvalidRequest("Hello?")])
def test_a_refusal_is_no_warning(error: ParleyError) -> None:
    """The client's mistake is no fault of the upstream, and words that may repeat the prompt stay out."""
    told = line(error)
    assert told["log_level"] == "info"
    assert "message" not in told


KEY = "abcdef0123456789"


@pytest.mark.parametrize(
    "words",
    [
        f"Incorrect API key provided: sk-{KEY}",
        f"Incorrect API key provided: sk-proj-{KEY[:9]}***{KEY[9:]}.",
        f"header 'Authorization: Bearer {KEY}' is wrong",
        f'{{"token":"{KEY * 2}"}}',
        f"Invalid api-key: {KEY}",
        f"no account for GSK_{KEY}, sorry",
        KEY * 4,
    ],
)
def test_what_may_be_a_key_is_hidden(words: str) -> None:
    """In every form that providers are known to repeat it."""
    assert KEY[:8] not in shown(words)
    assert "***" in shown(words)


@pytest.mark.parametrize(
    "words",
    [
        "The model `gpt-4o-mini-2024-07-18` does not exist.",
        "Rate limit reached for requests. Visit https://platform.openai.com/account/rate-limits to learn more.",
        "该模型当前访问量过大，请您稍后再试。" * 3,
        "Incorrect API key provided.",
    ],
)
def test_what_is_no_key_is_shown(words: str) -> None:
    """A line that hides what it is about helps nobody."""
    assert shown(words) == words


def test_words_stay_on_their_line() -> None:
    """No provider forges a line of ours, and none fills the disk."""
    assert shown("a\n\x1b[2Kb\u2028c\0") == "a [2Kb c"
    assert len(shown("no " * 1000)) == SHOWN


def test_outcomes_are_few() -> None:
    """Every error of an upstream has its word, so that a metric has no more labels than this."""
    known = [
        error
        for error in vars(errors).values()
        if inspect.isclass(error) and issubclass(error, UpstreamError) and error is not UpstreamsExhausted
    ]
    assert [error for error in known if outcome(error()) == FAILED] == [UpstreamError]
