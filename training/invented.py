"""Functions that nobody has: their names, arguments and requests are put together on the spot.

So that a network reads the schema and the request, instead of recalling what it has called before.
"""

import random
from functools import cache
from pathlib import Path

from training.guises import Parameter, Tool, tools
from training.templates.values import word


@cache
def _words() -> dict[str, dict[str, str]]:
    """Read `words.txt`: for each list, the words and their Chinese."""
    lines = (Path(__file__).parent / "templates" / "words.txt").read_text(encoding="utf-8").splitlines()
    found = (line.split(": ", 1) for line in lines if not line.startswith("#"))
    return {name: dict(it.split("=") for it in words.split("|")) for name, words in found}


NOUNS, VERBS = [*_words()["noun"]], [*_words()["verb"]]
KINDS = tuple((key[6:], name) for key, names in _words().items() if key.startswith("label ") for name in names)
SLOTS = tuple(dict.fromkeys(slot for slot, _ in KINDS))
BORROWED = 0.35
"""Share of arguments that are taken from a known function, name, description and kind of value."""
NUMERIC = {"count": "integer", "amount": "number"}
ITEMS = {
    "en": ("{0} <{1}>", "{0}: <{1}>", "the {0} <{1}>", "{0} = <{1}>", "{0} is <{1}>", "<{1}> as the {0}",
           "set {0} to <{1}>", "the {0} should be <{1}>", "<{1}> for {0}", "<{1}> is the {0}"),
    "zh": ("{0}是<{1}>", "{0}：<{1}>", "{0}为<{1}>", "{0}=<{1}>", "<{1}>作为{0}", "{0}设为<{1}>", "{0}用<{1}>",
           "{0}填<{1}>", "{0}<{1}>"),
}  # fmt: skip
PHRASES = {
    "en": {
        "city": ("in <city>", "for <city>", "near <city>"),
        "person": ("for <person>", "with <person>", "on behalf of <person>"),
        "date": ("for <date>", "by <date>", "<date>"),
        "order": ("number <order>", "no. <order>", "with number <order>"),
        "count": ("<count> times", "<count> of them", "<count> in all"),
        "amount": ("for <amount> euros", "at <amount>", "up to <amount>"),
        "mail": ("and write to <mail>", "and tell <mail>", "and use <mail>"),
        "color": ("in <color>", "painted <color>"),
        "word": ("called <word>", "named <word>", "titled <word>"),
        "time": ("at <time>", "from <time>", "around <time>"),
        "product": ("with a <product>", "for the <product>"),
        "task": ('saying "<task>"', 'about "<task>"', "because of: <task>"),
    },
    "zh": {
        "city": ("在<city>", "地点在<city>", "位于<city>"),
        "person": ("给<person>", "由<person>负责", "替<person>办"),
        "date": ("<date>", "安排在<date>", "<date>前"),
        "order": ("编号<order>", "号码<order>"),
        "count": ("一共<count>个", "要<count>份", "共<count>次"),
        "amount": ("<amount>元", "不超过<amount>", "按<amount>算"),
        "mail": ("发到<mail>", "通知<mail>"),
        "color": ("<color>的", "要<color>"),
        "word": ("名叫<word>", "叫做<word>"),
        "time": ("<time>", "从<time>开始"),
        "product": ("用<product>", "配<product>"),
        "task": ("内容“<task>”", "原因：<task>"),
    },
}
UNPHRASED = {"en": ("with <{}>", "for <{}>", "<{}>", "using <{}>"), "zh": ("<{}>", "用<{}>", "要<{}>", "选<{}>")}
"""How a value is said whose kind has no phrases of its own."""
WHOLE = {
    "en": ("(please |could you |I want to |){verb} (the|a) {noun} {listed}", "{verb} {noun} {listed}",
           "I (need|want) (the|a) {noun}: {verb} it {listed}"),
    "zh": ("(请|帮我|麻烦|我想|){verb}{noun}，{listed}", "把{noun}{verb}一下，{listed}", "{listed}，{verb}{noun}"),
}  # fmt: skip
LISTED = {
    "en": ("(please |can you |){verb} (the|a) {noun} with {listed}", "{verb} {noun}: {listed}",
           "call {name} with {listed}", "{verb} the {noun}, {listed}", "{name}: {listed}",
           "{listed}. (Please |){verb} the {noun}"),
    "zh": ("(请|帮我|){verb}{noun}，{listed}", "调用{name}，{listed}", "请用{name}：{listed}",
           "{verb}一个{noun}：{listed}", "{listed}，请{verb}{noun}", "我要{verb}{noun}，{listed}"),
}  # fmt: skip
ASKS = {"en": "Please tell me the {}.", "zh": "请告诉我{}。"}


