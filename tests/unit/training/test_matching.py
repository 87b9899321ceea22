"""Drills of matching: the words that a request shares with one thing, and with no other, tell which it is about."""
# ruff: noqa: S311 - these draws are meant to repeat

import itertools
import random
import re

import pytest

from training import matching
from training.chat import Conversation
from training.functions import NONE
from training.grounded import wordings

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def talks(maker: str, language: str) -> list[Conversation]:
    """Return drills of one kind."""
    return [getattr(matching, maker)(random.Random(number), language) for number in range(200)]


def pieces(text: str) -> set[str]:
    """Return what two texts may share: words, or pairs of Chinese signs."""
    small = text.lower()
    chinese = re.findall("[\u4e00-\u9fff]", small)
    return {*re.findall("[a-z]{3,}", small)} | {one + two for one, two in itertools.pairwise(chinese)}


def shared(text: str, request: str) -> int:
    """Count the pieces of *text* that stand in *request*, inflected or not."""
    return sum(piece in request.lower() for piece in pieces(text))


@LANGUAGES
def test_the_function_called_shares_most_with_the_request(language: str) -> None:
    """No other function has more of its words in the request; where none is called, hardly a word is shared."""
    called = 0
    for talk in talks("function", language):
        request, answer = talk.turns[0].text, talk.turns[1]
        counts = {tool["name"]: shared(tool["description"] or tool["name"], request) for tool in talk.tools}
        if answer.calls:
            called += 1
            assert counts[answer.calls[0]["name"]] >= max(counts.values()) - 1, (request, counts)
        else:
            assert answer.text == NONE[language]
    assert 140 < called < 195


@LANGUAGES
def test_arguments_stand_beside_their_labels(language: str) -> None:
    """Each value is in the request with the word that describes its argument; one without is left out."""
    for talk in talks("arguments", language):
        request, call = talk.turns[0].text, talk.turns[1].calls[0]
        schema = talk.tools[0]["parameters"]
        assert set(schema["required"]) <= set(call["arguments"])
        words = re.findall(r"\w+", request.lower())
        for name, told in schema["properties"].items():
            assert call["arguments"].get(name, "") in request
            if name in call["arguments"] or language == "en":
                said = told["description"].lower() in (words if language == "en" else request)
                assert said == (name in call["arguments"])


@LANGUAGES
def test_a_line_is_told_as_it_stands(language: str) -> None:
    """The answer is a line of the passage, or that it is not there."""
    absent = 0
    for talk in talks("line", language):
        answer = talk.turns[2].text
        if any(answer == re.sub(r"^(- |\* |1\) )", "", line) for line in talk.turns[0].text.splitlines()):
            continue
        assert answer in wordings(language, "-")[0]
        absent += 1
    assert 15 < absent < 80


@LANGUAGES
def test_a_label_is_one_of_those_named(language: str) -> None:
    """The record holds a label of its choices, which the system message names too, if there is one."""
    for talk in talks("label", language):
        label, choices = talk.turns[-1].calls[0]["arguments"]["label"], talk.tools[0]["parameters"]["properties"]
        assert label in choices["label"]["enum"]
        assert talk.turns[0].role == "user" or label in talk.turns[0].text
