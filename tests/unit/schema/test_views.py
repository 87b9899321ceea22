"""What the meter reads of an upstream's answer, however wrong that is."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.schema.views import CHUNK, WHOLE, ChunkView, UsageView, WholeView, view


def chunk(**members: Any) -> ChunkView:
    """Return the view of a chunk with *members*."""
    return view(json.dumps(members).encode(), CHUNK)


def test_a_chunk_tells_its_text_and_its_end() -> None:
    """Content and finish reason of each choice are read."""
    found = chunk(id="a", model="m", choices=[{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}])
    assert found.choices is not None
    assert found.choices[0].delta is not None
    assert (found.id, found.choices[0].delta.content, found.choices[0].finish_reason) == ("a", "hi", "stop")


def test_half_a_surrogate_pair_is_taken() -> None:
    """Some upstreams cut an emoji between two events; the halves are read, and relayed as they came."""
    found = chunk(choices=[{"index": 0, "delta": {"content": "\ud83d"}}])
    assert found.choices is not None
    assert found.choices[0].delta is not None
    assert found.choices[0].delta.content == "\ud83d"


def test_usage_is_read_with_its_cached_part() -> None:
    """The three counts of usage are read."""
    counts = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    usage = view(json.dumps({"usage": counts}).encode(), WHOLE).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached) == (9, 3, 4)


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, 5, {"cached_tokens": "4"}])
def test_a_cached_part_that_is_not_told_is_none(details: Any) -> None:
    """Null, missing or wrong details count as nothing cached, and spoil nothing else."""
    usage = chunk(usage={"prompt_tokens": 9, "prompt_tokens_details": details}).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.cached) == (9, 0)


def test_a_wrong_field_spoils_nothing_else() -> None:
    """Fields of a wrong type are read as missing; their neighbours are read."""
    found = chunk(
        id=5, choices=[{"delta": {"content": "hi", "tool_calls": 7}}, 3], usage={"prompt_tokens": "x"}, model="m"
    )
    assert (found.id, found.model, found.usage) == (None, "m", UsageView())
    assert found.choices is not None
    assert [one.delta.content for one in found.choices if one.delta] == ["hi"]


def test_an_error_is_seen_whatever_it_is() -> None:
    """`error` is kept as it came, object or not."""
    assert chunk(error={"message": "no"}).error == {"message": "no"}
    assert chunk(error="no").error == "no"


@pytest.mark.parametrize("raw", [b"", b"[DONE]", b"[]", b"1", b'{"id":"\xff"}', b'{"error":' + b"[" * 100_000])
def test_what_is_no_object_is_told(raw: bytes) -> None:
    """Bytes that are not a JSON object raise DecodeError, and only that."""
    with pytest.raises(msgspec.DecodeError):
        view(raw, CHUNK)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text("aé`", max_size=3)
names = st.sampled_from(
    [
        "id",
        "model",
        "usage",
        "error",
        "choices",
        "delta",
        "message",
        "content",
        "tool_calls",
        "function",
        "index",
        "prompt_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "finish_reason",
        "x",
    ]
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(names, values, max_size=6))
def test_any_object_is_viewed(found: dict[str, Any]) -> None:
    """Every JSON object gives a view, with parts of the right types only; or is no JSON (NaN)."""
    raw = json.dumps(found).encode()
    try:
        seen = view(raw, CHUNK), view(raw, WHOLE)
    except msgspec.DecodeError:
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return
    msgspec.convert(msgspec.to_builtins(seen[0]), ChunkView)
    msgspec.convert(msgspec.to_builtins(seen[1]), WholeView)
