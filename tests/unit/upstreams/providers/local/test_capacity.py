"""What the loaded model has room for."""

from typing import Any

import msgspec
import pytest

from parley.core.call import Call
from parley.engine.engine import Address
from parley.engine.gguf import Vocabulary
from parley.errors import InvalidRequest
from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.local.asking import Plan, plan_chat
from parley.upstreams.providers.local.capacity import check_room, doubtful, ease, fit
from parley.upstreams.providers.local.texts import plan_text
from parley.upstreams.providers.local.vectors import plan_vectors

SMALL = Address(
    host="127.0.0.1",
    port=1,
    secret="s",
    context=100,
    parallel=4,
    vision=False,
    vocabulary=Vocabulary(size=50, longest=5),
)


def chat(content: object = "x", **parameters: Any) -> Call:
    """Return a chat that was read."""
    it = a_call({"model": "m", "messages": [{"role": "user", "content": content}], **parameters})
    it.take(decode(it))
    return it


def text(**parameters: Any) -> Call:
    """Return an older completion that was read."""
    it = a_call({"model": "m", **parameters}, operation="completions")
    it.take(decode(it))
    return it


def check(call: Call, plan: Plan | None = None) -> None:
    """Look whether *call* fits."""
    fit(call, plan or (plan_chat(call) if call.operation == "chat.completions" else plan_text(call)), SMALL)


def test_a_blind_model_is_shown_no_images() -> None:
    """It would be a fault of the engine's."""
    with pytest.raises(InvalidRequest, match="images"):
        check(chat(), Plan({}, vision=True))


def test_a_stand_in_gives_what_it_has_room_for() -> None:
    """Who asked for a larger model could not know; a limit that fits stays."""
    call = chat(max_tokens=4096)
    plan = plan_chat(call)
    ease(plan, SMALL)
    assert plan.body["max_tokens"] == 100
    check(call, plan)
    small = plan_chat(chat(max_tokens=7))
    ease(small, SMALL)
    assert small.body["max_tokens"] == 7


def test_no_more_choices_than_slots() -> None:
    """The limit itself fits."""
    check(chat(n=4))
    with pytest.raises(InvalidRequest) as failure:
        check(chat(n=5))
    assert (failure.value.param, failure.value.error_code) == ("n", "integer_above_max_value")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_no_more_tokens_than_the_context(name: str) -> None:
    """The parameter that the client used is named, and the limit."""
    check(chat(**{name: 100}))
    with pytest.raises(InvalidRequest, match="at most 100 completion tokens") as failure:
        check(chat(**{name: 101}))
    assert failure.value.param == name


def test_no_bias_for_a_token_that_is_none() -> None:
    """The engine would ignore it."""
    check(chat(logit_bias={"49": 1}))
    with pytest.raises(InvalidRequest, match=r"50\. Maximum value is 49") as failure:
        check(chat(logit_bias={"49": 1, "50": 1}))
    assert failure.value.param == "logit_bias"


def test_a_text_that_is_far_too_long_is_refused_unread() -> None:
    """More bytes than a hundred tokens of at most five can stand for; blanks at its ends may be taken away."""
    check(chat(" " * 900 + "x" * 500))
    with pytest.raises(InvalidRequest, match="at least 101 tokens") as failure:
        check(chat([{"type": "text", "text": "x" * 250}, {"type": "text", "text": "x" * 251}]))
    assert (failure.value.param, failure.value.error_code) == ("messages", "context_length_exceeded")
    check(text(prompt=["x" * 400, "x" * 400]))
    with pytest.raises(InvalidRequest) as failure:
        check(text(prompt=["x" * 501]))
    assert failure.value.param == "prompt"


def test_of_an_unknown_tokenizer_nothing_is_guessed() -> None:
    """Its tokens may stand for any number of bytes."""
    call = chat("x" * 9000)
    fit(call, plan_chat(call), msgspec.structs.replace(SMALL, vocabulary=Vocabulary(size=50)))


@pytest.mark.parametrize("tokens", [[1, 50], [[1], [2, 50]]])
def test_a_token_that_is_none_is_refused(tokens: list[Any]) -> None:
    """By name, in a prompt and in what is to be embedded."""
    with pytest.raises(InvalidRequest, match="50 is no token of this model") as failure:
        check(text(prompt=tokens))
    assert failure.value.param == "prompt"
    call = a_call({"model": "m", "input": tokens}, operation="embeddings")
    call.take(decode(call))
    with pytest.raises(InvalidRequest) as failure:
        check(call, plan_vectors(call))
    assert failure.value.param == "input"


def test_only_a_prompt_that_may_leave_too_little_room_is_counted() -> None:
    """A token is at least a byte; where no length was asked for there is nothing to keep."""
    call = text(prompt=["short", "x" * 60], max_tokens=50)
    assert list(doubtful(call, plan_text(call), SMALL)) == ["x" * 60]
    call = text(prompt=[1] * 60, max_tokens=50)
    assert list(doubtful(call, plan_text(call), SMALL)) == [[1] * 60]
    call = text(prompt="x" * 99)
    assert list(doubtful(call, plan_text(call), SMALL)) == []


def test_prompt_and_answer_share_the_context() -> None:
    """A prompt that is too long by itself is told by the engine."""
    call = text(prompt="x", max_tokens=50)
    check_room(call, 50, 100)
    check_room(call, 100, 100)
    with pytest.raises(InvalidRequest, match=r"101 tokens \(51 in your prompt; 50 for the completion\)") as failure:
        check_room(call, 51, 100)
    assert failure.value.param == "max_tokens"
