"""Modules, functions and their parameters stay small enough to be read at once."""

import pytest
from tree import Function, functions, lines, modules

OURS = modules("parley", "training", "bench")


@pytest.mark.parametrize("path", OURS, ids=str)
def test_a_module_has_at_most_400_lines(path: object) -> None:
    """A longer one has two purposes."""
    assert len(lines(path)) <= 400  # type: ignore[arg-type]


def test_a_function_has_at_most_50_lines() -> None:
    """Its docstring included."""
    found = [f"{path}:{it.lineno} {it.name}" for path in OURS for it in functions(path) if length(it) > 50]
    assert not found


def test_a_function_has_at_most_6_parameters() -> None:
    """Where a value or a command has more, its line says why."""
    found = [
        f"{path}:{it.lineno} {it.name}"
        for path in OURS
        for it in functions(path)
        if parameters(it) > 6 and "noqa: PLR0913 - " not in lines(path)[it.lineno - 1]
    ]
    assert not found


def length(function: Function) -> int:
    """Return how many lines *function* has."""
    return (function.end_lineno or 0) - function.lineno + 1


def parameters(function: Function) -> int:
    """Return how many parameters *function* has, `self` and `cls` aside."""
    told = function.args
    named = [it.arg for it in (*told.posonlyargs, *told.args, *told.kwonlyargs)]
    return len([name for name in named if name not in ("self", "cls")])
