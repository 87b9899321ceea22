"""Customer-service conversations: topics from the template files, strung together as people do."""

import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from training.chat import Conversation, Turn
from training.templates.spin import fill, spin
from training.templates.values import Values

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


def roughen(text: str, rng: random.Random, language: str) -> str:
    """Write *text* as people type: openers, case, marks left out, a slip now and then but in no slot."""
    if rng.random() < 0.15:
        text = rng.choice(OPENERS[language]) + text
    if language == "zh":
        text = text.replace("？", "?") if rng.random() < 0.3 else text
        return text.rstrip("。？?！") if rng.random() < 0.2 else text
    if rng.random() < 0.6:
        text = text[:1].upper() + text[1:]
    if rng.random() < 0.15:
        text = text.rstrip("?.!")
    if rng.random() < 0.04 and len(text) > 12:
        place = rng.randrange(3, len(text) - 1)
        if text[place].islower() and text.rfind("<", 0, place) <= text.rfind(">", 0, place):
            text = text[:place] + text[place + 1 :]
    return text


def ask(topic: Topic, rng: random.Random, values: Values) -> str:
    """Return one question of *topic*."""
    return roughen(fill(spin(rng.choice(topic.questions), rng), values), rng, values.language)


def answer(topic: Topic, rng: random.Random, values: Values) -> str:
    """Return one answer of *topic*."""
    return fill(spin(rng.choice(topic.answers), rng), values)


def system(rng: random.Random, language: str) -> tuple[Turn, ...]:
    """Return a system message, or none; rarely one in the other language."""
    if rng.random() < 0.45:
        return ()
    if rng.random() < 0.08:
        language = "zh" if language == "en" else "en"
    return (Turn("system", fill(spin(rng.choice(SYSTEMS[language]), rng), Values(rng, language))),)


def outside_pair(rng: random.Random, language: str) -> tuple[Turn, Turn]:
    """Return a question outside the job and its answer."""
    questions, reply = outside(language)
    text = fill(spin(rng.choice(questions), rng), Values(rng, language))
    return Turn("user", roughen(text, rng, language)), Turn("assistant", reply)


def pair(topic: Topic, rng: random.Random, language: str) -> tuple[Turn, Turn]:
    """Return a question of *topic* and its answer."""
    values = Values(rng, language)
    return Turn("user", ask(topic, rng, values)), Turn("assistant", answer(topic, rng, values))


def _path(rng: random.Random, language: str) -> list[Topic]:
    """Choose the topics of one conversation, in order."""
    every = {topic.name: topic for topic in topics(language)}
    roots = [topic for topic in every.values() if not topic.after and topic.name not in CLOSERS]
    path = [every["greet"]] if rng.random() < 0.2 else []
    if path and rng.random() < 0.25:
        return path
    for _ in range(rng.choices((1, 2, 3), (6, 3, 1))[0]):
        topic = rng.choice([*roots, every["return"], every["delivery"], every["refund"], every["who"]])
        path.append(topic)
        follows = [other for other in every.values() if other.after == topic.name]
        path.extend(rng.sample(follows, min(len(follows), rng.choices((0, 1, 2), (5, 4, 1))[0])))
        if topic.name == "deploy" and rng.random() < 0.7:
            path.append(every["docker"])
    if rng.random() < 0.2:
        path.append(every[rng.choice(("thanks", "bye", "ok"))])
    return path


def chat(rng: random.Random, language: str) -> Conversation:
    """Return one conversation."""
    turns = list(system(rng, language))
    for topic in _path(rng, language):
        turns.extend(pair(topic, rng, language))
        if rng.random() < 0.03:
            turns.extend(outside_pair(rng, language))
    return Conversation(tuple(turns))


def off_topic(rng: random.Random, language: str) -> Conversation:
    """Return a conversation that begins or ends outside the job."""
    turns = list(system(rng, language))
    if rng.random() < 0.2:
        turns.extend(pair(rng.choice(topics(language)[:4]), rng, language))
    turns.extend(outside_pair(rng, language))
    return Conversation(tuple(turns))
