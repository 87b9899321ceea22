"""Quoting: what a small model may pass on of what was said, when its file says so (`parley.forms`).

A text stands in the conversation, by whole words; a number as well, or it was said as a word. Where nothing that was
said can be a value at all, it is in words, or a small number, of the model's own: a grammar that nothing matches would
not be in force.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

LETTER = "[0-9A-Za-z\u00c0-\u024f]"
SIGN = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
OTHER = "[^\\W\\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|\\s|."
CHINESE = "[\u3400-\u9fff]"
WORDS = re.compile(f"{LETTER}+(?:[-.,:/@_'+]{LETTER}+)*|{CHINESE}+|{SIGN}|{OTHER}", re.DOTALL)
"""What a text is made of: a word, code, date or address as a whole; Chinese; a sign of Japanese or Korean; the rest."""
FIGURES = re.compile(rf"{LETTER}+(?:[-:/@_]{LETTER}+)+|\d+(?:\.\d+)?|{SIGN}|{OTHER}", re.DOTALL)
"""The same for numbers: one may stand beside letters (5kg), but none within a code or a date."""
EDGE = " ,;:，；：、"
MARKS = " .,;:，；：、?-"
CODE = "[0-9A-Z]*[0-9][0-9A-Z]*(?:-[0-9A-Z]+)+|[A-Z]+-[0-9][0-9A-Z-]*|[A-Z]{1,3}[0-9]{4,}|[0-9]{6,}"
DAY = r"\d{4}-\d\d?-\d\d?(?!\d)"
LABELLED = re.compile(
    rf"(?:\b([a-z]+)(?: (no|number)\b\.?)?:? |({CHINESE}{{0,3}}[单号码])[:：]?)(?!{DAY})(?:{CODE})(?!{LETTER})"
)
"""A code behind the word for what it is the code of, which is no part of it."""
OWN = 400
"""Characters: the most that the model puts into words of its own for one value."""
COUNTS = "zero one two three four five six seven eight nine ten eleven twelve"
SIGNS = "零一二三四五六七八九十"
OTHERS = "a:1 an:1 single:1 once:1 couple:2 pair:2 both:2 twice:2 dozen:12 两:2 俩:2 双:2 仨:3 个:1 十一:11 十二:12"
NAMED = {
    **{name: str(number) for names in (COUNTS.split(), SIGNS) for number, name in enumerate(names)},
    **dict(pair.split(":") for pair in OTHERS.split()),
}
"""Numbers as they are said."""


def words(text: str) -> list[str]:
    """Return *text* in words; those of Chinese are a dictionary's, and a sign that is in none of them stands alone."""
    found: list[str] = []
    for piece in WORDS.findall(text):
        if piece[1:] and re.match(CHINESE, piece):
            found += _cut()(piece, False)  # noqa: FBT003 - without guesses at words that the dictionary lacks
        else:
            found.append(piece)
    return found


@cache
def _cut() -> Callable[[str, bool], list[str]]:
    """Return what cuts Chinese into words: 33 MiB and a tenth of a second, so it is loaded when there is some."""
    from rjieba import cut  # noqa: PLC0415

    return cut


def quotable(text: str, least: int = 1, most: int | None = None) -> bool:
    """Return whether a text of *least* to *most* characters may be quoted of *text*."""
    return any(
        least <= size and (most is None or size <= most)
        for line in re.split("[\n<]", text)
        for size in _sizes(line, most)
    )


def _sizes(line: str, most: int | None) -> Iterator[int]:
    """Yield how long the pieces of *line* are that may be quoted, up to *most*; without one, that of the longest."""
    pieces = words(line)
    for first, piece in enumerate(pieces):
        if piece[0] in EDGE:
            continue
        if most is None:
            yield len("".join(pieces[first:]).rstrip(MARKS))
            return
        size = 0
        for word in pieces[first:]:
            size += len(word)
            if size > most:
                break
            if word[-1] not in MARKS:
                yield size


def count(piece: str, text: str) -> int:
    """Return how often *piece* stands in *text* as whole words."""
    return len(_whole(piece).findall(text))


def rest(text: str, gone: Iterable[str]) -> str:
    """Return *text* without the pieces that are *gone*: nothing that is quoted of it reaches across one."""
    for piece in gone:
        text = _whole(piece).sub("\n", text)
    return text


def counted(text: str) -> bool:
    """Return whether *text* tells a number."""
    return bool(_counts(text)) or any(re.fullmatch(r"\d+(\.\d+)?", it) for it in FIGURES.findall(text))


def _counts(text: str) -> set[str]:
    """Return the numbers that *text* tells in words, in figures."""
    return {NAMED[name] for name in map(str.lower, FIGURES.findall(text) + words(text)) if name in NAMED}


def _labels(text: str) -> list[str]:
    """Return what no value begins with: the words, and ends of a Chinese one, that stand before codes in *text*."""
    found: dict[str, None] = {}
    for word, number, chinese in LABELLED.findall(text):
        ends = [chinese[place:] for place in range(len(chinese))] if chinese else filter(None, (word, number))
        found |= dict.fromkeys(ends)
    return [*found]


def _whole(piece: str) -> re.Pattern[str]:
    """Return what finds *piece*, which is not empty, but not within a word or a number."""
    before = rf"(?<!{LETTER})(?<!\d[.,])" if re.match(LETTER, piece) else ""
    after = rf"(?!{LETTER}|[.,]\d)" if re.match(LETTER, piece[-1]) else ""
    return re.compile(before + re.escape(piece) + after)


def quoting(text: str, mark: str = "") -> list[str]:
    """Return the rules `HEARD`, `WHOLE` and `NUMBER`: a text, a whole number and any that stands in *text*.

    `OWN` is a text in words of the model's own, `SOME` one that is no sign for what is left out or lacking. All names
    have *mark* before them, so that a grammar may have the rules of several texts.
    """
    figures = FIGURES.findall(text)
    rules = [
        rf"{mark}SOME: /[^\n]*[^\n ?-][^\n]*/",
        rf"{mark}OWN: {mark}SOME & /[^\n <]([^\n<]{{0,{OWN - 2}}}[^\n <])?/",
    ]
    for name, parts in (("PART", words(text)), ("FIGURES", figures)):
        rules.append(f'{mark}{name}: %regex {{"substring_chunks": {json.dumps(parts, ensure_ascii=False)}}}')
    labels = "|".join(_labels(text))
    bare = rf" & ~/({labels})[^\n]*/" if labels else ""
    heard = rf"{mark}PART & /[^\n ,;:，；：、][^\n]*/ & {mark}SOME & /([^<]|<[^\/t<])*/ & {mark}ENDED{bare}"
    rules.append(f"{mark}HEARD: {heard if quotable(text) else mark + 'OWN'}")
    rules.append(mark + r"ENDED: /[^\n]*([^\n .,;:，；：、]|[^0-9\n][.])|[.]/")  # a number has no full stop of its own
    whole, stands = _counts(text), any(re.fullmatch("0|[1-9][0-9]*", it) for it in figures)
    ways = [rf"({mark}FIGURES & /-?(0|[1-9][0-9]*)/)"] if stands else []
    ways += [f'"{it}"' for it in sorted(whole)] if stands or whole else ["/[0-9]|1[0-2]/"]
    rules.append(f"{mark}WHOLE: " + " | ".join(ways))
    rules.append(rf"{mark}NUMBER: {mark}WHOLE | ({mark}FIGURES & /-?(0|[1-9][0-9]*)\.[0-9]+/)")
    return rules
