"""Figures: what was measured, how it is summed up, and the table that shows it."""

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Figure:
    """One line of the table: what each round gave for the gateway and for nginx.

    aim: the most that is wanted: of the ratio, or of our own value where *aim_of* is `value`. Empty `nginx`: there is
    nothing to compare with.
    """

    name: str
    unit: str
    ours: Sequence[float]
    nginx: Sequence[float] = ()
    aim: float | None = None
    aim_of: str = "ratio"
    note: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratios(self) -> list[float]:
        """Return the ratio of each round."""
        return [a / b for a, b in zip(self.ours, self.nginx, strict=True) if b > 0] if self.nginx else []

    def cells(self) -> list[str]:
        """Return the cells of its line."""
        if self.aim is None:
            aim, verdict = "", ""
        else:
            judged = self.ratios if self.aim_of == "ratio" else self.ours
            verdict = "yes" if statistics.median(judged) <= self.aim else "NO"
            aim = f"<= {self.aim:g}" + ("x" if self.aim_of == "ratio" else f" {self.unit}")
        return [
            f"{self.name} [{self.unit}]", spread(self.ours), spread(self.nginx), spread(self.ratios), aim, verdict,
        ]  # fmt: skip

    def record(self) -> dict[str, Any]:
        """Return it for the JSON file."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": list(self.ours),
            "nginx": list(self.nginx),
            "ratios": self.ratios,
            "aim": self.aim,
            "aim_of": self.aim_of,
            "note": self.note,
            **self.more,
        }


def spread(values: Sequence[float]) -> str:
    """Return median, least and most of *values* as text."""
    if not values:
        return "-"
    middle = statistics.median(values)
    digits = 0 if middle >= 1000 else 1 if middle >= 100 else 2
    if len(values) == 1:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value below which *part* of *values* lie (0.99: the 99th of a hundred); 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


def table(figures: Sequence[Figure], ours: str) -> str:
    """Return *figures* as a table: medians, in brackets the least and the most of all rounds."""
    head = ["figure", ours, "nginx", "ratio", "aim", "met"]
    lines = [head, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    shown.insert(1, "-" * len(max(shown, key=len)))
    shown += [f"  {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join(shown)


def save(figures: Sequence[Figure], part: str, folder: Path, ours: str) -> None:
    """Write *figures* to `PART.json` in *folder*."""
    lines = [figure.record() for figure in figures]
    found = {"part": part, "gateway": ours, "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "figures": lines}
    (folder / f"{part}.json").write_text(json.dumps(found, indent=1) + "\n")
