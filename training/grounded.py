"""Questions about a passage: what is asked for stands in it and nowhere else, or does not stand in it at all.

The texts are in `templates/facts.en.txt` and `templates/facts.zh.txt`. There `=` opens a topic, which may have the same
name in both languages; `?` is a question, `!` the fact, `.` a short answer. The last slot of the first fact is what is
asked for. `%` lines are heads of a passage and the `-` line says that something is not given.
"""

import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from training.chat import Conversation, Turn
from training.service import CLOSERS, outside_pair, pair, roughen
from training.service import topics as talked
from training.templates.spin import SLOT, fill, plain, spin
from training.templates.values import Values

FOLDER = Path(__file__).parent / "templates"
SHORT = {
    "en": {"": "<>.", "day": "On <>.", "time": "At <>.", "city": "In <>.", "mail": "<>"},
    "zh": {"": "<>。", "city": "在<>。", "mail": "<>"},
}
ALIKE = (
    {"phone", "hotel_phone", "emergency", "job_phone", "support_hours"},
    {"mail", "job_mail", "post_address"},
    {"shop_city", "headquarters", "branch_street", "post_address"},
    {"manager", "ceo", "founder", "job_title", "chef"},
    {"coupon", "member_discount", "student_discount"},
    {"delivery_price", "free_shipping"},
    {"pets", "dog_tax"},
    {"ticket_price", "museum_free", "audio_guide"},
    {"headquarters", "data_city"},
    {
        "open",
        "last_entry",
        "visiting",
        "quiet_hours",
        "surgery",
        "support_hours",
        "closed_day",
        "kitchen_close",
        "checkin",
        "garage_close",
    },
    {"order_number", "tracking", "invoice_number"},
    {"refund", "return"},
    {"door", "hotel_wifi"},
)
"""Topics near enough that the fact of one half answers the question of another: no such question counts as missing."""
BESIDE = 0.2
"""Share of passages with a greeting, thanks or a question outside the job beside the questions about them."""
BULLETS = ("", "", "- ", "- ", "* ", "• ", "#")


@dataclass
class Topic:
    """One thing that may stand in a passage, and how it is asked for."""

    name: str
    lines: dict[str, list[str]] = field(default_factory=lambda: {"?": [], "!": [], ".": []})

    @property
    def slot(self) -> str:
        """Return the slot that is asked for."""
        return SLOT.findall(self.lines["!"][0])[-1]

    @property
    def things(self) -> set[str]:
        """Return the slots by which a question says what it is about."""
        return {slot for line in self.lines["?"] for slot in SLOT.findall(line)}


@dataclass
class Fact:
    """A topic with its values, as it stands in the passage."""

    topic: Topic
    values: Values
    line: str


@cache
def _lines(language: str) -> tuple[str, ...]:
    """Return the lines of the file of *language*."""
    return tuple((FOLDER / f"facts.{language}.txt").read_text(encoding="utf-8").splitlines())


@cache
def topics(language: str) -> dict[str, Topic]:
    """Return the topics of *language* by name."""
    found: dict[str, Topic] = {}
    for line in _lines(language):
        if line.startswith("= "):
            last = found[line[2:]] = Topic(line[2:])
        elif line[:1] in ("?", "!", "."):
            last.lines[line[0]].append(line[2:])
    return found


@cache
def wordings(language: str, mark: str) -> tuple[str, ...]:
    """Return the heads (`%`) or the way to say that something is not given (`-`)."""
    return tuple(line[2:] for line in _lines(language) if line.startswith(f"{mark} "))


def _told(topic: Topic, rng: random.Random, values: Values) -> str:
    """Return the fact of *topic* as a sentence."""
    text = fill(spin(rng.choice(topic.lines["!"]), rng).replace(" .", "."), values)
    return text[:1].upper() + text[1:] if values.language == "en" else text


def _fact(topic: Topic, rng: random.Random, language: str, others: list[Fact]) -> Fact:
    """Return a fact whose values are not those of *others* on the same topic."""
    values = Values(rng, language)
    used = {fact.values(slot) for fact in others if fact.topic is topic for slot in (*topic.things, topic.slot)}
    for _ in range(20):
        if not {values(slot) for slot in (*topic.things, topic.slot)} & used:
            break
        values = Values(rng, language)
    return Fact(topic, values, _told(topic, rng, values))


