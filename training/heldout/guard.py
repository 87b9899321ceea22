"""The guard: what of the held-out set a text holds. The corpus leaves such a text out, wherever it comes from."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product

from training.heldout.cases import marked
from training.heldout.tools import NOUNS, VERBS, tools
from training.heldout.values import LISTS
from training.templates.spin import SLOT

WATCHED = ("first", "last", "city.en", "city.zh", "street.en", "street.zh", "courier.en", "courier.zh", "shop.en",
           "shop.zh", "domain")  # fmt: skip
TALKS = ("service.txt", "facts.txt")


def names() -> set[str]:
    """Return every name that is held out: of people, places, firms, functions, their arguments, and intents."""
    found = {value for name in WATCHED for value in LISTS[name]}
    found |= {surname + given for surname, given in product(LISTS["surname.zh"], LISTS["given.zh"])}
    for tool in tools():
        found |= {*tool.names, *(name for parameter in tool.parameters for name in parameter.names if "_" in name)}
    found |= {label for line in marked("tickets.txt")["label"] for label in line.split("|")}
    return found | {f"{verb}_{noun}" for verb, noun in product(VERBS, NOUNS)}


def sentences() -> Iterator[str]:
    """Yield every held-out sentence that has neither alternatives nor slots."""
    for name in TALKS:
        for lines in marked(name).values():
            for line in lines:
                text = line.split(" => ")[0]
                if "(" not in text and not SLOT.search(text):
                    yield text


@cache
def _kept() -> tuple[str, ...]:
    """Return all that is held out, in small letters, the longest first."""
    return tuple(sorted({text.casefold() for text in (*names(), *sentences())}, key=len, reverse=True))


def held(text: str) -> str:
    """Return the longest held-out name or sentence that *text* holds, or nothing; Latin words count only whole."""
    small = text.casefold()
    for kept in _kept():  # `in` before the pattern: one pattern of them all takes many times as long
        if kept in small and re.search(_whole(kept), small):
            return kept
    return ""


def _whole(kept: str) -> str:
    """Return the pattern that finds *kept*."""
    return rf"(?<![a-z]){re.escape(kept)}(?![a-z])" if kept.isascii() else re.escape(kept)
