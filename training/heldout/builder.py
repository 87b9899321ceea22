"""The held-out set: how many cases of each kind there are, and all of them in order."""

from collections.abc import Iterator

from training.heldout import talk, tickets, tools
from training.heldout.cases import Case, Maker, made

MIX: tuple[tuple[str, Maker, int, int], ...] = (  # name, maker, cases per language in full and in a quick run
    ("choice", tools.choice, 100, 5),
    ("none", tools.none, 60, 3),
    ("lacking", tools.lacking, 30, 1),
    ("two", tools.two, 30, 2),
    ("result", tools.result, 40, 3),
    ("fact", talk.fact, 90, 6),
    ("absent", talk.absent, 30, 2),
    ("ticket", tickets.ticket, 40, 2),
    ("inside", talk.inside, 60, 3),
    ("outside", talk.outside, 60, 3),
    ("switch", talk.switch, 20, 2),
)


def build(seed: int = 1, *, quick: bool = False) -> Iterator[Case]:
    """Yield the cases, kind by kind; a quick set is the beginning of the full one."""
    for name, maker, full, few in MIX:
        yield from made(maker, name, seed=seed, count=few if quick else full)
