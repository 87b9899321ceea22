"""The measures: which cases each looks at, by which judge, and what it aims at."""

from collections import Counter
from dataclasses import dataclass

from training.evaluate import judges
from training.evaluate.answers import Asked
from training.evaluate.fluency import Fluency
from training.evaluate.judges import Judge

FACTS = ("fact.number", "fact.date", "fact.name")
JOB = (*FACTS, "inside", "switch")
TALK = (*FACTS, "absent", "result", "inside", "outside", "switch")


@dataclass(frozen=True)
class Measure:
    """One line of the table. aim: a share, or None where it is only reported. at_most: the figure counts mistakes."""

    title: str
    kinds: tuple[str, ...]
    judge: Judge
    aim: float | None = None
    at_most: bool = False
    language: str = ""


@dataclass(frozen=True)
class Mark:
    """One thing judged: the case, and the kind of mistake, or nothing."""

    asked: Asked
    mistake: str


@dataclass(frozen=True)
class Score:
    """A measure and its marks."""

    measure: Measure
    marks: tuple[Mark, ...]

    def share(self, language: str = "") -> float | None:
        """Return the share that is right (of mistakes, if those are counted), or None if nothing was judged."""
        found = [mark for mark in self.marks if language in ("", mark.asked.case.language)]
        if not found:
            return None
        wrong = sum(bool(mark.mistake) for mark in found)
        return (wrong if self.measure.at_most else len(found) - wrong) / len(found)

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none, or nothing was judged."""
        share = self.share()
        if self.measure.aim is None or share is None:
            return None
        return share <= self.measure.aim if self.measure.at_most else share >= self.measure.aim

    def kinds(self) -> list[tuple[str, int]]:
        """Return the kinds of mistakes, the most frequent first."""
        return Counter(mark.mistake for mark in self.marks if mark.mistake).most_common()


def measures(fluency: Fluency) -> tuple[Measure, ...]:
    """Return every measure, in the order of the report."""
    return (
        Measure("tool choice and all arguments right, English", ("choice",), judges.calls, 0.90, language="en"),
        Measure("tool choice and all arguments right, Chinese", ("choice",), judges.calls, 0.85, language="zh"),
        Measure("the tool alone right", ("choice",), judges.tool),
        Measure("two tools in one turn, all right", ("two",), judges.calls),
        Measure("sgd dev, schemas never seen: tool and all arguments", ("sgd",), judges.calls),
        Measure("sgd dev: the tool alone", ("sgd",), judges.tool),
        Measure("xsid dev, Chinese commands: tool and all arguments", ("xsid",), judges.calls),
        Measure("no call when no tool fits", ("none",), judges.silence, 0.90),
        Measure("no call while a required value is missing", ("lacking",), judges.silence),
        Measure("a tool's result told", ("result",), judges.values),
        Measure("facts copied right from the passage", FACTS, judges.values, 0.90),
        *(Measure(f"of these: a {kind.split('.')[1]}", (kind,), judges.values) for kind in FACTS),
        Measure("says so when the passage lacks the fact", ("absent",), judges.unknown),
        Measure("ticket fields right", ("ticket",), judges.fields, 0.85),
        Measure("whole tickets right", ("ticket",), judges.whole),
        Measure("banking77 dev: one label of four", ("banking77",), judges.whole),
        Measure("answers in the user's language", TALK, judges.language, 0.99),
        Measure("of these: after the user has switched", ("switch",), judges.language),
        Measure("out-of-job questions answered by the honest sentence", ("outside",), judges.outside, 0.95),
        Measure("the same on clinc150 dev", ("clinc150",), judges.outside),
        Measure("honest sentence wrongly, in-job questions", JOB, judges.inside, 0.03, at_most=True),
        Measure("the same on bitext dev", ("bitext",), judges.inside, at_most=True),
        Measure("fluent", TALK, fluency.judge, 0.97),
    )


def score(measure: Measure, asked: list[Asked]) -> Score:
    """Judge by *measure* those of *asked* that it looks at."""
    chosen = [it for it in asked if it.case.kind in measure.kinds and measure.language in ("", it.case.language)]
    marks = [Mark(it, mistake) for it in chosen for mistake in measure.judge(it.case, it.answer)]
    return Score(measure, tuple(marks))
