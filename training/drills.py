"""Drills: nothing but reading and copying, on words, numbers and labels that mean nothing.

A network this small calls an order by the number it has seen most often, unless most of what it learns from is of no
use to remember. So here every value is made up: a list of labels with their values, and then one of them is asked for,
repeated, put into JSON, or missing, which is said.
"""

import random

from training.chat import Conversation, Turn, dumps
from training.records import record
from training.templates.values import Values, hanzi, word

LABELS = {
    "en": (
        "name",
        "city",
        "order",
        "phone",
        "code",
        "date",
        "price",
        "street",
        "shop",
        "colour",
        "time",
        "e-mail",
        "size",
    ),
    "zh": ("姓名", "城市", "订单", "电话", "编号", "日期", "价格", "街道", "店铺", "颜色", "时间", "邮箱", "尺寸"),
}
SLOTS = ("person", "city", "order", "phone", "amount", "date", "time", "mail", "word", "count")
ASKED = {
    "en": ("What is the {}?", "what's the {}", "{}?", "Tell me the {}.", "Which {} is it?", "I need the {}."),
    "zh": ("{}是什么？", "{}是多少？", "请告诉我{}。", "{}？", "我想知道{}"),
}
SAID = {"en": "The {0} is {1}.", "zh": "{0}是{1}。"}
UNKNOWN = {
    "en": "I am sorry, I do not have the {}.",
    "zh": "抱歉，我没有{}的信息。",
}
AGAIN = {
    "en": ("Repeat: {}", "Say {} again.", 'Copy this: "{}"', "Please write {}."),
    "zh": ("请重复：{}", "请再说一遍{}", "抄写：{}", "请写出“{}”。"),
}
WISH = {"en": "Return {} as JSON.", "zh": "用JSON返回{}。"}


def _label(rng: random.Random, language: str) -> str:
    """Return a label: a usual one, or one that nobody uses."""
    if rng.random() < 0.5:
        return rng.choice(LABELS[language])
    return word(rng).lower() if language == "en" or rng.random() < 0.3 else hanzi(rng, 2)


def _pairs(rng: random.Random, language: str, count: int) -> dict[str, str]:
    """Return *count* labels with a value each."""
    values, found = Values(rng, language), {}
    while len(found) < count:
        found[_label(rng, language)] = values.fresh(rng.choice(SLOTS))
    return found


def _list(rng: random.Random, pairs: dict[str, str], language: str) -> str:
    """Write *pairs* down in one of the ways people do."""
    if language == "zh":
        between, after = rng.choice((("：", "\n"), ("是", "，"), ("为", "；"), (":", "\n"), ("=", ", ")))
    else:
        between, after = rng.choice(((": ", "\n"), (" is ", ". "), (" = ", ", "), (": ", "; "), (" - ", "\n")))
    if rng.random() < 0.1:
        return dumps(pairs)
    return after.join(f"{label}{between}{value}" for label, value in pairs.items())


def look_up(rng: random.Random, language: str) -> Conversation:
    """Return questions about a list; sometimes for what does not stand in it."""
    pairs = _pairs(rng, language, rng.randint(2, 6))
    told = Turn(rng.choice(("system", "user")), _list(rng, pairs, language))
    turns = [told] if told.role == "system" else [told, Turn("assistant", {"en": "Noted.", "zh": "记下了。"}[language])]
    asked = rng.sample(sorted(pairs), max(1, len(pairs) - rng.choice((0, 0, 1, 2))))
    if rng.random() < 0.3:
        asked.insert(rng.randint(0, len(asked)), _label(rng, language))
    for label in asked:
        said = SAID[language] if label in pairs else UNKNOWN[language]
        turns.append(Turn("user", rng.choice(ASKED[language]).format(label)))
        turns.append(Turn("assistant", said.format(label, pairs.get(label, ""))))
    return Conversation(tuple(turns))


def repeat(rng: random.Random, language: str) -> Conversation:
    """Return something that is to be said again, sign by sign."""
    values = Values(rng, language)
    said = " ".join(values.fresh(rng.choice(SLOTS)) for _ in range(rng.randint(1, 4)))
    return Conversation((Turn("user", rng.choice(AGAIN[language]).format(said)), Turn("assistant", said)))


def as_json(rng: random.Random, language: str) -> Conversation:
    """Return some of a list that is to be put into JSON."""
    pairs = _pairs(rng, language, rng.randint(2, 5))
    wanted = rng.sample(sorted(pairs), rng.randint(1, len(pairs)))
    wish = WISH[language].format(("、" if language == "zh" else ", ").join(wanted))
    found = dumps({label: pairs[label] for label in wanted})
    turns = (Turn("system", wish), Turn("user", _list(rng, pairs, language)))
    if rng.random() < 0.5:
        return record(turns[rng.randint(0, 1) :], {label: pairs[label] for label in wanted}, rng)
    return Conversation((*turns, Turn("assistant", found)))


def drill(rng: random.Random, language: str) -> Conversation:
    """Return one drill."""
    return rng.choices((look_up, repeat, as_json), (5, 3, 2))[0](rng, language)
