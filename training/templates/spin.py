"""The small language of the template files: alternatives in round brackets, slots in angle brackets.

`(a|b|)` is one of a, b or nothing, and may nest; `<city>` is a value drawn from `values.py`. A bracket that
does not close is an error at once, because a broken template would otherwise be learnt.
"""

import random
import re
from collections.abc import Callable
from operator import itemgetter

SLOT = re.compile(r"<([a-z_]+)>")


def _choices(text: str, start: int) -> tuple[list[str], int]:
    """Split the bracket that opens before *start* into its alternatives; also return where it ends."""
    depth, parts, begin = 0, [], start
    for place in range(start, len(text)):
        mark = text[place]
        if mark == "(":
            depth += 1
        elif mark == ")" and depth:
            depth -= 1
        elif mark == ")":
            return [*parts, text[begin:place]], place + 1
        elif mark == "|" and not depth:
            parts.append(text[begin:place])
            begin = place + 1
    message = f"a bracket does not close: {text}"
    raise ValueError(message)


def spin(text: str, rng: random.Random) -> str:
    """Choose among the alternatives of *text*; slots stay."""
    return re.sub(r"  +", " ", _chosen(text, rng.choice)).strip()


def plain(text: str) -> str:
    """Take the first alternative everywhere: what is to be learnt as an answer must follow from what was read."""
    return re.sub(r"  +", " ", _chosen(text, itemgetter(0))).strip()


def _chosen(text: str, choose: Callable[[list[str]], str]) -> str:
    """Choose, and leave the spaces as they fall."""
    out, place = [], 0
    while (opening := text.find("(", place)) >= 0:
        out.append(text[place:opening])
        parts, place = _choices(text, opening + 1)
        out.append(_chosen(choose(parts), choose))
    out.append(text[place:])
    return "".join(out)


def fill(text: str, value: Callable[[str], str]) -> str:
    """Replace each slot of *text* by `value(name)`."""
    return SLOT.sub(lambda match: value(match[1]), text)


def variants(text: str) -> int:
    """Count the ways to spin *text*."""
    count, place = 1, 0
    while (opening := text.find("(", place)) >= 0:
        parts, place = _choices(text, opening + 1)
        count *= sum(variants(part) for part in parts)
    return count
