"""Nothing is shared: what measures the built-in model and what teaches it are kept apart, and the guard sees to it."""

# ruff: noqa: S311 - these draws are meant to repeat

import random
import re
from collections.abc import Iterable, Iterator

import pytest

from training import extraction, functions, grounded, invented, results, service
from training import tickets as taught_tickets
from training.corpus import own
from training.heldout import cases, guard, tickets
from training.heldout import tools as held_tools
from training.heldout import values as held_values
from training.templates import values
from training.templates.spin import SLOT, _choices

CODE = re.compile(r"[A-Z]{2}\d{3,4}-\d{3,4}|\d{3,4}-[A-Z]{2}-\d{3,4}")
FILES = ("service.txt", "facts.txt", "tickets.txt")
NEITHER = {"heldout": "month.en", "taught": "month"}  # months are what they are; the days differ


def every(text: str) -> Iterator[str]:
    """Yield each way to spin *text*."""
    opening = text.find("(")
    if opening < 0:
        yield text
        return
    parts, place = _choices(text, opening + 1)
    for part in parts:
        for middle in every(part):
            for rest in every(text[place:]):
                yield text[:opening] + middle + rest


def bare(text: str) -> str:
    """Return *text* with slots alike, without case, blanks and marks."""
    return re.sub(r"[\W_]+", "", SLOT.sub("0", text)).casefold()


def spun(templates: Iterable[str]) -> set[str]:
    """Return every sentence of *templates*, bare; what is hardly more than a slot is no sentence."""
    found = {bare(sentence) for template in templates for sentence in every(template)}
    return {sentence for sentence in found if len(sentence.replace("0", "")) > 1}


def taught() -> Iterator[str]:
    """Yield every template that the corpus is grown from."""
    for language in service.LANGUAGES:
        for topic in service.topics(language):
            yield from (*topic.questions, *topic.answers)
        questions, reply = service.outside(language)
        yield from (*questions, reply, *service.SYSTEMS[language], *extraction.WISHES[language])
        yield from (*extraction.PLAIN[language], *extraction.MOODS[language].values())
        for fact in grounded.topics(language).values():
            yield from (line for lines in fact.lines.values() for line in lines)
        yield from (*grounded.wordings(language, "%"), *grounded.wordings(language, "-"))
    for tool in functions.tools():
        yield from (line for lines in tool.lines.values() for line in lines)
    yield from (text for _, english, chinese in extraction.FIELDS.values() for text in (english, chinese))
    for language in service.LANGUAGES:
        yield from (functions.NONE[language], results.SORRY[language], invented.ASKS[language])
    for lines in taught_tickets.blocks().values():
        yield from (text for mark, texts in lines.items() if not mark.startswith(("label.", "name.")) for text in texts)


def asked() -> Iterator[str]:
    """Yield every held-out template."""
    for name in FILES:
        for lines in cases.marked(name).values():
            yield from (part for line in lines for part in line.split(" => "))
    for tool in held_tools.tools():
        for mark, lines in tool.lines.items():
            yield from (lines if mark not in ("result", "tell") else ())


def test_no_sentence_is_shared() -> None:
    """No way to spin a held-out template is a way to spin one of the corpus."""
    assert spun(taught()) & spun(asked()) == set()


def test_no_value_is_shared() -> None:
    """No city, name, product, shop, street or other listed value is in both pools."""
    held = {it.casefold() for name, found in held_values.LISTS.items() if name != NEITHER["heldout"] for it in found}
    pools = {it.casefold() for name, found in values.LISTS.items() if name != NEITHER["taught"] for it in found}
    assert held & pools == set()


def test_no_chinese_name_can_be_drawn_by_the_corpus() -> None:
    """Every held-out Chinese surname has a character that the corpus' surnames have not."""
    assert not set(held_values.LISTS["surname.zh"]) & set(values.SURNAMES)
    assert not [name for name in held_values.LISTS["surname.zh"] if set(name) <= set(values.SURNAMES + values.GIVEN)]


def test_no_function_is_shared() -> None:
    """No name of a function, and none of an argument, is in both pools; nor a verb or noun of invented ones."""
    known = {name for tool in functions.tools() for name in tool.names}
    known |= {name for tool in functions.tools() for parameter in tool.parameters for name in parameter.names}
    known |= {*functions.VERBS, *functions.NOUNS, *(name for _, name in functions.KINDS)}
    held = {name for tool in held_tools.tools() for name in tool.names}
    held |= {name for tool in held_tools.tools() for parameter in tool.parameters for name in parameter.names}
    held |= {*held_tools.VERBS, *held_tools.NOUNS, *(label for _, label, _ in held_tools.THINGS)}
    assert known & held == set()


def test_no_label_is_shared() -> None:
    """No intent of a held-out ticket is one that the corpus sorts by."""
    known = {name for names in extraction.INTENTS.values() for name in names}
    for lines in taught_tickets.blocks().values():
        named = (text for mark, texts in lines.items() if mark.startswith("label.") for text in texts)
        known |= {it for text in named for it in text.split("|")}
    assert not known & {label for language in cases.LANGUAGES for label in tickets.labels(language)}


@pytest.mark.parametrize("language", cases.LANGUAGES)
def test_no_number_is_shared(language: str) -> None:
    """Codes have a form, and dates a day or year, that the corpus never draws."""
    rng = random.Random(1)
    held, own_values = held_values.Draw(rng, language), values.Values(rng, language)
    for _ in range(500):
        assert CODE.fullmatch(held._fresh("code"))
        assert not CODE.search(own_values.fresh("order"))
        assert re.search(r"20(29|3[0-4])", held._fresh("date"))
        assert not re.search(r"20(29|3[0-4])", own_values.fresh("date"))


def test_the_guard_lets_the_corpus_pass() -> None:
    """Our own documents hold nothing of the held-out set, so that none of them is left out."""
    assert [guard.held(doc.text) for doc in own(11, 400) if guard.held(doc.text)] == []


@pytest.mark.parametrize(
    "text", ["I live in Utrecht.", "我叫欧阳砚舟", "Why did the dinosaurs die out?", '{"name": "sendVanFor"}', "去洛阳"]
)
def test_the_guard_finds_what_is_held_out(text: str) -> None:
    """A held-out name, sentence or function is found in any text."""
    assert guard.held(text)


@pytest.mark.parametrize("text", ["Halifaxian customs", "I want to return my order", "我要退货"])
def test_the_guard_finds_nothing_else(text: str) -> None:
    """A word that only contains a held-out name is none."""
    assert guard.held(text) == ""
