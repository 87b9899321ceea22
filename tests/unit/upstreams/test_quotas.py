"""The provider's own limits, read."""

import pytest

from parley.upstreams.quotas import rest, seconds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"1s", 1),
        (b"6m0s", 360),
        (b"12ms", 0.012),
        (b"1h2m3.5s", 3723.5),
        (b"30", 30),
        (b"soon", 0),
        (b"", 0),
        (b"-1s", 0),
    ],
)
def test_times_are_read(text: bytes, found: float) -> None:
    """OpenAI's, plain seconds, and nothing else."""
    assert seconds(text) == pytest.approx(found)


def test_nothing_is_asked_while_nothing_is_left() -> None:
    """Of requests or tokens, the longer one counts; who has some left is asked."""
    used = {b"x-ratelimit-remaining-requests": b"0", b"x-ratelimit-reset-requests": b"2s"}
    assert rest(used) == 2
    assert rest(used | {b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"1m"}) == 60
    assert rest({b"x-ratelimit-remaining-requests": b"1", b"x-ratelimit-reset-requests": b"2s"}) == 0
    assert rest({}) == 0
