"""Drills of matching: which of several things a request is about is told by the words that both of them hold.

A network finds that out only where nothing else explains the answer. In requests as people word them it did not in 66
million tokens: of two functions whose names say nothing, it called the one with the very words of the request in
half of all cases. Of documents like these it learnt it within 900,000 tokens (`docs/decisions/0016-*`).
"""

import random
import re
from functools import cache

from training.chat import Conversation, Turn
from training.drills import SLOTS
from training.functions import NONE
from training.grounded import wordings
from training.invented import NOUNS, VERBS
from training.records import record
from training.templates.spin import plain
from training.templates.values import LISTS, Values, hanzi, word

FRAMES = {
    "en": ("{}", "please {}", "I need {}", "{} please", "can you {}?", "I want to {}", "could you do this: {}", "my {}",
           "it is about {}", "{} now", "what about {}?", "hello, {}", "{}, if possible.", "we would like {}"),
    "zh": ("{}", "请{}", "帮我{}", "我要{}", "{}，谢谢", "想{}", "麻烦{}", "关于{}", "{}吧", "您好，{}", "{}可以吗？"),
}  # fmt: skip
JOINED = {
    "en": (" ", " ", " a ", " the ", " and ", " for ", " of the ", " in ", ", "),
    "zh": ("", "", "，", "的", "和"),
}
ENDINGS = ("s", "ing", "ed", "er")
ASKED = {
    "en": ("what is {}?", "{}?", "tell me {}", "how much is {}?", "when is {}?", "who does {}?", "where is {}?",
           "I would like to know about {}", "do you know {}?"),
    "zh": ("{}是什么？", "{}？", "{}是多少？", "请问{}", "{}在哪里？", "想了解{}", "{}是什么时候？", "{}是谁？"),
}  # fmt: skip
LINES = {
    "en": ("The {} is {}.", "{}: {}", "For {} we take {}.", "{} until {}.", "We have {} at {}.",
           "Our {} comes from {}.", "{} starts on {}.", "By {} you get {}."),
    "zh": ("{}是{}。", "{}：{}", "{}需要{}。", "我们的{}来自{}。", "{}到{}为止。", "{}由{}负责。", "{}从{}开始。"),
}  # fmt: skip
GIVEN = {
    "en": ("{0} {1}", "{0}: {1}", "the {0} is {1}", "{1} as the {0}", "{1} for the {0}", "{0} = {1}", "with {0} {1}"),
    "zh": ("{0}{1}", "{0}：{1}", "{0}是{1}", "{1}作为{0}", "{0}为{1}", "{0}用{1}"),
}
WISH = {
    "en": ("Choose the label: {}.", "Which of {} is it?", "label ({})"),
    "zh": ("选择标签：{}。", "属于哪一类：{}？", "标签（{}）"),
}


@cache
def _listed(language: str) -> tuple[str, ...]:
    """Return every word of the slot lists and of the invented functions in *language*."""
    if language == "en":
        texts = (text for name, found in LISTS.items() if not name.endswith(".zh") for text in found)
        return tuple(
            sorted({it.lower() for text in texts for it in re.findall("[A-Za-z]{3,}", text)} | {*NOUNS, *VERBS})
        )
    texts = (text for name, found in LISTS.items() if name.endswith(".zh") for text in found)
    return tuple(sorted({text for text in texts if re.fullmatch("[\u4e00-\u9fff]{2,4}", text)}))


def _words(rng: random.Random, language: str, count: int) -> list[str]:
    """Return *count* words, a few of them made up."""
    found: list[str] = []
    while len(found) < count:
        if rng.random() < 0.15:
            one = word(rng).lower() if language == "en" else hanzi(rng, 2)
        else:
            one = rng.choice(_listed(language))
        if one not in found:
            found.append(one)
    return found


def _things(rng: random.Random, language: str) -> tuple[list[list[str]], list[str]]:
    """Return two to five things of one to three words each, two of which may share one, and some words of none."""
    count, each = rng.randint(2, 5), rng.choice((1, 1, 2, 2, 3))
    words = _words(rng, language, count * each + 4)
    things = [words[number * each : (number + 1) * each] for number in range(count)]
    if each > 1 and rng.random() < 0.4:
        things[1][0] = things[0][0]
        things[1:] = rng.sample(things[1:], count - 1)
    return things, words[count * each :]


def _said(rng: random.Random, language: str, thing: list[str], rest: list[str]) -> str:
    """Return the words of *thing* as a request holds them: in any order, inflected, with words of *rest* between."""
    words = rng.sample(thing, len(thing))
    if language == "en":
        words = [it + rng.choice(ENDINGS) if rng.random() < 0.12 else it for it in words]
    for _ in range(rng.choice((0, 0, 1, 2))):
        words.insert(rng.randint(0, len(words)), rng.choice(rest))
    if rng.random() < 0.3:
        words.insert(rng.randint(0, len(words)), Values(rng, language).fresh(rng.choice(SLOTS)))
    return rng.choice(JOINED[language]).join(words)


