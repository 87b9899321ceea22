"""What the rules look at: the files of this repository, and the functions of its modules."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*endings: str) -> list[Path]:
    """Return the files that are or would be committed, relative to the root; with *endings* only those."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = [Path(name) for name in told.split("\0") if name]
    return [path for path in found if (ROOT / path).is_file() and (not endings or path.suffix in endings)]


def modules(*folders: str) -> list[Path]:
    """Return the Python modules in *folders*."""
    return [path for path in files(".py") if path.parts[0] in folders]


def functions(path: Path) -> Iterator[Function]:
    """Yield the functions of the module at *path*."""
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, Function):
            yield node


def lines(path: Path) -> list[str]:
    """Return the lines of the file at *path*; none of one that is not text."""
    try:
        return (ROOT / path).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        return []
