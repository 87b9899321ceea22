"""Fluency by rules: what is found, and what is let pass."""

import pytest

from training.evaluate.answers import Answer
from training.evaluate.fluency import Fluency
from training.heldout.cases import Case

FLUENCY = Fluency()


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("You can return an item within 30 days. Open My orders, choose the item and press Return.", ""),
        ("收到商品后30天内可以退货：打开“我的订单”，选择商品并点击“退货”。", ""),
        ("Yes, yes, we do.", ""),
        ("不客气！还有什么可以帮您的吗？", ""),
        ("You can return an item", "no ending"),
        ('{"name": "x"}', "no ending"),
        ("Please please please wait.", "repeats itself"),
        ("You can return it and you can return it and you can return it and.", "repeats itself"),
        ("退货退货退货退货。", "repeats itself"),
        ("The code Mipipipipipip.", "repeats itself"),
        ("Open the page \ufffd.", "broken character"),
        ("The gharivi lhowin is bivosin.", "strange words"),
        ("鑫龘靐是齉爩。", "strange words"),
    ],
)
def test_flaws(text: str, flaw: str) -> None:
    """Repeats, a missing end, broken characters and words that nobody uses are flaws; plain sentences have none."""
    assert FLUENCY.flaw(text) == flaw


def test_words_of_the_question_are_known() -> None:
    """An answer may use any word that it was told."""
    assert FLUENCY.flaw("The gharivi lhowin is ready.", "Where is my gharivi lhowin?") == ""


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [(Answer(""), "empty"), (Answer("On and on", ended=False), "did not end"), (Answer(error="X"), "call failed")],
)
def test_no_answer_is_not_fluent(answer: Answer, mistake: str) -> None:
    """What is empty, endless or failed counts as wrong."""
    assert FLUENCY.judge(Case("inside", "en", ()), answer) == [mistake]