def _told(rng: random.Random, language: str, thing: list[str]) -> str:
    """Return the words of *thing* as a description holds them."""
    text = rng.choice(JOINED[language]).join(thing)
    return text[:1].upper() + text[1:] if rng.random() < 0.6 else text


def _named(rng: random.Random, language: str, things: list[list[str]]) -> list[str]:
    """Return a name for each of *things*: one that says nothing, or mostly its words."""
    if language == "en" and rng.random() < 0.5:
        joined = rng.random()
        names = [("_" if joined < 0.6 else "").join(thing) for thing in things]
        if joined > 0.6:
            names = ["".join(it.capitalize() for it in thing) for thing in things]
    else:
        names = [word(rng).lower() if rng.random() < 0.6 else rng.choice(_listed("en")) for _ in things]
    return names if len({*names}) == len(names) else _named(rng, language, things)


def function(rng: random.Random, language: str) -> Conversation:
    """Return a request for one of several functions without arguments, or for none of them."""
    things, rest = _things(rng, language)
    names, empty = _named(rng, language, things), {"type": "object", "properties": {}}
    bare = "_" in names[0] and rng.random() < 0.3  # then the name alone tells it
    tools = tuple(
        {"name": name, "description": "" if bare else _told(rng, language, thing), "parameters": empty}
        for name, thing in zip(names, things, strict=True)
    )
    number = rng.randrange(len(things))
    if rng.random() < 0.15 and not any(len({*it}) < len(it) for it in things):
        text = rng.choice(FRAMES[language]).format(_said(rng, language, rest[:2], rest[2:]))
        return Conversation((Turn("user", text), Turn("assistant", NONE[language], declines=True)), tools)
    text = rng.choice(FRAMES[language]).format(_said(rng, language, things[number], rest))
    call = {"name": names[number], "arguments": {}}
    return Conversation((Turn("user", text), Turn("assistant", calls=(call,))), tools)


def arguments(rng: random.Random, language: str) -> Conversation:
    """Return a call whose arguments are told apart by their descriptions, whose words stand beside the values."""
    count, without = rng.randint(1, 4), rng.choice((0, 0, 1, 1, 2))
    words = _words(rng, language, 2 * count + 4)
    values, labels = Values(rng, language), words[:count]
    told = rng.sample(words[: count + without], count + without)  # without a word in the request it is left out
    named = dict(zip(told, _named(rng, language, [[it] for it in told]), strict=True))
    given = {label: values.fresh(rng.choice(SLOTS)) for label in labels}
    said = [rng.choice(GIVEN[language]).format(*it) for it in given.items()]
    order = rng.sample(said, count)
    aim = words[-1]
    request = (", " if language == "en" else "，").join([aim, *order] if rng.random() < 0.7 else [*order, aim])
    properties = {named[label]: {"type": "string", "description": _told(rng, language, [label])} for label in told}
    required = [named[it] for it in labels] if rng.random() < 0.7 else []
    schema = {"type": "object", "properties": properties, "required": required}
    tool = {"name": word(rng).lower(), "description": _told(rng, language, [aim]), "parameters": schema}
    call = {"name": tool["name"], "arguments": {named[it]: given[it] for it in told if it in given}}
    return Conversation((Turn("user", request), Turn("assistant", calls=(call,))), (tool,))


def line(rng: random.Random, language: str) -> Conversation:
    """Return a question for one of several lines, which is the answer, or for none of them."""
    things, rest = _things(rng, language)
    values, form = Values(rng, language), rng.choice(LINES[language])
    facts, given = [], [values.fresh(rng.choice(SLOTS)) for _ in things]
    for thing, value in zip(things, given, strict=True):
        form = form if rng.random() < 0.4 else rng.choice(LINES[language])
        text = form.format(rng.choice(JOINED[language]).join(thing), value)
        facts.append(text[:1].upper() + text[1:])
    mark = rng.choice(("- ", "* ", "", "", "1) "))
    passage = "\n".join(mark + fact for fact in facts)
    number = rng.randrange(len(things))
    absent = rng.random() < 0.2
    said = _said(rng, language, rest[:2] if absent else things[number], rest[2:])
    if not absent and rng.random() < 0.3:  # by its value, as it is looked up once that is thought of
        said = given[number]
    answer = plain(wordings(language, "-")[0]) if absent else facts[number]
    found = "" if absent else given[number]
    question = rng.choice(ASKED[language]).format(said)
    return Conversation(
        (Turn("system", passage), Turn("user", question), Turn("assistant", answer, found=found, declines=absent))
    )


def label(rng: random.Random, language: str) -> Conversation:
    """Return a text and the one of several labels whose words stand in it, as a form."""
    things, rest = _things(rng, language)
    labels = [("_" if language == "en" else "").join(thing) for thing in things]
    number = rng.randrange(len(labels))
    wish = rng.choice(WISH[language]).format((", " if language == "en" else "、").join(labels))
    said = rng.choice(FRAMES[language]).format(_said(rng, language, things[number], rest))
    turns = (Turn("system", wish), Turn("user", said))
    options = rng.sample(labels, len(labels))
    return record(turns[rng.randint(0, 1) :], {"label": labels[number]}, rng, {"label": options})
