"""Conversations with functions: known ones in many disguises, and ones invented on the spot.

What is to be learnt is to read: which function fits, which words of the request belong to which argument,
what the result says, and that nothing is called when nothing fits.
"""

import random
import re
from typing import Any

from training.chat import Conversation, Turn, dumps
from training.guises import Guise, Tool, bare, described, dress, parts, tools
from training.invented import KINDS, NOUNS, VERBS, invented, question
from training.results import result
from training.service import outside_pair, pair, roughen, system, topics
from training.templates.spin import SLOT, fill, plain, spin
from training.templates.values import Values, word

__all__ = ["KINDS", "NOUNS", "VERBS", "call", "choose", "no_call", "several", "tools"]
AGAIN = {
    "en": ("and {}?", "what about {}?", "how about {}?", "now {} please", "the same for {}"),
    "zh": ("{}呢？", "那{}呢？", "换成{}", "再查一下{}"),
}
SAFE = [
    "greet",
    "who",
    "ability",
    "thanks",
    "bye",
    "ok",
    "return",
    "return_cost",
    "password",
    "login",
    "hours",
    "coupon",
    "payment",
    "warranty",
    "deploy",
    "docker",
    "parley",
    "account",
    "gift",
    "privacy",
]
CLASHES = re.compile(
    "weather|time|clock|song|music|play|transl|quote|stock|currency|rate|add|sum|calc|multip|search|look|find"
)
CATCHALL = re.compile("search|find|look|ticket|human|agent|handover|escalate|complain|callback|call_back|support|faq")
SMALL = ("greet", "who", "thanks", "bye", "ok")
BOTH = {
    "en": ("{} Also, {}", "{} And {}", "{} Also {}", "{} After that, {}", "First: {} Second: {}", "{} And then {}",
           "{} Oh, and {}", "{} Then {}"),
    "zh": ("{}，另外，{}", "{}，顺便{}", "{}。还有，{}", "{}，然后{}", "{}，再{}", "先{}，再{}", "{}；同时{}"),
}  # fmt: skip
PROBES = {
    "en": ("Which {}?", "What {} would you like?", "And the {}?", "Could you tell me the {}?", "Any wish for the {}?"),
    "zh": ("请问{}？", "{}是什么？", "{}呢？", "请告诉我{}。", "您要的{}是？"),
}
GIVEN = {
    "en": ("{}", "{} please", "it's {}", "make it {}", "I would like {}.", "{}, if possible.", "I think {}"),
    "zh": ("{}", "{}吧", "是{}", "要{}", "{}，谢谢", "就{}"),
}
NONE = {"en": "I am sorry, I have no function for that.", "zh": "抱歉，我没有可以完成这件事的功能。"}


def _akin(tool: Tool) -> list[Tool]:
    """Return the functions that take a value of the kind that *tool* takes first."""
    slots = {parameter.slot for parameter in tool.parameters[:2]}
    return [other for other in tools() if other is not tool and slots & {p.slot for p in other.parameters}]


def _others(
    rng: random.Random, language: str, tool: Tool | None, guises: tuple[Guise, ...], most: int = 3
) -> tuple[Any, ...]:
    """Return the functions on offer: *guises* among at most *most* others, half of them akin to *tool*."""
    count = min(most, rng.choices((0, 1, 2, 3), (6, 12, 12, 10))[0]) or (not guises)
    akin = _akin(tool) if tool else []
    schemas = []
    for _ in range(count):
        if rng.random() < 0.2:
            schemas.append(dress(invented(rng), rng, language).schema)
        else:
            schemas.append(dress(rng.choice(akin if akin and rng.random() < 0.5 else tools()), rng, language).schema)
    taken = {bare(name) for name in (*(guise.schema["name"] for guise in guises), *(tool.names if tool else ()))}
    offered = [guise.schema for guise in guises] + [it for it in schemas if bare(it["name"]) not in taken]
    rng.shuffle(offered)
    return tuple({schema["name"]: schema for schema in offered}.values())


