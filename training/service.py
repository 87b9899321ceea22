"""Customer-service conversations: topics from the template files, strung together as people do."""

import random
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from training.chat import Conversation, Turn
from training.templates.spin import SLOT, fill, plain, spin
from training.templates.values import LISTS, Values

FOLDER = Path(__file__).parent / "templates"
LANGUAGES = ("en", "zh")
CLOSERS = {"greet", "thanks", "bye", "ok"}
SYSTEMS = {
    "en": (
        "You are a (helpful |friendly |)(customer service|customer support|support) (assistant|agent).",
        "You are a (helpful|friendly|useful) assistant.",
        "You (help|serve) the customers of (a shop|<shop> <ware>). (Be brief.|Be polite.|Use one sentence.|)",
        "You are the (assistant|customer service) of <shop> <ware>.",
        "You are a (technical|software|IT) (consultant|advisor|expert).",
        "Answer (briefly|politely|in the user's language|the customer's questions).",
    ),
    "zh": (
        "你是一个(客服助手|智能客服|客服|有用的助手|友好的助手|技术顾问|电商客服助手|AI助手)。",
        "你是(<shop><ware>的客服|一名专业的客服人员|客服助手)(。|，请用中文回答。|，回答要简短。)",
        "你是一个(乐于助人的|有帮助的|专业的|)(助手|客服助手|技术顾问)(。|)",
    ),
}
OPENERS = {
    "en": ("hi, ", "hello, ", "please, ", "sorry, ", "excuse me, ", "one question: ", "ok, ", "and "),
    "zh": ("你好，", "您好，", "请问", "请问一下，", "那", "那么", "想问一下，"),
}
USUAL = {
    "return": 5,
    "delivery": 4,
    "refund": 4,
    "cancel": 3,
    "invoice": 3,
    "payment": 3,
    "password": 2,
    "complaint": 2,
    "hours": 2,
    "damaged": 2,
    "human": 2,
    "who": 3,
    "ability": 2,
    "generic": 9,
    "generic_ask": 7,
}
"""How much more often than the rest a topic is asked about; the generic ones hold thousands of odd details."""
PHRASES = {"thing", "trouble", "wish", "detail", "mood"}
"""Slots that are mere wording and nothing an answer repeats."""
SAID = {"sorry", "tell", "look", "pass"}
"""Slots that stand in answers and are wording alone."""
WORD = re.compile(r"(?<![\w<.@'-])[a-z]{5,}(?![\w>@'-]|\.\w)")


