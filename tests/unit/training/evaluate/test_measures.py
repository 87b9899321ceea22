"""A measure takes its cases, counts, and says whether its aim is met."""

import pytest

from training.evaluate import judges
from training.evaluate.answers import Answer, Asked
from training.evaluate.fluency import Fluency
from training.evaluate.measures import Measure, measures, score
from training.heldout.builder import MIX, build
from training.heldout.cases import Case

GOOD, BAD = Answer("Hello."), Answer("")


def asked(language: str, answer: Answer, kind: str = "none") -> Asked:
    """Return an answered case."""
    return Asked(Case(kind, language, ({"role": "user", "content": "Hi"},)), answer)


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
