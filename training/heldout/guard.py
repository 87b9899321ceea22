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
    """Return every name that is held out: of people, places, firms, functions and their arguments."""
    found = {value for name in WATCHED for value in LISTS[name]}
    found |= {surname + given for surname, given in product(LISTS["surname.zh"], LISTS["given.zh"])}
    for tool in tools():
        found |= {*tool.names, *(name for parameter in tool.parameters for name in parameter.names if "_" in name)}
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
def _pattern() -> re.Pattern[str]:
    """Return what finds any of it; words of Latin letters only whole."""
    held = sorted({*names(), *sentences()}, key=len, reverse=True)
    whole = [re.escape(text) for text in held if text.isascii()]
    parts = [re.escape(text) for text in held if not text.isascii()]
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(whole)})(?![A-Za-z])|{'|'.join(parts)}", re.IGNORECASE)


def held(text: str) -> str:
    """Return the first held-out name or sentence that *text* holds, or nothing."""
    found = _pattern().search(text)
    return found[0] if found else ""