def _parts() -> None:
    """Add the lists of `shop.txt`, which only the templates of this module use, to those of `values.txt`."""
    for line in (FOLDER / "shop.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, values = line.split(": ", 1)
            LISTS[name] = values.split("|")
    for language in LANGUAGES:
        LISTS[f"thing.{language}"] += LISTS[f"product.{language}"]


_parts()


@dataclass
class Topic:
    """One thing people ask: its questions, its answers, and the topic it follows, if any."""

    name: str
    after: str = ""
    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


@cache
def topics(language: str) -> tuple[Topic, ...]:
    """Read the topics of *language*."""
    found: list[Topic] = []
    for line in (FOLDER / f"service.{language}.txt").read_text(encoding="utf-8").splitlines():
        mark, text = line[:1], line[2:]
        if mark == "=":
            name, _, after = text.partition(" after ")
            found.append(Topic(name, after))
        elif mark == "?":
            found[-1].questions.append(text)
        elif mark == "!":
            found[-1].answers.append(text)
    return tuple(found)


@cache
def outside(language: str) -> tuple[tuple[str, ...], str]:
    """Return the questions outside the job in *language*, and the answer to all of them."""
    lines = (FOLDER / "outside.txt").read_text(encoding="utf-8").splitlines()
    questions = tuple(line[4:] for line in lines if line.startswith(f"{language}: "))
    return questions, next(line[4:] for line in lines if line.startswith(f"{language}! "))


@cache
def _listed(language: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the words of all listed values, and the values that begin with a small letter."""
    values = {value for name, found in LISTS.items() if not name.startswith("fact.") for value in found}
    small = tuple(sorted(value for value in values if value[:1].islower())) if language == "en" else ()
    return frozenset(re.findall(r"[a-z]+", " ".join(values))), small


def _slip(text: str, rng: random.Random) -> str:
    """Drop or swap a letter in one word of *text*: never in a slot, nor in a word that any value may hold."""
    words, _ = _listed("en")
    found = [match for match in WORD.finditer(text) if match[0] not in words]
    if not found:
        return text
    match = rng.choice(found)
    place = rng.randrange(match.start() + 1, match.end() - 1)
    swapped = text[place + 1] + text[place] if rng.random() < 0.4 else ""
    return text[:place] + swapped + text[place + (2 if swapped else 1) :]


def roughen(text: str, rng: random.Random, language: str) -> str:
    """Write *text* as people type: openers, case, marks left out, a slip now and then; values stay as they are."""
    if rng.random() < 0.15:
        text = rng.choice(OPENERS[language]) + text
    if language == "zh":
        text = text.replace("？", "?") if rng.random() < 0.3 else text
        return text.rstrip("。？?！") if rng.random() < 0.2 else text
    if rng.random() < 0.6 and not text.startswith(_listed("en")[1]):
        text = text[:1].upper() + text[1:]
    if rng.random() < 0.15:
        text = text.rstrip("?.!")
    return _slip(text, rng) if rng.random() < 0.05 else text


def _phrase(text: str, rng: random.Random, values: Values) -> str:
    """Return a spun template *text* as people type it, filled last: what is done to the words leaves values alone."""
    text = fill(text, lambda name: values.fresh(name) if name in PHRASES else f"<{name}>")
    text = roughen(text, rng, values.language)
    if values.language == "en":
        text = re.sub(r"([.?!] )([a-z])", lambda match: match[1] + match[2].upper(), text)
        if rng.random() < 0.1:
            text = text.lower()
        elif rng.random() < 0.015:
            text = "".join(part if SLOT.fullmatch(part) else part.upper() for part in re.split(r"(<[a-z_]+>)", text))
    return fill(text, values)


def ask(topic: Topic, rng: random.Random, values: Values) -> str:
    """Return one question of *topic*."""
    return _phrase(spin(rng.choice(topic.questions), rng), rng, values)


def answer(topic: Topic, values: Values) -> str:
    """Return the answer of *topic*: always the same words, for nothing tells which of several is due."""
    return fill(
        plain(topic.answers[0]), lambda name: LISTS[f"{name}.{values.language}"][0] if name in SAID else values(name)
    )


def system(rng: random.Random, language: str) -> tuple[Turn, ...]:
    """Return a system message, or none; often one in the other language, which the answer does not follow."""
    if rng.random() < 0.45:
        return ()
    if rng.random() < 0.25:
        language = "zh" if language == "en" else "en"
    return (Turn("system", fill(spin(rng.choice(SYSTEMS[language]), rng), Values(rng, language))),)


def outside_pair(rng: random.Random, language: str) -> tuple[Turn, Turn]:
    """Return a question outside the job and its answer."""
    questions, reply = outside(language)
    text = _phrase(spin(rng.choice(questions), rng), rng, Values(rng, language))
    return Turn("user", text), Turn("assistant", reply)


def pair(topic: Topic, rng: random.Random, language: str) -> tuple[Turn, Turn]:
    """Return a question of *topic* and its answer."""
    values = Values(rng, language)
    return Turn("user", ask(topic, rng, values)), Turn("assistant", answer(topic, values))


def _path(rng: random.Random, language: str) -> list[Topic]:
    """Choose the topics of one conversation, in order."""
    every = {topic.name: topic for topic in topics(language)}
    roots = [topic for topic in every.values() if not topic.after and topic.name not in CLOSERS]
    weights = [USUAL.get(topic.name, 1) for topic in roots]
    path = [every["greet"]] if rng.random() < 0.2 else []
    if path and rng.random() < 0.25:
        return path
    for _ in range(rng.choices((1, 2, 3), (6, 3, 1))[0]):
        topic = rng.choices(roots, weights)[0]
        path.append(topic)
        follows = [other for other in every.values() if other.after == topic.name]
        path.extend(rng.sample(follows, min(len(follows), rng.choices((0, 1, 2), (5, 4, 1))[0])))
        if topic.name == "deploy" and rng.random() < 0.7:
            path.append(every["docker"])
    if rng.random() < 0.2:
        path.append(every[rng.choice(("thanks", "bye", "ok"))])
    return path


def _in(topic: Topic, language: str) -> Topic:
    """Return *topic* as it stands in *language*."""
    return next(other for other in topics(language) if other.name == topic.name)


def chat(rng: random.Random, language: str) -> Conversation:
    """Return one conversation; in some the customer changes the language, and the answers follow."""
    turns = list(system(rng, language))
    switching = rng.random() < 0.08
    for number, topic in enumerate(_path(rng, language)):
        if switching and (number == 1 or (number and rng.random() < 0.4)):
            language = "zh" if language == "en" else "en"
        turns.extend(pair(_in(topic, language), rng, language))
        if rng.random() < 0.03:
            turns.extend(outside_pair(rng, language))
    return Conversation(tuple(turns))


def off_topic(rng: random.Random, language: str) -> Conversation:
    """Return a conversation that begins or ends outside the job."""
    turns = list(system(rng, language))
    if rng.random() < 0.3:
        before = topics(language)
        turns.extend(pair(rng.choice([*before[:4], *before]), rng, language))
    turns.extend(outside_pair(rng, language))
    return Conversation(tuple(turns))
