"""Embeddings on the engine."""

from typing import Any

import msgspec
import pytest

from parley.errors import InvalidRequest
from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.local.asking import Plan
from parley.upstreams.providers.local.vectors import check_length, check_lengths, plan_vectors, vectors


def plan(**parameters: Any) -> Plan:
    """Return the plan for a call."""
    it = a_call({"model": "m", "input": "hi", **parameters}, operation="embeddings")
    it.take(decode(it))
    return plan_vectors(it)


def test_input_and_format_are_sent() -> None:
    """And nothing else."""
    assert plan(user="u").body == {"input": "hi", "encoding_format": "float"}
    assert plan(encoding_format="base64").body["encoding_format"] == "base64"


@pytest.mark.parametrize("name", ["dimensions", "wibble"])
def test_what_it_cant_do_is_refused_by_name(name: str) -> None:
    """The engine would ignore it."""
    with pytest.raises(InvalidRequest) as failure:
        plan(**{name: 64})
    assert failure.value.param == name


def test_only_texts_that_may_be_too_long_are_counted() -> None:
    """A token is at least a byte: a text of few bytes fits."""
    assert check_lengths(plan(input=["short", "x" * 99, "ü" * 50]), 100) == ["x" * 99, "ü" * 50]


@pytest.mark.parametrize("tokens", [list(range(101)), [[1], list(range(101))]])
def test_too_many_tokens_are_refused_before_the_model_is_asked(tokens: object) -> None:
    """They need no counting."""
    with pytest.raises(InvalidRequest) as failure:
        check_lengths(plan(input=tokens), 100)
    assert (failure.value.param, failure.value.error_code) == ("input", "context_length_exceeded")


def test_the_limit_itself_fits() -> None:
    """Not one more."""
    check_length(100, 100)
    with pytest.raises(InvalidRequest):
        check_length(101, 100)


def test_the_answer_has_openais_shape() -> None:
    """Without the engine's extras."""
    item = {"embedding": "AAAA", "index": 0, "object": "embedding", "encoding_format": "base64"}
    told = {"model": "tiny", "object": "list", "usage": {"prompt_tokens": 4, "total_tokens": 4}, "data": [item]}
    body, usage = vectors(msgspec.json.encode(told))
    assert msgspec.json.decode(body)["data"] == [{"object": "embedding", "index": 0, "embedding": "AAAA"}]
    assert usage == {"prompt_tokens": 4, "total_tokens": 4}