def _some(rng: random.Random) -> Tool:
    """Return a function to ask for."""
    return rng.choice(tools()) if rng.random() < 0.58 else invented(rng)


def _line(tool: Tool, guise: Guise, rng: random.Random, language: str) -> tuple[str, list[str]]:
    """Return the template of a request that has all that *guise* requires, and its slots.

    It is mostly one of the first lines, which say it in the words of the description.
    """
    needed = {p.slot for p in tool.parameters if not p.optional}
    lines, slots = tool.of(language), list[str]()
    shares = [1 / (2 + number) for number in range(len(lines))]
    for _ in range(40):
        line = spin(rng.choices(lines, shares)[0], rng)
        slots = SLOT.findall(line)
        if needed <= set(slots) and (not slots or any(slot in guise.names for slot in slots)):
            break
    return line, slots


def _request(tool: Tool, guise: Guise, rng: random.Random, values: Values) -> tuple[str, dict[str, str]]:
    """Return a request and the values *guise* takes of it; details it has no argument for are left out."""
    line, slots = _line(tool, guise, rng, values.language)
    text = fill(roughen(line, rng, values.language), values)
    return text, {slot: values(slot) for slot in slots if slot in guise.names}


def _again(tool: Tool, guise: Guise, rng: random.Random, language: str) -> list[Turn]:
    """Ask the same once more for another value, where the function needs only one."""
    needed = [parameter for parameter in tool.parameters if not parameter.optional]
    if len(needed) != 1:
        return []
    values = Values(rng, language)
    slot = needed[0].slot
    asked = rng.choice(AGAIN[language]).format(values(slot))
    call = guise.call({slot: values(slot)})
    answered, said = result(tool, values)
    turns = [Turn("user", asked), Turn("assistant", calls=(call,))]
    return turns if rng.random() < 0.4 else [*turns, Turn("tool", answered), Turn("assistant", said)]


def _both(rng: random.Random, language: str, start: list[Turn]) -> Conversation:
    """Return a conversation in which one message asks for two functions."""
    asked, calls, guises, answers = [], [], [], []
    first: Tool | None = None
    while len(guises) < 2:
        tool = _some(rng)
        guise, values = dress(tool, rng, language), Values(rng, language)
        if tool is first or (guises and guise.schema["name"] == guises[0].schema["name"]):
            continue
        line, slots = _line(tool, guise, rng, language)
        text = fill(line, values)
        asked.append(text[:1].lower() + text[1:] if text[:2].istitle() and asked and not line.startswith("<") else text)
        calls.append(guise.call({slot: values(slot) for slot in slots if slot in guise.names}))
        answers.append(result(tool, values))
        guises.append(guise)
        first = tool
    if language == "en":
        asked[0] = asked[0] if asked[0].endswith(("?", ".", "!")) else asked[0] + "."
    else:
        asked[0] = asked[0].rstrip("。？?！")
    turns = [*start, Turn("user", rng.choice(BOTH[language]).format(*asked)), Turn("assistant", calls=tuple(calls))]
    return Conversation(_told(rng, turns, answers), _others(rng, language, first, tuple(guises), 1))


def _told(rng: random.Random, turns: list[Turn], answers: list[tuple[str, str]]) -> tuple[Turn, ...]:
    """Return *turns*, mostly with the results of two calls and the sentence about both."""
    if rng.random() < 0.5:
        return tuple(turns)
    told = [Turn("tool", text) for text, _ in answers]
    return (*turns, *told, Turn("assistant", " ".join(said for _, said in answers)))


