"""The report: what the table and the lists say."""

from training.evaluate import judges
from training.evaluate.answers import Answer, Asked, Call
from training.evaluate.measures import Measure, score
from training.evaluate.report import Findings, fenced, said, table, write
from training.evaluate.speed import Pace
from training.heldout.cases import Case

CASE = Case("inside", "en", ({"role": "user", "content": "Hi there"},))
ASKED = [Asked(CASE, Answer("Hello.")), Asked(CASE, Answer("", ended=False, error="APIError: broken"))]


def findings() -> Findings:
    """Return findings with one mistake in two cases."""
    made = [Measure("talks", ("inside",), judges.silence, 0.9), Measure("sgd", ("sgd",), judges.calls)]
    return Findings("about it", [score(it, ASKED) for it in made], [Pace(8, 4, 1, 0.05, 123.4)], ASKED)


def test_the_table() -> None:
    """Aim, figure, cases and verdict stand in a line each; what was not asked is said to be not measured."""
    found = table(findings())
    assert "| talks | ≥ 90.0 % | 50.0 % | 50.0 % |  | 2 | **no** |" in found
    assert "| sgd | report | not measured |  |  | 0 |  |" in found
    assert "8 at once | report | 50 ms, 123 tokens/s, 1 failed |" in found


def test_the_mistakes_and_the_answers() -> None:
    """Each kind of mistake has its count and an example, and the answers are printed as they came."""
    found = write(findings())
    assert "- call failed: 1" in found
    assert "=> APIError: broken" in found
    assert "Hi there\n=> Hello." in found


def test_calls_and_limits_are_shown() -> None:
    """A call is shown with its arguments, and an answer without an end as such."""
    assert said(Answer("", (Call("f", {"x": "天"}),))) == 'f({"x": "天"})'
    assert said(Answer("so on", ended=False)) == "so on [did not end]"


def test_an_answer_cannot_leave_its_block() -> None:
    """Back ticks in an answer do not end the block that shows it."""
    assert fenced("a ```` b").startswith("`````text")
