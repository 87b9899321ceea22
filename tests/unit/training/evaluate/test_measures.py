"""A measure takes its cases, counts, and says whether its aim is met."""

import json
from typing import Any

import pytest

from training.evaluate import judges
from training.evaluate.answers import Answer, Asked, Call
from training.evaluate.fluency import Fluency
from training.evaluate.measures import Measure, measures, score
from training.heldout.builder import MIX, build
from training.heldout.cases import Case

GOOD, BAD = Answer("Hello."), Answer("")
SENTENCES = {
    "outside": {
        "en": "I am Parley's small built-in model. Connect a bigger model with an upstream API key or a GGUF file.",
        "zh": "我是 Parley 内置的小模型；接入上游 API 密钥或 GGUF 文件即可使用更大的模型。",
    },
    "absent": {"en": "I do not have that information.", "zh": "资料里没有这项信息。"},
    "told": {"en": "It is {}.", "zh": "是{}。"},
    "": {"en": "You can do that under My orders.", "zh": "您可以在“我的订单”里办理。"},
}


def asked(language: str, answer: Answer, kind: str = "none") -> Asked:
    """Return an answered case."""
    return Asked(Case(kind, language, ({"role": "user", "content": "Hi"},)), answer)


def oracle(case: Case) -> Answer:
    """Return the answer of a model that can do everything."""
    if case.calls:
        return Answer(calls=tuple(Call(it["name"], it["arguments"]) for it in case.calls))
    if case.ticket:
        made: dict[str, Any] = {"entities": {}}
        for key, value in case.ticket.items():
            place, _, name = key.rpartition(".")
            (made[place] if place else made)[name] = value
        return Answer(json.dumps(made, ensure_ascii=False))
    said = SENTENCES["told" if case.values else case.kind if case.kind in SENTENCES else ""][case.language]
    return Answer(said.format({"en": " and ", "zh": "和"}[case.language].join(case.values)))


def test_a_perfect_model_makes_no_mistake() -> None:
    """Every case can be answered right, and no judge finds fault with that."""
    every = [Asked(case, oracle(case)) for case in build()]
    found = [(it.measure.title, it.kinds()) for it in (score(measure, every) for measure in measures(Fluency()))]
    assert [(title, kinds) for title, kinds in found if kinds] == []


def test_a_share_by_language() -> None:
    """The figure is the share that is right, of all and of each language; other kinds are not looked at."""
    found = [asked("en", GOOD), asked("en", BAD), asked("zh", GOOD), asked("zh", BAD, "two")]
    it = score(Measure("m", ("none",), judges.silence, 0.6), found)
    assert (it.share(), it.share("en"), it.share("zh")) == (pytest.approx(2 / 3), 0.5, 1.0)
    assert it.met is True
    assert it.kinds() == [("empty", 1)]


def test_a_share_of_mistakes() -> None:
    """Where mistakes are counted, the aim is met by few of them."""
    found = [asked("en", GOOD), asked("en", Answer(ended=False, error="x"))]
    it = score(Measure("m", ("none",), judges.inside, 0.4, at_most=True), found)
    assert (it.share(), it.met) == (0.5, False)


def test_nothing_judged_meets_nothing() -> None:
    """A measure without cases has no figure and no verdict."""
    it = score(Measure("m", ("sgd",), judges.calls, 0.9), [asked("en", GOOD)])
    assert (it.share(), it.met) == (None, None)


def test_every_kind_is_measured() -> None:
    """No case is asked for nothing."""
    looked_at = {kind for measure in measures(Fluency()) for kind in measure.kinds}
    assert {case.kind for case in build(quick=True)} <= looked_at
    assert {name for name, *_ in MIX} <= {kind.split(".")[0] for kind in looked_at}
