"""`parley usage` without a running server: it reads the database itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from servers import environment
from test_official_usage import ROW

from parley.store.database import open_store
from parley.store.ledger import Record

DAY = 86_400 * 10**9
START = 20_000 * DAY  # 2024-10-04
DAYS = ("--from", "2024-10-04", "--to", "2024-10-31")


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """Return a data folder with three calls in it."""
    store = await open_store(f"sqlite:///{tmp_path}/parley.db")
    for number, changes in enumerate([{}, {"exact": False}, {"at": START + 2 * DAY, "model_answered": "gpt-2"}]):
        row = ROW | {"id": f"req_{number}", "at": START + number, "key_id": "key_1"} | changes
        await store.ledger.write(Record(**row))
    await store.close()
    return tmp_path


def run(data: Path, *arguments: str, status: int = 0) -> str:
    """Run `parley usage` and return what it printed; it must end with *status*."""
    command = [sys.executable, "-m", "parley", "usage", *arguments, "--data", str(data)]
    told = environment({"PYTHONIOENCODING": "utf-8"})
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, env=told)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def test_by_day(data: Path) -> None:
    """Plain columns and no plot in a pipe, unless it is asked for."""
    told = run(data, *DAYS)
    assert [line.split() for line in told.splitlines()[1:]] == [
        ["2024-10-04", "2", "200", "80", "14", "1", "$0.000005000"],
        ["2024-10-06", "1", "100", "40", "7", "0", "$0.000002500"],
        ["total", "3", "300", "120", "21", "1", "$0.000007500"],
    ]
    assert "█" in run(data, *DAYS, "--plot")


def test_json_by_model(data: Path) -> None:
    """Of one project; one that is not there is refused."""
    found = json.loads(run(data, *DAYS, "--by", "model", "--by", "month", "--project", "shop", "--json"))
    assert [(one["model"], one["month"], one["calls"], one["dollars"]) for one in found] == [
        ("gpt-1", "2024-10", 2, "0.000005000"),
        ("gpt-2", "2024-10", 1, "0.000002500"),
    ]
    assert "no project `desk`" in run(data, *DAYS, "--project", "desk", "--json", status=1)  # a slip, most likely


def test_last_calls(data: Path) -> None:
    """The newest first; what no provider counted has a mark."""
    told = run(data, "calls", "--last", "3").splitlines()[1:]
    assert [line.split()[2] for line in told] == ["req_2", "req_1", "req_0"]
    assert "~100" in told[1]


def test_reconcile(data: Path, tmp_path: Path) -> None:
    """Each difference in words, and status 1; 0 when there is none."""
    bill = tmp_path / "bill.csv"
    bill.write_text(
        "date,model,input_tokens,output_tokens\n2024-10-04,gpt-1,207,14\n2024-10-05,gpt-1,1,1\n2024-10-06,gpt-2,100,7\n"
    )
    told = run(data, "--reconcile", str(bill), status=1).splitlines()[1:]
    assert "input tokens differ by +7; counted by us, not exactly: 1 of 2 calls" in told[0]
    assert "missing here" in told[1]
    assert told[2].endswith("agrees, but the file tells no cost")
    bill.write_text("date,model,input_tokens,output_tokens,cost\n2024-10-06,gpt-2,100,7,0.0000025\n")
    assert "agrees" in run(data, "--reconcile", str(bill))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--from", "soon"], "--from: "),
        (["--by", "colour"], "--by: "),
        (["--upstream", "main"], "--upstream: "),
        (["--reconcile", "nothing.csv"], "--reconcile: "),
        (["--reconcile", "nothing.csv", "--by", "day"], "--reconcile: "),
    ],
)
def test_what_is_wrong_is_named(data: Path, arguments: list[str], named: str) -> None:
    """In one sentence, with status 2."""
    assert run(data, *arguments, status=2).startswith(f"parley: {named}")
