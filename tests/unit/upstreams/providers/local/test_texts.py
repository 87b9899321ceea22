"""The older completions on the engine: what is asked, and its chunks as OpenAI's."""

from typing import Any

import pytest

from parley.core.call import Call
from parley.core.events import Usage
from parley.errors import InvalidRequest
from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.local.texts import TextReader, merge_text, plan_text


def call(**parameters: Any) -> Call:
    """Return a call that was read."""
    it = a_call({"model": "m", **parameters}, operation="completions")
    it.take(decode(it))
    return it


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("hi", "hi"),
        (["hi"], "hi"),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [1, 2]),
        ([[1], [2]], [[1], [2]]),
        (None, ""),
        ("<|endoftext|>", ""),
    ],
)
def test_every_form_of_a_prompt_is_sent(prompt: object, sent: object) -> None:
    """Nothing at all is the beginning of a document."""
    assert plan_text(call(prompt=prompt)).body["prompt"] == sent


def test_the_usual_length_is_openais() -> None:
    """Sixteen tokens; the engine's would be all it has room for."""
    assert plan_text(call(prompt="x")).body["max_tokens"] == 16
    assert plan_text(call(prompt="x", max_tokens=3)).body["max_tokens"] == 3


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"echo": True, "prompt": [1, 2]}, "echo"),
        ({"echo": True, "logprobs": 1}, "echo"),
        ({"wibble": 1}, "wibble"),
    ],
)
def test_what_it_cant_do_is_refused_by_name(parameters: dict[str, Any], param: str) -> None:
    """The engine would ignore it."""
    with pytest.raises(InvalidRequest) as failure:
        plan_text(call(**{"prompt": "x", **parameters}))
    assert failure.value.param == param


def told(text: str, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk as llama.cpp tells it."""
    choice = {"text": text, "index": index, "logprobs": more.pop("logprobs", None), "finish_reason": finish}
    head = {"id": "chatcmpl-1", "created": 7, "model": "tiny", "system_fingerprint": "b0", "object": "text_completion"}
    return {"choices": [choice], **head, **more}


def end(index: int, tokens: int, prompt: int = 3) -> dict[str, Any]:
    """Return the last chunk of a choice, which tells its usage."""
    usage = {"prompt_tokens": prompt, "completion_tokens": tokens}
    return told("", index, "stop", usage=usage, timings={"prompt_n": prompt, "predicted_n": tokens})


def read(asked: Call, *chunks: dict[str, Any]) -> tuple[list[dict[str, Any]], Usage]:
    """Return what *chunks* become, and the usage."""
    reader = TextReader(asked)
    return [made for chunk in chunks for made in reader.take(chunk)], reader.usage()


def test_a_text_has_openais_shape() -> None:
    """Its id is a completion's; empty pieces are left out."""
    found, usage = read(call(prompt="x"), told("a"), told(""), told("b"), end(0, 3))
    assert [(it["choices"][0]["text"], it["choices"][0]["finish_reason"]) for it in found] == [
        ("a", None),
        ("b", None),
        ("", "stop"),
    ]
    assert {it["id"] for it in found} == {"cmpl-1"}
    assert usage == Usage(3, 3)
    assert merge_text(found)["choices"] == [{"index": 0, "text": "ab", "logprobs": None, "finish_reason": "stop"}]


def test_tokens_of_all_prompts_and_choices_are_added_up() -> None:
    """The prompt of several choices counts once, several prompts each."""
    asked = call(prompt=["a", "b"], n=2)
    _, usage = read(asked, end(0, 1, 3), end(1, 2, 3), end(2, 4, 5), end(3, 8, 5))
    assert usage == Usage(8, 15)


def test_an_echo_begins_with_the_prompt() -> None:
    """Each choice with its own."""
    found, _ = read(call(prompt=["one ", "two "], echo=True), told("x", 1), told("y", 0))
    assert [choice["text"] for choice in merge_text(found)["choices"]] == ["one y", "two x"]


def test_logprobs_have_the_older_form() -> None:
    """Lists that run in parallel, with as many alternatives as were asked for, and the chosen token itself."""
    top = [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -2.0}]
    entries = [{"content": [{"token": token, "logprob": -0.1, "top_logprobs": top}]} for token in ("a", "bc")]
    found, _ = read(call(prompt="x", logprobs=1), told("a", logprobs=entries[0]), told("bc", logprobs=entries[1]))
    assert merge_text(found)["choices"][0]["logprobs"] == {
        "tokens": ["a", "bc"],
        "token_logprobs": [-0.1, -0.1],
        "top_logprobs": [{"a": -0.1}, {"a": -0.1, "bc": -0.1}],
        "text_offset": [0, 1],
    }


def test_no_token_is_told_where_none_was_asked_for() -> None:
    """The engine makes one all the same; the echo alone is the answer, and it ended for its length."""
    found, usage = read(call(prompt="one", echo=True, max_tokens=0), told("x"), end(0, 1))
    (choice,) = merge_text(found)["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("one", "length")
    assert usage == Usage(3, 0)
