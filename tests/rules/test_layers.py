"""Imports point down only."""

import subprocess
import sys
from pathlib import Path

from tree import ROOT


def test_imports_point_down_only() -> None:
    """The layers of pyproject.toml hold."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