def _twice(rng: random.Random, language: str, start: list[Turn]) -> Conversation:
    """Return a conversation in which one message asks for the same function with two values."""
    fitting = [tool for tool in tools() if sum(not p.optional for p in tool.parameters) == 1]
    tool = rng.choice([*fitting, *(it for it in (invented(rng) for _ in range(9)) if len(it.parameters) == 1)])
    guise, (one, other) = dress(tool, rng, language), (Values(rng, language), Values(rng, language))
    slot = next(p.slot for p in tool.parameters if not p.optional)
    lines = [_line(tool, guise, rng, language)[0] for _ in range(20)]
    line = next((it for it in lines if SLOT.findall(it) == [slot]), "")
    joiner = rng.choice({"en": (" and ", " and ", ", and "), "zh": ("和", "、", "以及")}[language])
    if not line or one(slot) == other(slot) or slot in ("count", "task"):
        return _both(rng, language, start)
    text = line.replace(f"<{slot}>", one(slot) + joiner + other(slot))
    calls = tuple(guise.call({slot: values(slot)}) for values in (one, other))
    turns = [*start, Turn("user", text), Turn("assistant", calls=calls)]
    answers = [result(tool, values) for values in (one, other)]
    return Conversation(_told(rng, turns, answers), _others(rng, language, tool, (guise,), 2))


def _listed(rng: random.Random, language: str, start: list[Turn]) -> Conversation | None:
    """Return a conversation in which a function takes a list, of one to four values; None where the request is odd."""
    tool = _some(rng)
    guise, values = dress(tool, rng, language), Values(rng, language)
    line, slots = _line(tool, guise, rng, language)
    fitting = [slot for slot in guise.names if slots.count(slot) == 1 and slot not in ("count", "task")]
    properties = guise.schema["parameters"]["properties"]
    fitting = [it for it in fitting if properties[guise.names[it]].get("type") == "string"]
    if not fitting:
        return None
    chosen = rng.choice(fitting)
    found = [*dict.fromkeys(Values(rng, language)(chosen) for _ in range(rng.choices((1, 2, 3, 4), (2, 4, 3, 1))[0]))]
    name, declared = guise.names[chosen], properties[guise.names[chosen]]
    if "enum" in declared or any(re.search(" and |[,;，、；和]", it) for it in found):
        return None
    properties[name] = {"type": "array", "items": {"type": "string"}} | {
        key: it for key, it in declared.items() if key == "description"
    }
    joiner, last = rng.choice({"en": ((", ", " and "), (", ", ", and "), (", ", ", "), (" and ", " and ")),
                               "zh": (("、", "和"), ("，", "和"), ("、", "、"), ("和", "和"))}[language])  # fmt: skip
    said = joiner.join(found[:-1]) + last + found[-1] if found[1:] else found[0]
    text = fill(roughen(line, rng, language), lambda slot: said if slot == chosen else values(slot))
    call = guise.call({slot: values(slot) for slot in slots if slot in guise.names and slot != chosen})
    call["arguments"] = {key: found if key == name else call["arguments"].get(key) for key in properties}
    call["arguments"] = {key: it for key, it in call["arguments"].items() if it is not None}
    turns = (*start, Turn("user", text), Turn("assistant", calls=(call,)))
    return Conversation(turns, _others(rng, language, tool, (guise,), 2))


def _filled(tool: Tool, guise: Guise, rng: random.Random, language: str) -> list[Turn]:
    """Ask for a function without its values, which are asked for one by one, and then the call with all of them.

    The questions are only read: nothing tells which comes next. What is wanted stands in the first message alone.
    """
    values = Values(rng, language)
    wished = tool.of(language + "~") or [f"I want to {tool.about[0].lower()}" if language == "en" else tool.about[-1]]
    turns = [Turn("user", roughen(spin(rng.choice(wished), rng), rng, language))]
    slots = [*guise.names]
    rng.shuffle(slots)
    for slot in slots:
        label = guise.names[slot].replace("_", " ")
        turns.append(Turn("assistant", rng.choice(PROBES[language]).format(label), heard=True))
        turns.append(Turn("user", rng.choice(GIVEN[language]).format(values(slot))))
    return [*turns, Turn("assistant", calls=(guise.call({slot: values(slot) for slot in slots}),))]


