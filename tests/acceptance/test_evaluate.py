"""The evaluation of the built-in model, against a real server."""

import sys
from argparse import Namespace
from pathlib import Path

import openai
import pytest
from servers import Server

from training.evaluate.__main__ import evaluate, main
from training.evaluate.answers import Asker
from training.evaluate.report import Findings, write
from training.evaluate.servers import Place
from training.heldout.builder import build

QUICK = Namespace(only=None, model=None, data=None, quick=True, seed=1, temperature=0.0)


@pytest.fixture(scope="module")
def findings(parley: Server, key: str) -> Findings:
    """Evaluate the built-in model with few cases."""
    return evaluate(QUICK, Place(parley.base_url, key, "parley-mini"))


def test_every_case_is_asked(findings: Findings) -> None:
    """Each case of a quick run has an answer, and no call failed."""
    assert [it.case for it in findings.asked] == list(build(quick=True))
    assert [it.answer.error for it in findings.asked if it.answer.error] == []


def test_every_measure_without_public_sets_has_a_figure(findings: Findings) -> None:
    """What the held-out set can show is shown, and the speed with one and with eight callers."""
    sets = ("sgd", "xsid", "banking77", "clinc150", "bitext")
    assert [it.measure.title for it in findings.scores if it.share() is None and it.measure.kinds[0] not in sets] == []
    assert [pace.callers for pace in findings.paces] == [1, 8]
    assert all(pace.tokens > 0 and pace.failed == 0 for pace in findings.paces)


def test_the_report_is_whole(findings: Findings) -> None:
    """The report has the table, the mistakes, and answers to read in both languages."""
    report = write(findings)
    assert all(
        part in report for part in ("| measure | aim |", "## Mistakes", "answers in English", "answers in Chinese")
    )


def test_a_failing_call_counts_as_wrong() -> None:
    """Where the server is gone, each answer carries the error's name, and nothing is raised."""
    with openai.OpenAI(base_url="http://127.0.0.1:1/v1", api_key="none", max_retries=0) as client:
        answer = Asker(client, "parley-mini").ask(next(build(quick=True)))
    assert answer.error.startswith("APIConnectionError")


def test_a_server_that_cannot_be_asked_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A wrong address ends with status 2 and says so, before hundreds of cases fail."""
    monkeypatch.setattr(
        sys,
        "argv",
        ["evaluate", "--base-url", "http://127.0.0.1:1/v1", "--key", "k", "--report", str(tmp_path / "r.md")],
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "cannot be asked" in capsys.readouterr().err
