r"""Regular expressions of a schema, in the words that the engine's grammar understands.

llama.cpp makes a grammar of a `pattern`, but drops one with `\d` or `\b` in it in silence, lets a quotation mark break
the JSON around it, and counts for ever where the least is more than the most. So each is rewritten in plain classes
that hold only what JSON writes without a backslash: what they allow, the pattern allows. What can't be said in them is
not held.
"""

import re
from collections.abc import Iterator

MOST = 2000  # repetitions that llama.cpp allows
Ranges = list[tuple[int, int]]

_ESCAPED: Ranges = [(0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C)]  # what JSON writes with a backslash
_SURROGATES: Ranges = [(0xD800, 0xDFFF)]
_LINES: Ranges = [(0x2028, 0x2029)]
_DIGITS: Ranges = [(0x30, 0x39)]
_WORDS: Ranges = [*_DIGITS, (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
_BLANKS: Ranges = [(0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), *_LINES]
_BLANKS += [(0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)]
_SETS = {"d": _DIGITS, "w": _WORDS, "s": [(0x20, 0x20)]}
_ALL_BUT = {"D": _DIGITS, "W": _WORDS, "S": _BLANKS}

_TOKEN = re.compile(
    r"(?P<repeat>[*+?]|\{(?P<least>\d{1,9})(?P<to>,(?P<most>\d{0,9}))?\})\??"
    r"|(?P<group>\((?!\?)|\(\?:)"
    r"|(?P<set>\[(?P<none>\^?)(?P<inside>(?:[^\]\\]|\\.)*)\])"
    r"|(?P<escape>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.))"
    r"|(?P<sign>.)",
    re.DOTALL,
)
_INSIDE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|.", re.DOTALL)


class Unheld(Exception):
    """The grammar cannot hold an answer to this."""


def held(pattern: str) -> str:
    """Return *pattern* for the grammar. Raises Unheld, or ValueError where it is no regular expression."""
    begins = pattern.startswith("^")
    ends = bool(re.search(r"(?<!\\)(?:\\\\)*\$\Z", pattern))
    body = pattern[begins : len(pattern) - ends]
    told = "".join(_translated(body, anchored=begins or ends))
    any_text = _said(_LINES, none=True) + "*"
    if not begins and not ends:
        told = f"({told})"
    return f"^{'' if begins else any_text}{told}{'' if ends else any_text}$"


def _translated(body: str, *, anchored: bool) -> Iterator[str]:
    """Yield the pieces of *body*, the pattern between its anchors."""
    depth, repeatable = 0, False
    for token in _TOKEN.finditer(body):
        if token["repeat"]:
            if not repeatable:
                raise ValueError("there is nothing to repeat")
            yield _repeat(token)
            repeatable = False
            continue
        sign = token["sign"]
        depth += bool(token["group"]) - (sign == ")")
        if depth < 0:
            raise ValueError("its parentheses don't match")
        if sign == "|" and not depth and anchored:
            raise Unheld  # each half has only one of the anchors
        repeatable = not (token["group"] or sign == "|")
        yield "(" if token["group"] else _piece(token)
    if depth:
        raise ValueError("its parentheses don't match")


def _repeat(token: re.Match[str]) -> str:
    if token["least"] is None:
        return token["repeat"]
    least, most = int(token["least"]), int(token["most"] or token["least"])
    if most < least:
        raise ValueError("it repeats at least more often than at most")
    if most > MOST:
        raise Unheld
    return token["repeat"]


def _piece(token: re.Match[str]) -> str:
    """Return one class, escape or sign in plain words."""
    if token["set"]:
        return _said(list(_ranges(token["inside"])), none=bool(token["none"]))
    if escape := token["escape"]:
        if escape[1:] in _ALL_BUT:
            return _said(_ALL_BUT[escape[1:]], none=True)
        return _said(_SETS.get(escape[1:]) or _one(escape), none=False)
    sign = token["sign"]
    if sign in ")|":
        return sign
    if sign in "[\\":
        raise ValueError(f"'{sign}' has no end")
    if sign in "^$({}]":
        raise Unheld
    return _said(_LINES if sign == "." else _one(sign), none=sign == ".")


def _ranges(inside: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a class. Raises Unheld for a class in it that is told by what it has not."""
    signs = _INSIDE.findall(inside)
    while signs:
        first = signs.pop(0)
        if first.startswith("\\") and first[1:] in _SETS:
            yield from _SETS[first[1:]]
            continue
        ((low, _),) = _one(first)
        if len(signs) > 1 and signs[0] == "-":
            ((high, _),) = _one(signs[1])
            if high < low:
                raise ValueError("a range of it ends before it begins")
            del signs[:2]
            yield low, high
        else:
            yield low, low


def _one(sign: str) -> Ranges:
    """Return the one sign that *sign* stands for, perhaps behind a backslash, as a range."""
    if len(sign) > 2 and sign[1] in "xu":  # noqa: PLR2004 - longer than a backslash and a sign
        code = int("0x" + sign[2:], 0)
    elif sign.startswith("\\") and (sign[1:].isalnum() or not sign[1:]):
        raise Unheld
    else:
        code = ord(sign[-1])
    return [(code, code)]


def _said(ranges: Ranges, *, none: bool) -> str:
    """Return the class of all signs in *ranges* (or of all others) that JSON writes as they are."""
    for low, high in (*_ESCAPED, *_SURROGATES):
        ranges = [piece for one in ranges for piece in _without(one, low, high)]
    if none:
        ranges = [*ranges, *_ESCAPED]
    if not ranges:
        raise Unheld
    said = "".join(_sign(low) if low == high else f"{_sign(low)}-{_sign(high)}" for low, high in ranges)
    return f"[{'^' if none else ''}{said}]"


def _without(one: tuple[int, int], low: int, high: int) -> Ranges:
    """Return what is left of the range *one* without those from *low* to *high*."""
    start, end = one
    return [piece for piece in ((start, min(end, low - 1)), (max(start, high + 1), end)) if piece[0] <= piece[1]]


def _sign(code: int) -> str:
    """Return a sign as it stands in a class."""
    return chr(code) if code > 0x7F or chr(code).isalnum() else f"\\x{code:02x}"  # noqa: PLR2004 - ASCII's last
