"""Cases of plain talk: facts of a passage, facts it lacks, questions in and out of the job, changes of tongue."""

import random

from training.heldout.cases import Case, Message, assistant, marked, system, user, write
from training.heldout.values import Draw
from training.templates.spin import SLOT

KINDS = ("number", "date", "name")
THANKS = {
    "en": "You can find all of it under your orders.",
    "zh": "这些都可以在您的订单页面里找到。",
}


def _passage(rng: random.Random, language: str, kind: str) -> tuple[str, list[tuple[str, str]]]:
    """Return a passage of three to five facts, and each one's question and value; the first is of *kind*."""
    lines, draw = marked("facts.txt"), Draw(rng, language)
    wanted = rng.choice(lines[f"{kind}.{language}"])
    rest = [line for other in KINDS for line in lines[f"{other}.{language}"] if line != wanted]
    facts: list[tuple[str, str, str]] = []
    for line in [wanted, *rng.sample(rest, rng.randint(2, 4))]:
        question, fact = line.split(" => ")
        slot = SLOT.findall(fact)[-1]
        draw.kept.pop(slot, None)
        facts.append((question, write(fact, draw), draw(slot)))
    order = facts[:]
    rng.shuffle(order)
    mark = rng.choice(("", "- ", "* "))
    between = rng.choice(("\n", "\n", " " if language == "en" else ""))
    told = between.join((mark if between == "\n" else "") + fact for _, fact, _ in order)
    head = write(rng.choice(lines[f"head.{language}"]), draw)
    return f"{head}\n{told}", [(question, value) for question, _, value in facts]


def fact(rng: random.Random, language: str) -> Case:
    """Return a question whose answer stands in the system message; the kinds of value take turns."""
    kind = rng.choice(KINDS)
    text, facts = _passage(rng, language, kind)
    (question, value), *others = facts
    beside = tuple(other for _, other in others)
    return Case(f"fact.{kind}", language, (system(text), user(question)), values=(value,), others=beside)


def absent(rng: random.Random, language: str) -> Case:
    """Return a question that the passage in the system message does not answer."""
    text, facts = _passage(rng, language, rng.choice(KINDS))
    asked = {question for question, _ in facts}
    lines = [line.split(" => ")[0] for kind in KINDS for line in marked("facts.txt")[f"{kind}.{language}"]]
    question = rng.choice([line for line in lines if line not in asked])
    return Case("absent", language, (system(text), user(question)), others=tuple(value for _, value in facts))


def _opening(draw: Draw) -> list[Message]:
    """Return a system message half of the time."""
    if draw.rng.random() < 0.5:
        return []
    return [system(write(draw.rng.choice(marked("service.txt")[f"system.{draw.language}"]), draw))]


def inside(rng: random.Random, language: str) -> Case:
    """Return a question of the job."""
    draw = Draw(rng, language)
    text = write(rng.choice(marked("service.txt")[f"in.{language}"]), draw)
    return Case("inside", language, (*_opening(draw), user(text)))


def outside(rng: random.Random, language: str) -> Case:
    """Return a question outside of the job."""
    draw = Draw(rng, language)
    text = write(rng.choice(marked("service.txt")[f"out.{language}"]), draw)
    return Case("outside", language, (*_opening(draw), user(text)))


def switch(rng: random.Random, language: str) -> Case:
    """Return a conversation that begins in the other language and goes on in *language*."""
    other = "zh" if language == "en" else "en"
    before, draw = Draw(rng, other), Draw(rng, language)
    lines = marked("service.txt")
    first = write(rng.choice(lines[f"in.{other}"]), before)
    then = write(rng.choice(lines[f"in.{language}"]), draw)
    return Case("switch", language, (user(first), assistant(THANKS[other]), user(then)))
