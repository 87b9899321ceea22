"""What must not stand anywhere: loose ends, our machines' paths, hosts of registries, errors swallowed whole."""

import ast
import re

from tree import ROOT, files, lines, modules

LOOSE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PATHS = re.compile(r"(?<![\w.~-])/(work|tmp/w|home/\w|root|Users)/")
HOSTS = re.compile(
    r"(artifactory|nexus|devpi|index-url\s*=?\s*https?:|registry\s*=\s*https?:|[\w-]+\.internal\b)", re.IGNORECASE
)
WRITTEN = [path for path in files() if path.name != "LICENSE" and path.suffix not in {".lock", ".pem"}]


def found(pattern: re.Pattern[str]) -> list[str]:
    """Return where *pattern* stands in our files."""
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in WRITTEN
        for number, line in enumerate(lines(path), 1)
        if pattern.search(line) and path.name != "test_words.py"
    ]


def test_nothing_is_left_for_later() -> None:
    """What is missing is an issue, not a comment."""
    assert found(LOOSE) == []


def test_no_path_of_a_machine() -> None:
    """What works on one machine only does not work."""
    assert found(PATHS) == []


def test_no_host_of_a_registry() -> None:
    """Where packages come from is the machine's business."""
    assert found(HOSTS) == []


def test_at_most_two_places_swallow_every_error() -> None:
    """`api/serve.py` and the job worker; others may catch everything only to clean up and raise it again."""
    broad = [
        f"{path}:{node.lineno}"
        for path in modules("parley")
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler) and catches_all(node) and not raises(node)
    ]
    assert len(broad) <= 2
    assert [place for place in broad if not place.startswith(("parley/api/serve.py", "parley/jobs/"))] == []


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Tell whether *handler* takes every error."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)


def raises(handler: ast.ExceptHandler) -> bool:
    """Tell whether *handler* ends with raising what it caught."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
