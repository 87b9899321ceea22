"""Tests are found where their module is looked for."""

from pathlib import Path

from tree import ROOT, modules

UNIT = Path("tests/unit")


def test_each_unit_test_mirrors_a_module() -> None:
    """`tests/unit/a/test_b.py` tests `parley/a/b.py` (or `training/b.py`)."""
    tests = [path for path in modules("tests") if path.is_relative_to(UNIT) and path.name.startswith("test_")]
    assert [path for path in tests if not any((ROOT / place).exists() for place in mirrored(path))] == []


def mirrored(test: Path) -> list[Path]:
    """Return the modules that *test* may be the test of."""
    within = test.relative_to(UNIT)
    module = within.with_name(within.name.removeprefix("test_"))
    return [Path("parley") / module, Path("parley") / module.with_suffix("") / "__init__.py", module]


def test_unit_tests_do_no_io() -> None:
    """They import neither sockets nor processes, and end in 20 seconds together."""
    words = ("import socket", "import subprocess", "import sqlite3", "open_store(", "start_server(")
    found = [
        f"{path}: {word}"
        for path in modules("tests")
        if path.is_relative_to(UNIT)
        for word in words
        if word in (ROOT / path).read_text("utf-8")
    ]
    assert found == []
