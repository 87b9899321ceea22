"""The code blocks of the documents: found in the pages, and run as a reader would run them.

A block's first line tells what it is: `python` runs on today's client and `python openai==0.28.1` on the one of the
article, each as a program of its own; `sh` runs in a shell that knows `parley`; `toml` is a parley.toml. `console` and
everything else is shown only. A program that ends with another status than 0 fails with AssertionError, which carries
what it said.
"""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from servers import Server, environment

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LEGACY = Path(os.environ.get("PARLEY_LEGACY_PYTHON") or ROOT / ".venv-legacy" / "bin" / "python")
FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = 100


class Block(NamedTuple):
    """A code block: the page it stands on, its place there, its first line, and what is in it."""

    page: str
    number: int
    kind: str
    code: str


def found(*kinds: str) -> list[Block]:
    """Return the blocks of these *kinds*, page by page."""
    every = [
        Block(str(page.relative_to(ROOT)), number, *match.groups())
        for page in PAGES
        for number, match in enumerate(FENCED.finditer(page.read_text("utf-8")), 1)
    ]
    return [block for block in every if block.kind in kinds]


def each(blocks: list[Block]) -> pytest.MarkDecorator:
    """Return the mark that runs a test with each of *blocks*, named after its place."""
    return pytest.mark.parametrize("block", blocks, ids=lambda block: f"{block.page}-{block.number}")


def prose(page: Path) -> str:
    """Return the text of *page* without its code blocks."""
    return FENCED.sub("", page.read_text("utf-8"))


def run(block: Block, server: Server, key: str) -> None:
    """Run *block* with *server* and *key* in its environment, as the tutorial sets them."""
    programs = {"python": sys.executable, "python openai==0.28.1": str(LEGACY)}
    shell = ["bash", "-euo", "pipefail", "-c"]
    command = [programs[block.kind], "-c"] if block.kind in programs else shell
    told = {
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_BASE": server.base_url,
        "OPENAI_API_KEY": key,
        "PARLEY_CONFIG": str(server.folder / "parley.toml"),
        "PARLEY_DATA": str(server.data),
        "PATH": f"{shim(server.folder)}{os.pathsep}{os.environ['PATH']}",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [*command, block.code],
        cwd=server.folder,
        env=environment(told),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip(), "it printed nothing"


def shim(folder: Path) -> Path:
    """Return a folder with a `parley` command that is this very checkout."""
    program = folder / "bin" / "parley"
    if not program.exists():
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m parley "$@"\n', "utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program.parent