def call(rng: random.Random, language: str) -> Conversation:
    """Return a conversation with a call in it, and mostly its result."""
    turns = list(system(rng, language)) if rng.random() < 0.6 else []
    if rng.random() < 0.28:
        return (_twice if rng.random() < 0.3 else _both)(rng, language, turns)
    if rng.random() < 0.08 and (listed := _listed(rng, language, turns)):
        return listed
    tool = _some(rng)
    guise, values = dress(tool, rng, language), Values(rng, language)
    if rng.random() < 0.12:
        turns.extend(pair(rng.choice(topics(language)), rng, language))
    if guise.names and rng.random() < 0.3:
        return Conversation((*turns, *_filled(tool, guise, rng, language)), _others(rng, language, tool, (guise,)))
    request, given = _request(tool, guise, rng, values)
    made = guise.call(given)
    if rng.random() < 0.05:  # forced where no form holds it: JSON of the arguments, or of name and arguments
        text = dumps(made["arguments"] if rng.random() < 0.7 else made)
        turns += [Turn("user", request), Turn("assistant", text, forced=True)]
        return Conversation(tuple(turns), _others(rng, language, tool, (guise,)))
    turns += [Turn("user", request), Turn("assistant", calls=(made,))]
    if rng.random() < 0.6:
        answered, said = result(tool, values)
        turns += [Turn("tool", answered), Turn("assistant", said)]
        if rng.random() < 0.2:
            turns += _again(tool, guise, rng, language)
        elif rng.random() < 0.12:
            thanks = next(topic for topic in topics(language) if topic.name == "thanks")
            turns.extend(pair(thanks, rng, language))
    return Conversation(tuple(turns), _others(rng, language, tool, (guise,)))


def _lacking(tool: Tool, guise: Guise, rng: random.Random, language: str) -> list[Turn]:
    """Return a request that lacks a value, the question for it, and mostly the call once it is given."""
    values, slot = Values(rng, language), tool.parameters[0].slot
    needed = {p.slot for p in tool.parameters if not p.optional}
    guise.schema["parameters"]["required"] = [guise.names[it] for it in guise.names if it in needed | {slot}]
    turns = [Turn("user", roughen(spin(rng.choice(tool.of(language + "~")), rng), rng, language))]
    turns.append(Turn("assistant", plain(tool.of(language + "^")[0]), lacks=guise.call({})))
    if slot in guise.names and needed <= {slot} and rng.random() < 0.6:
        turns += [Turn("user", values(slot)), Turn("assistant", calls=(guise.call({slot: values(slot)}),))]
    return turns


def _bare(tool: Tool, guise: Guise, rng: random.Random, language: str) -> list[Turn]:
    """Ask for an invented function with all values but one, which is asked for and mostly given."""
    values = Values(rng, language)
    guise.schema["parameters"]["required"] = list(guise.names.values())
    slots = [parameter.slot for parameter in tool.parameters]
    lacks = rng.choice(slots)
    listed = [f"{guise.names[slot]} <{slot}>" for slot in slots if slot != lacks]
    said = (", " if language == "en" else "，").join([tool.about[0 if language == "en" else 2], *listed])
    turns = [Turn("user", fill(roughen(said, rng, language), values))]
    given = {slot: values(slot) for slot in slots}
    known = guise.call({slot: value for slot, value in given.items() if slot != lacks})
    turns.append(Turn("assistant", question(tool, lacks, language), lacks=known))
    if rng.random() < 0.7:
        turns += [Turn("user", values(lacks)), Turn("assistant", calls=(guise.call(given),))]
    return turns


def _unfit(offered: list[dict[str, Any]], rng: random.Random, language: str) -> list[Turn]:
    """Return a request for a function that is not among *offered*, and the sentence that says so."""
    words = {part for schema in offered for part in parts(schema["name"])}
    tool = _some(rng)
    while any(words & set(parts(name)) for name in tool.names):
        tool = _some(rng)
    text, _ = _request(tool, dress(tool, rng, language), rng, Values(rng, language))
    return [Turn("user", text), Turn("assistant", NONE[language], declines=True)]


