"""The judges: what is right, what is wrong and by which name, and what is nearly either."""

import json
from typing import Any

import pytest

from training.evaluate import judges
from training.evaluate.answers import Answer, Call
from training.heldout.cases import Case

CALL = {"name": "move", "arguments": {"code": "AB12-3", "count": 4}}
EN = Case("x", "en", ({"role": "user", "content": "Move 4 of AB12-3."},), calls=(CALL,))
ZH = Case("x", "zh", ({"role": "user", "content": "你好"},))
FACT = Case("fact.number", "en", EN.messages, values=("14",), others=("7 May", "Ann Lee"))
TICKET = Case("ticket", "en", EN.messages, ticket={"intent": "a", "entities.town": "Bonn"})
SENTENCE = "I am Parley's small built-in model. Connect a bigger one with an upstream API key or a GGUF file."
SATZ = "我是 Parley 内置的小模型；接入上游 API 密钥或 GGUF 文件即可使用更大的模型。"
BROKEN = Answer(ended=False, error="APITimeoutError: late")


def called(name: str = "move", **arguments: Any) -> Answer:
    """Return an answer with one call."""
    return Answer(calls=(Call(name, arguments),))


@pytest.mark.parametrize(
    ("text", "value", "there"),
    [
        ("It costs 14.", "14", True),
        ("It costs 140.", "14", False),
        ("It costs 14.50.", "14", False),
        ("It costs 3.14", "14", False),
        ("In all 83,707 points", "83707", True),
        ("Ask Anna", "Ann", False),
        ("ask ann.", "Ann", True),
        ("共14元", "14", True),
        ("由冼砚舟授课", "冼砚舟", True),
        ("１４ 天", "14", True),
    ],
)
def test_values_stand_whole(text: str, value: str, *, there: bool) -> None:
    """A value counts only where it is not part of a longer one."""
    assert judges.holds(text, value) is there


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (called(code="AB12-3", count=4), ""),
        (called(code=" ab12-3", count=4.0), ""),
        (called(code="AB12-3", count="4"), "wrong value"),
        (called(code="AB12", count=4), "wrong value"),
        (called(code="AB12-3"), "missing argument"),
        (called(code="AB12-3", count=4, more=1), "extra argument"),
        (called("stop", code="AB12-3", count=4), "wrong tool"),
        (Answer("No."), "no call"),
        (Answer(calls=(Call("move", None),)), "arguments not JSON"),
        (Answer(calls=(Call("move", CALL["arguments"]),) * 2), "too many calls"),  # type: ignore[arg-type]
        (Answer(calls=(Call("move", None),), ended=False), "did not end"),
        (BROKEN, "call failed"),
    ],
)
def test_calls(answer: Answer, mistake: str) -> None:
    """A call is right with the function and exactly the arguments that are wanted."""
    assert judges.calls(EN, answer) == [mistake]


def test_two_calls_may_come_in_any_order() -> None:
    """Both must be there, and each right."""
    other = {"name": "stop", "arguments": {"code": "Z"}}
    case = Case("two", "en", EN.messages, calls=(CALL, other))
    both = [Call("stop", {"code": "Z"}), Call("move", {"code": "AB12-3", "count": 4})]
    assert judges.calls(case, Answer(calls=tuple(both))) == [""]
    assert judges.calls(case, Answer(calls=tuple(both[:1]))) == ["too few calls"]


def test_the_tool_alone() -> None:
    """The choice is right also where the arguments are not."""
    assert judges.tool(EN, called(code="wrong")) == [""]
    assert judges.tool(EN, called("stop")) == ["wrong tool"]


def test_no_call() -> None:
    """A sentence is right; a call, an empty answer and one without an end are not."""
    assert judges.silence(EN, Answer("Hello.")) == [""]
    assert judges.silence(EN, called()) == ["called something"]
    assert judges.silence(EN, Answer(" ")) == ["empty"]
    assert judges.silence(EN, Answer("Hello", ended=False)) == ["did not end"]


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (Answer("That is 14."), ""),
        (Answer("That is 14, on 7 May."), ""),
        (Answer("That is 14; 7 May; Ann Lee."), "whole passage"),
        (Answer("On 7 May."), "another fact"),
        (Answer("That is 15."), "value not told"),
        (Answer(SENTENCE + " 14"), "honest sentence"),
        (called(), "called something"),
        (BROKEN, "call failed"),
    ],
)
def test_facts(answer: Answer, mistake: str) -> None:
    """The value must be told, and the passage not merely recited."""
    assert judges.values(FACT, answer) == [mistake]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("I don't have that information.", ""),
        ("That is not stated here.", ""),
        ("Could you tell me which one you mean?", ""),
        ("It is 99.", "invented a number"),
        ("It is Ann Lee.", "another fact"),
        ("Is there anything else I can help you with?", "does not say so"),
        (SENTENCE, "honest sentence"),
    ],
)
def test_what_is_not_given(text: str, mistake: str) -> None:
    """Only saying so, or asking, is right."""
    assert judges.unknown(FACT, Answer(text)) == [mistake]


@pytest.mark.parametrize("text", ["资料里没有提到这一点。", "抱歉，我不清楚。", "请告诉我您说的是哪一个。"])
def test_what_is_not_given_in_chinese(text: str) -> None:
    """The same in Chinese."""
    assert judges.unknown(ZH, Answer(text)) == [""]


def test_tickets() -> None:
    """Each field is judged by itself; without JSON all are wrong."""
    made = {"intent": "a", "entities": {"town": "Rome"}}
    assert judges.fields(TICKET, Answer(json.dumps(made))) == ["", "wrong: entities"]
    assert judges.whole(TICKET, Answer(json.dumps(made))) == ["wrong: entities"]
    assert judges.fields(TICKET, Answer("[1]")) == ["not a JSON object: intent", "not a JSON object: entities"]
    assert judges.fields(TICKET, BROKEN) == ["call failed: intent", "call failed: entities"]


@pytest.mark.parametrize(
    ("case", "text", "mistake"),
    [
        (EN, "You can do that.", ""),
        (EN, "Ask 欧阳 there, he will help you.", ""),
        (EN, "您可以退货。", "another language"),
        (ZH, "您可以在 Parley 里用 API 密钥。", ""),
        (ZH, "You can do that.", "another language"),
        (ZH, "14", ""),
        (ZH, "是okonkwo.487@copperkettle.net。", ""),
        (ZH, "", "empty"),
    ],
)
def test_language(case: Case, text: str, mistake: str) -> None:
    """The script decides, names of the other one aside."""
    assert judges.language(case, Answer(text)) == [mistake]


def test_honest_sentence() -> None:
    """It must name the small built-in model and how to connect a bigger one, in the user's language."""
    assert judges.outside(EN, Answer(SENTENCE)) == [""]
    assert judges.outside(ZH, Answer(SATZ)) == [""]
    assert judges.outside(ZH, Answer(SENTENCE)) == ["in another language"]
    assert judges.outside(EN, Answer("I am the small model built into Parley and help with orders.")) == [
        "something else"
    ]
    assert judges.outside(EN, Answer("Connect a GGUF file.")) == ["something else"]


def test_honest_sentence_where_it_is_wrong() -> None:
    """A question of the job must not be turned away; a failed call counts as wrong too."""
    assert judges.inside(EN, Answer("Open My orders.")) == [""]
    assert judges.inside(ZH, Answer(SATZ)) == ["honest sentence"]
    assert judges.inside(EN, BROKEN) == ["call failed"]
