"""Functions asked for in people's words: what is called is on offer, and what is passed stands in the message."""

# ruff: noqa: S311 - these draws are meant to repeat

import json
import random
from itertools import pairwise

from training import spoken
from training.chat import Conversation
from training.functions import NONE

MESSAGES = [
    ("where is my card", "card_arrival"), ("it has not come yet", "card_arrival"), ("tell me a joke", "tell_joke"),
    ("freeze it now", "freezeAccount"), ("I want to pay the bill", "PayBill"), ("yes", "yes"),
]  # fmt: skip
FORM = {
    "domain": "airline",
    "text": "my name is Ann Lee, going to Rome",
    "slots": [["name", "Ann Lee"], ["to", "Rome"]],
}
BARE = {"domain": "airline", "text": "Ann Lee", "slots": [["name", "Ann Lee"]]}
TWICE = {"domain": "airline", "text": "two for Rome and two for Oslo", "slots": [["to", "Rome"], ["to", "Oslo"]]}
METRO = {"text": "我想从A站坐地铁到B站", "slots": [["地铁", "出发地", "A站"], ["地铁", "目的地", "B站"]]}
OTHERS = [
    {"text": "评分4分以上的店", "slots": [["餐馆", "评分", "4分以上"]]},
    {"text": "门票100元的地方", "slots": [["景点", "门票", "100元"]]},
    {"text": "舒适型的住处", "slots": [["酒店", "酒店类型", "舒适型"]]},
    {"text": "打车去C楼", "slots": [["出租", "目的地", "C楼"]]},
]


def check(talk: Conversation) -> int:
    """Hold every call of *talk* against what is on offer and what was said; return how many there are."""
    offered = {schema["name"]: schema["parameters"]["properties"] for schema in talk.tools}
    count = 0
    for asked, reply in pairwise(talk.turns):
        for call in reply.calls:
            assert set(call["arguments"]) <= set(offered[call["name"]])
            assert all(value in asked.text for value in call["arguments"].values())
            count += 1
    return count


def test_an_intent_is_a_function() -> None:
    """Each message calls the function of its intent, or is told that there is none; small intents are left out."""
    talks = list(spoken.intents(MESSAGES, 60, random.Random(1)))
    assert sum(check(talk) for talk in talks) > 60
    said = [turn.text for talk in talks for turn in talk.turns if turn.role == "assistant" and not turn.calls]
    assert set(said) == {NONE["en"]}
    names = {schema["name"] for talk in talks for schema in talk.tools}
    assert {"card_arrival", "cardArrival", "freeze_account", "pay_bill"} <= names
    assert "yes" not in names


def test_a_label_is_one_of_those_told() -> None:
    """The answer is the intent of the message, spelt as it is among the labels of the wish, or of the schema."""
    spelt = {"pay bill", "pay_bill"}
    seen = set()
    for talk in spoken.labels(MESSAGES, 80, random.Random(4)):
        *wish, asked, reply = talk.turns
        [(key, label)] = (reply.calls[0]["arguments"] if reply.recorded else json.loads(reply.text)).items()
        assert all(key in turn.text and label in turn.text for turn in wish)
        assert not reply.recorded or label in talk.tools[0]["parameters"]["properties"][key]["enum"]
        if asked.text == "I want to pay the bill":
            seen.add(label)
    assert seen == spelt


def test_slots_are_arguments() -> None:
    """A message with its own words around the values calls with all of them; bare or doubled values are left out."""
    rows = [FORM, BARE, TWICE]
    talks = list(spoken.forms(rows * 12, 10, random.Random(2)))
    assert sum(check(talk) for talk in talks) >= 10
    assert {turn.text for talk in talks for turn in talk.turns if turn.role == "user"} == {FORM["text"]}


def test_travellers_ask_in_chinese() -> None:
    """The arguments stand in the message, and the function is that of its trade."""
    talks = list(spoken.places([METRO, *OTHERS], 30, random.Random(3)))
    calls = [
        call for talk in talks for turn in talk.turns for call in turn.calls if "A站" in call["arguments"].values()
    ]
    assert sum(check(talk) for talk in talks) >= 30
    assert calls
    assert {call["name"] for call in calls} <= set(spoken.PLACES["地铁"][0])
