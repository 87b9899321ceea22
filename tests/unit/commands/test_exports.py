"""Files of providers: what is read of them, and how wrong ones are refused."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from parley.commands.exports import Export, Figures, read
from parley.errors import SettingsError

DAY = 86_400
START = 20_000 * DAY  # 2024-10-04


def page(*results: dict[str, Any], start: int = START, end: int = START + DAY) -> dict[str, Any]:
    """Return a page with one bucket."""
    return {"object": "page", "data": [{"start_time": start, "end_time": end, "results": list(results)}]}


def used(model: str | None, tokens: int, kind: str = "completions") -> dict[str, Any]:
    """Return a result of usage."""
    name = f"organization.usage.{kind}.result"
    return {"object": name, "model": model, "input_tokens": tokens, "output_tokens": 1}


def spent(item: str, value: float) -> dict[str, Any]:
    """Return a result of costs."""
    return {"object": "organization.costs.result", "line_item": item, "amount": {"value": value, "currency": "usd"}}


def written(tmp_path: Path, told: Any) -> Export:
    """Return what is read of a file with *told* in it."""
    file = tmp_path / "export"
    file.write_text(told if isinstance(told, str) else json.dumps(told), "utf-8")
    return read(file)


def test_usage_pages_are_summed(tmp_path: Path) -> None:
    """Per day and model, over hours and pages."""
    hour = page(used("m", 5), start=START, end=START + 3600)
    found = written(tmp_path, [hour, page(used("m", 7), used("n", 1), start=START + 3600, end=START + 7200)])
    assert found.figures == {("2024-10-04", "m"): Figures(12, 2), ("2024-10-04", "n"): Figures(1, 1)}
    assert (found.first, found.last) == (date(2024, 10, 4), date(2024, 10, 4))
    assert found.operations == ("chat.completions", "completions")


def test_costs_are_summed_of_line_items(tmp_path: Path) -> None:
    """Exactly; a model's input and output are one."""
    found = written(tmp_path, page(spent("m, input", 0.1), spent("m, output", 0.2)))
    assert found.figures["2024-10-04", "m"].cost == Decimal("0.3")
    assert found.operations is None


def test_csv(tmp_path: Path) -> None:
    """A cost may be missing; times are days."""
    found = written(
        tmp_path,
        "date,model,input_tokens,output_tokens,cost\n2024-10-04,m,1,2,$0.36\n2024-10-05T23:30:00-01:00,m,3,4,\n",
    )
    assert found.figures == {
        ("2024-10-04", "m"): Figures(1, 2, Decimal("0.36"), Decimal("0.005")),
        ("2024-10-06", "m"): Figures(3, 4),
    }
    assert (found.first, found.last) == (date(2024, 10, 4), date(2024, 10, 6))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("", "the column date is missing"),
        ("date,model\n", "the column input_tokens is missing"),
        ("date,model,input_tokens,output_tokens\n", "no lines"),
        ("date,model,input_tokens,output_tokens\nsoon,m,1,1\n", "line 2: 'soon' is not a day"),
        ("date,model,input_tokens,output_tokens\n2024-10-04,m,x,1\n", "line 2: 'x' is not a number"),
        ("date,model,input_tokens,output_tokens\n2024-10-04,m,1.5,1\n", "line 2: '1.5' is not a number of tokens"),
        ("date,model,input_tokens,output_tokens\n2024-10-04,m\n", "line 2: None is not a number"),
        ("{", "no JSON"),
        ("[1]", "no page"),
        ("{}", "no page"),
        ({"data": []}, "no buckets"),
        (page(used(None, 1)), "page 1, bucket 1: group it by model"),
        (page(used("m", 1), end=START + 2 * DAY), "page 1, bucket 1: it is longer than a day"),
        (page(spent("m", float("nan"))), "is not a number"),
        (page({"object": "x"}), "no page"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, told: Any, why: str) -> None:
    """With its place in the file."""
    with pytest.raises(SettingsError, match=why):
        written(tmp_path, told)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(SettingsError, match=r"--reconcile: .*nothing cannot be read"):
        read(tmp_path / "nothing")
