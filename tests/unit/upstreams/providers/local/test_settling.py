"""Settling: what is asked where two arguments are made of the same words, and what is done with the answers."""

import msgspec
import pytest

from parley.flows.calls import decode
from parley.testing import a_call
from parley.upstreams.providers.local.asking import Plan, plan_chat, ways
from parley.upstreams.providers.local.filling import ClashError
from parley.upstreams.providers.local.settling import MARGIN, alternatives, likeliest, whole

PROPERTIES = {"what": {"type": "string"}, "to": {"type": "string"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": PROPERTIES}}}
CLASH = ClashError("f", ("what", "to"), {"what": "Lyon office", "to": "Lyon"})


def planned() -> Plan:
    """Return the plan by forms of a chat with one function."""
    call = a_call({"model": "m", "messages": [{"role": "user", "content": "chairs for Lyon office"}], "tools": [TOOL]})
    call.take(decode(call))
    return next(ways(plan_chat(call)))[0]


def test_each_of_the_two_is_made_of_something_else() -> None:
    """As it is, without the words of the second, and without those of the first; a call has to be made."""
    plan = planned()
    as_it_is, first, second = alternatives(plan, CLASH)
    assert (as_it_is.body, as_it_is.said) == (plan.body, "")
    assert first.without == {("f", "what"): ["Lyon"]}
    assert second.without == {("f", "to"): ["Lyon office"]}
    assert "LINE_0_0_HEARD" in first.body["grammar"]
    assert "LINE_0_1_HEARD" in second.body["grammar"]
    assert "TEXT" not in first.body["grammar"]
    assert plan.without == {}


def test_an_argument_that_could_be_nothing_else_stays() -> None:
    """Where no other words, or no other number, were said there is no other way for it."""
    properties = {"what": {"type": "string"}, "count": {"type": "integer"}}
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": properties}}}
    call = a_call({"model": "m", "messages": [{"role": "user", "content": "15 of them"}], "tools": [tool]})
    call.take(decode(call))
    plan = next(ways(plan_chat(call)))[0]
    found = alternatives(plan, ClashError("f", ("what", "count"), {"what": "15 of them", "count": "15"}))
    assert [it.without for it in found] == [{}, {("f", "what"): ["15"]}]
    both = alternatives(plan, ClashError("f", ("count", "what"), {"what": "15 of them", "count": "15 of them"}))
    assert [it.without for it in both] == [{}]
    assert likeliest(both, [b'{"choices": [{}]}']) is both[0]


def test_a_second_clash_adds_to_the_first() -> None:
    """What an argument was not to be made of stays so."""
    _, first, _ = alternatives(planned(), CLASH)
    again = ClashError("f", ("what", "to"), {"what": "office", "to": "office"})
    assert alternatives(first, again)[1].without == {("f", "what"): ["Lyon", "office"]}


def test_a_whole_answer_tells_how_likely_it_is() -> None:
    """It is not streamed, and the likeliest."""
    body = whole(planned()).body
    assert (body["stream"], body["temperature"], body["logprobs"]) == (False, 0, True)
    assert "stream_options" not in body


@pytest.mark.parametrize(
    ("chances", "best"),
    [((-1, -3, -2), 2), ((-1, -3, -4), 1), ((-1, -2 - MARGIN, -3 - MARGIN), 0), ((-1, -MARGIN, -9 - MARGIN), 1)],
)
def test_the_likeliest_is_gone_on_with(chances: tuple[float, ...], best: int) -> None:
    """That with the same words only where it is likelier by far."""
    plans = [Plan({"number": number}) for number in range(3)]
    answers = [
        msgspec.json.encode({"choices": [{"logprobs": {"content": [{"logprob": it / 2}, {"logprob": it / 2}]}}]})
        for it in chances
    ]
    assert likeliest(plans, answers).body == {"number": best}


def test_without_chances_the_first_other_way_is_taken() -> None:
    """Nothing else is known."""
    answer = msgspec.json.encode({"choices": [{"logprobs": None}]})
    assert likeliest([Plan({"number": number}) for number in range(3)], [answer] * 3).body == {"number": 1}
