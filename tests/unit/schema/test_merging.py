"""A stream put together is the whole answer, with no field lost."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from parley.schema.merging import merge


def chunk(delta: dict[str, Any], index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk."""
    choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None, **more}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]}


def test_text_is_joined() -> None:
    """The shape is that of a whole answer."""
    whole = merge([chunk({"role": "assistant", "content": ""}), chunk({"content": "Hi"}), chunk({}, finish="stop")])
    assert whole == {
        "id": "c-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "system_fingerprint": None,
    }


@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=5)), max_size=30))
def test_choices_are_kept_apart(pieces: list[tuple[int, str]]) -> None:
    """However they interleave, each has its own text, and they come in order."""
    whole = merge([chunk({"content": text}, index) for index, text in pieces])
    told = {choice["index"]: choice["message"]["content"] for choice in whole["choices"]}
    assert told == {index: "".join(text for at, text in pieces if at == index) for index in {at for at, _ in pieces}}
    assert list(told) == sorted(told)


def test_tool_calls_are_joined() -> None:
    """Id, type and name come once, arguments in pieces; the index is only the stream's."""
    start = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": text}} for text in ('{"a"', ": 1}")]
    other = {"index": 1, "id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    deltas = [{"role": "assistant", "content": None, "tool_calls": [{"index": 0, **start}]}]
    deltas += [{"tool_calls": [piece]} for piece in (*pieces, other)]
    [choice] = merge([chunk(delta) for delta in deltas] + [chunk({}, finish="tool_calls")])["choices"]
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {**start, "function": {"name": "f", "arguments": '{"a": 1}'}},
        {name: value for name, value in other.items() if name != "index"},
    ]


def test_a_function_call_is_joined() -> None:
    """The older form."""
    deltas = [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}]
    [choice] = merge([chunk(delta) for delta in deltas])["choices"]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}


def test_logprobs_are_joined() -> None:
    """One entry a token, in order."""
    chunks = [chunk({"content": text}, logprobs={"content": [{"token": text}]}) for text in "ab"]
    [choice] = merge(chunks)["choices"]
    assert [entry["token"] for entry in choice["logprobs"]["content"]] == ["a", "b"]


def test_unknown_fields_are_kept() -> None:
    """A provider's own, such as its reasoning."""
    [choice] = merge([chunk({"reasoning_content": "Hm"}), chunk({"reasoning_content": "m", "x": 1})])["choices"]
    assert (choice["message"]["reasoning_content"], choice["message"]["x"]) == ("Hmm", 1)


def test_chunks_are_left_as_they_are() -> None:
    """They may be needed again."""
    chunks = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}), chunk({"content": "x"})]
    before = copy.deepcopy(chunks)
    merge(chunks)
    assert chunks == before


def test_nothing_is_an_empty_answer() -> None:
    """No chunks, or only one that tells the usage."""
    assert merge([])["choices"] == []
    assert merge([{"id": "c-1", "choices": []}])["id"] == "c-1"