@cache
def _known() -> tuple[Parameter, ...]:
    """Return the arguments of the known functions that an invented one may have too."""
    found = (it for tool in tools() for it in tool.parameters if it.slot not in SLOTS and it.kind != "enum")
    return tuple(it for it in found if ":" not in it.kind and any(not text.isascii() for text in it.about))


def _label(rng: random.Random, slot: str, noun: str) -> tuple[str, str, bool]:
    """Return a name for the argument of *slot*, its Chinese, and whether the name says nothing."""
    usual, chinese = rng.choice([*_words()["label " + slot].items()])
    share = rng.random()
    if share < 0.25:
        made = word(rng).lower()
        return made, made, True
    if share < 0.5:
        other = rng.choice([noun, noun, rng.choice(NOUNS)])
        return f"{other}_{usual}", _words()["noun"].get(other, other) + chinese, False
    return usual, chinese, False


def _parts(rng: random.Random, language: str, labels: dict[str, str], prose: bool) -> str:
    """Return the arguments as a request says them, in any order."""
    slots = [*labels]
    rng.shuffle(slots)
    joiner = "，" if language == "zh" else rng.choice([", ", " and ", ", "])
    if prose:
        usual = PHRASES[language]
        said = [rng.choice(usual[it] if it in usual else UNPHRASED[language]).format(it) for it in slots]
        return (joiner if language == "zh" else rng.choice([" ", " ", ", "])).join(said)
    form = rng.choice(ITEMS[language])
    forms = [form if rng.random() < 0.6 else rng.choice(ITEMS[language]) for _ in slots]
    return joiner.join(it.format(labels[slot], slot) for it, slot in zip(forms, slots, strict=True))


def invented(rng: random.Random) -> Tool:
    """Make up a function with one to four arguments, and requests for it in both languages."""
    noun = rng.choice([rng.choice(NOUNS), rng.choice(NOUNS), word(rng).lower()])
    verb = rng.choice(VERBS)
    done, thing = _words()["verb"][verb], _words()["noun"].get(noun, noun)
    name = rng.choice([f"{verb}_{noun}", f"{verb}_{noun}", f"{verb}{noun.capitalize()}", f"{noun}_{verb}", noun])
    tool = Tool([name], [f"{verb.capitalize()} a {noun}", f"{verb.capitalize()} the {noun}", done + thing])
    english: dict[str, str] = {}
    chinese: dict[str, str] = {}
    for slot in rng.sample(SLOTS, rng.choices((1, 2, 3, 4), (3, 4, 3, 1))[0]):
        if rng.random() < BORROWED and (known := rng.choice(_known())).slot not in english:
            label = rng.choice(known.names)
            if label not in english.values():
                told = next(text for text in known.about if not text.isascii())
                tool.parameters.append(Parameter(known.slot, (label,), known.kind, known.about))
                english[known.slot], chinese[known.slot] = label, rng.choice([told, label])
                continue
        label, translated, blank = _label(rng, slot, noun)
        while label in english.values():
            label, blank = word(rng).lower(), True
            translated = label
        usual, its = rng.choice([*_words()["label " + slot].items()])
        about = (f"The {usual.replace('_', ' ')}", f"{usual.replace('_', ' ').capitalize()} of the {noun}", thing + its)
        tool.parameters.append(Parameter(slot, (label,), NUMERIC.get(slot, "string"), about, told=blank))
        english[slot] = label
        chinese[slot] = rng.choice([translated, translated, label])
    spoken = {slot: label.replace("_", " ") if rng.random() < 0.5 else label for slot, label in english.items()}
    both = {"en": (spoken, verb, noun), "zh": (chinese, done, thing)}
    for language, (labels, doing, what) in both.items():
        for prose, frames in ((False, LISTED), (True, WHOLE)):
            for frame in frames[language]:
                listed = _parts(rng, language, labels, prose)
                tool.lines.setdefault(language, []).append(
                    frame.format(verb=doing, noun=what, name=name, listed=listed)
                )
    return tool


def question(tool: Tool, slot: str, language: str) -> str:
    """Return the question for the one value that a request lacks."""
    label = next(parameter.names[0] for parameter in tool.parameters if parameter.slot == slot)
    return ASKS[language].format(label.replace("_", " "))