def _passage(rng: random.Random, language: str, count: int) -> list[Fact]:
    """Return *count* facts; often two of them have the same kind of value, or the same topic."""
    every = list(topics(language).values())
    first = rng.choice(every)
    facts = [_fact(first, rng, language, [])]
    alike = [topic for topic in every if topic is not first and topic.slot == first.slot]
    if first.things and rng.random() < 0.35:
        facts.append(_fact(first, rng, language, facts))
    elif alike and rng.random() < 0.6:
        facts.append(_fact(rng.choice(alike), rng, language, facts))
    rest = [topic for topic in every if all(topic is not fact.topic for fact in facts)]
    facts += [_fact(topic, rng, language, facts) for topic in rng.sample(rest, max(0, count - len(facts)))]
    rng.shuffle(facts)
    return facts


def _written(facts: list[Fact], rng: random.Random, language: str) -> str:
    """Write *facts* down under a head, as a list or as running text."""
    head = fill(spin(rng.choice(wordings(language, "%")), rng), Values(rng, language))
    if rng.random() < 0.3:
        body, between = (" " if language == "en" else "").join(fact.line for fact in facts), "\n "
    else:
        mark, between = rng.choice(BULLETS), "\n"
        body = "\n".join((f"{n}. " if mark == "#" else mark) + fact.line for n, fact in enumerate(facts, 1))
    if rng.random() < 0.06:
        return body
    return head + rng.choice((*between, "\n", "\n\n")) + body


def _question(topic: Topic, rng: random.Random, values: Values, language: str) -> str:
    """Return a question of *topic*; no slip of the pen falls into a value."""
    text = spin(rng.choice(topic.lines["?"]), rng)
    rough = roughen(text, rng, language)
    shown = rough if SLOT.findall(rough) == SLOT.findall(text) else text
    return fill(shown, values)


def _short(topic: Topic, values: Values, language: str) -> str:
    """Return the value in few words."""
    if topic.lines["."]:
        return fill(plain(topic.lines["."][0]), values)
    kind = topic.slot.removesuffix("_b")
    return SHORT[language].get(kind, SHORT[language][""]).replace("<>", values(topic.slot))


def _asked(fact: Fact, rng: random.Random, language: str) -> tuple[Turn, Turn]:
    """Return a question and its answer, in *language*, which may be another than that of the fact."""
    topic, found = topics(language).get(fact.topic.name), fact.values(fact.topic.slot)
    if language != fact.values.language and topic and topic.slot == fact.topic.slot:
        question, answer = _question(topic, rng, fact.values, language), _short(topic, fact.values, language)
    else:
        question, answer = _question(fact.topic, rng, fact.values, fact.values.language), fact.line
    return Turn("user", question), Turn("assistant", answer, found=found)


def _missing(facts: list[Fact], rng: random.Random, language: str) -> tuple[Turn, Turn]:
    """Return a question to which no fact is the answer, and what is said to it."""
    known = [fact.topic for fact in facts]
    near = {name for names in ALIKE for topic in known if topic.name in names for name in names}
    named = [topic for topic in known if topic.things]
    if named and rng.random() < 0.25:
        topic = rng.choice(named)
    else:
        topic = rng.choice(
            [topic for topic in topics(language).values() if topic not in known and topic.name not in near]
        )
    question = _question(topic, rng, _fact(topic, rng, language, facts).values, language)
    return Turn("user", question), Turn("assistant", plain(wordings(language, "-")[0]), declines=True)


def grounded(rng: random.Random, language: str) -> Conversation:
    """Return a passage, in the system message or the user's, and a question or some about it."""
    facts = _passage(rng, language, rng.choices((2, 3, 4, 5, 6), (2, 4, 4, 3, 1))[0])
    text = _written(facts, rng, language)
    spoken = ({"en": "zh", "zh": "en"}[language]) if rng.random() < 0.07 else language
    asked = rng.sample(facts, min(len(facts), rng.choices((1, 2, 3), (6, 3, 1))[0]))
    pairs = [_asked(fact, rng, spoken) for fact in asked]
    if rng.random() < 0.35:
        pairs[rng.randrange(len(pairs))] = _missing(facts, rng, language)
    if rng.random() < BESIDE:  # what the passage has nothing to do with
        talk = [topic for topic in talked(spoken) if topic.name in CLOSERS]
        aside = pair(rng.choice(talk), rng, spoken) if rng.random() < 0.7 else outside_pair(rng, spoken)
        pairs.insert(rng.choice((0, len(pairs))), aside)
    turns = [turn for two in pairs for turn in two]
    if rng.random() < 0.8:
        return Conversation((Turn("system", text), *turns))
    question = pairs[0][0].text
    first = rng.choice((f"{text}\n\n{question}", f"{text}\n{question}", f"{question}\n\n{text}"))
    return Conversation((Turn("user", first), *turns[1:]))
