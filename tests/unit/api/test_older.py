"""What clients from before 1.0 expect, and what they send."""

import msgspec
import pytest

from parley.api.older import with_content, with_model


def test_every_delta_has_a_content() -> None:
    """Also the last one's, which is empty; one that is there stays."""
    chunk = b'{"choices":[{"delta":{}},{"delta":{"content":"a"}}]}'
    deltas = [choice["delta"] for choice in msgspec.json.decode(with_content(chunk))["choices"]]
    assert deltas == [{"content": ""}, {"content": "a"}]


@pytest.mark.parametrize("body", [b'{"n":1}', b'{"n":1,"model":null}'])
def test_a_body_without_a_model_gets_the_paths(body: bytes) -> None:
    """Where `engine=` was said; all else stays."""
    assert msgspec.json.decode(with_model(body, "gpt-4")) == {"n": 1, "model": "gpt-4"}


@pytest.mark.parametrize("body", [b'{"model": "mine"}', b'{"model": 5}', b"{", b"[]", b"", b"\xff"])
def test_another_body_stays_as_it_is(body: bytes) -> None:
    """It names a model, or its flow will refuse it."""
    assert with_model(body, "gpt-4") == body