def _aside(offered: list[dict[str, Any]], rng: random.Random, language: str) -> list[Turn]:
    """Return what is said without any function: small talk, a question about the shop, or one outside the job."""
    names = SMALL if rng.random() < 0.4 or any(CLASHES.search(it["name"]) for it in offered) else SAFE
    if names is SAFE and rng.random() < 0.3:
        return [*outside_pair(rng, language)]
    return [*pair(rng.choice([topic for topic in topics(language) if topic.name in names]), rng, language)]


def no_call(rng: random.Random, language: str) -> Conversation:
    """Return a conversation with functions of which none is to be called (yet)."""
    turns = list(system(rng, language)) if rng.random() < 0.6 else []
    share = rng.random()
    if share < 0.25:
        tool = rng.choice([it for it in tools() if it.of(language + "~")]) if share < 0.15 else invented(rng)
        guise = dress(tool, rng, language)
        turns += (_lacking if share < 0.15 else _bare)(tool, guise, rng, language)
        return Conversation(tuple(turns), _others(rng, language, tool, (guise,), 2))
    offered = [it for it in _others(rng, language, None, ()) if share > 0.7 or not CATCHALL.search(it["name"])]
    offered = offered or [dress(invented(rng), rng, language).schema]
    turns += (_unfit if share < 0.7 else _aside)(offered, rng, language)
    return Conversation(tuple(turns), tuple(offered))


def several(rng: random.Random, language: str) -> Conversation:
    """Return a conversation in which functions are called and not called by turns, all of them on offer throughout."""
    turns = list(system(rng, language)) if rng.random() < 0.6 else []
    pairs: list[tuple[Tool, Guise]] = []
    while len(pairs) < 2 or (len(pairs) < 4 and rng.random() < 0.45):
        tool = _some(rng)
        guise = dress(tool, rng, language)
        if all(tool is not other and guise.schema["name"] != its.schema["name"] for other, its in pairs):
            pairs.append((tool, guise))
    offered = [guise.schema for _, guise in pairs]
    catch = any(CATCHALL.search(schema["name"]) for schema in offered)
    for _ in range(rng.choices((1, 2, 3), (3, 4, 2))[0]):
        (tool, guise), share = rng.choice(pairs), rng.random()
        if share < 0.18 and not catch:
            turns += _unfit(offered, rng, language)
        elif share < 0.27:
            turns += _aside(offered, rng, language)
        elif share < 0.34 and tool.of(language + "~"):
            turns += _lacking(tool, guise, rng, language)
        else:
            values = Values(rng, language)
            request, given = _request(tool, guise, rng, values)
            turns += [Turn("user", request), Turn("assistant", calls=(guise.call(given),))]
            if rng.random() < 0.35:
                answered, said = result(tool, values)
                turns += [Turn("tool", answered), Turn("assistant", said)]
    return Conversation(tuple(turns), tuple(offered))


def choose(rng: random.Random, language: str) -> Conversation:
    """Return a request or two for functions without arguments: nothing is learnt of it but to choose.

    Half of the functions have names that say nothing, so that a name is found by what is said of it.
    """
    known = [_some(rng) for _ in range(rng.randint(3, 6))]
    empty = {"type": "object", "properties": {}}
    offered = [
        dress(tool, rng, language).schema | {"description": described(tool.about, rng, language), "parameters": empty}
        for tool in known
    ]
    named = [it | {"name": word(rng).lower()} if rng.random() < 0.5 else it for it in offered]
    if len({it["name"] for it in named}) < len(named):
        return choose(rng, language)
    turns: list[Turn] = []
    for _ in range(rng.choices((1, 2), (3, 1))[0]):
        if rng.random() < 0.12:
            turns += _unfit(offered, rng, language)
            continue
        tool, schema = rng.choice([*zip(known, named, strict=True)])
        text, _ = _request(tool, dress(tool, rng, language), rng, Values(rng, language))
        turns += [Turn("user", text), Turn("assistant", calls=({"name": schema["name"], "arguments": {}},))]
    return Conversation(tuple(turns), tuple(named))
