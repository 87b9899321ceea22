"""The judges: each looks at a case and its answer and names the mistakes, one entry for each thing judged.

An entry is "" where it is right and the kind of mistake where it is not. Rules, no taste, and no model.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from training.evaluate.answers import Answer, Call
from training.heldout.cases import Case

Judge = Callable[[Case, Answer], list[str]]
CJK = re.compile(r"[\u3400-\u9fff]")
NO_WORD = re.compile(r"[A-Za-z0-9._-]*[@0-9][A-Za-z0-9@._-]*")  # an address, a code, a figure
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
HONEST = {
    "en": (r"(built[- ]in|small)\b.{0,20}\bmodel\b", r"\bgguf\b|\bapi key\b|\bupstream\b"),
    "zh": (r"(内置|小).{0,6}模型", r"gguf|api|密钥|上游"),
}
UNKNOWN = {
    "en": (
        r"(\bnot|n['’]t) (say|tell|state|mention|include|contain|have|know|see|find|give)",
        r"(\bnot|n['’]t) (sure|known|given|listed|stated|mentioned|included|told)\b|\bun(sure|known|listed)\b",
        r"\b(cannot|can['’]t|unable to) (say|tell|see|find|answer)",
        r"\bno (information|details?|word|note)\b|\bnothing about\b",
        r"\b(could|can|would) you (please )?(tell|give|send)|\bplease (tell|give|send)",
    ),
    "zh": (
        r"没有.{0,8}(信息|资料|说明|提|记|写|内容)|没(写|提|说|查到|找到)|未(提|写|注|知|说|给)",
        r"不(清楚|知道|确定)|(无法|不能)(确认|回答|查|告|提供)|查不到",
        r"请(您)?(告诉|提供|告知)|能否(告诉|提供|告知)",
    ),
}


def plain(text: str) -> str:
    """Return *text* as it is compared: one width and case, single spaces, no commas inside of numbers."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"(?<=\d),(?=\d{3})", "", " ".join(narrow.split()))


def holds(text: str, value: str) -> bool:
    """Say whether *value* stands in *text* whole: 14 does not stand in 140, nor in 14.5, nor Ann in Anna."""
    wanted = re.escape(plain(value))
    before = r"(?<![a-z0-9])(?<!\d[.,])" if plain(value)[0].isascii() else ""
    after = r"(?![a-z0-9]|[.,]\d)" if plain(value)[-1].isascii() else ""
    return re.search(before + wanted + after, plain(text)) is not None


def same(found: Any, right: Any) -> bool:
    """Say whether an argument is right: numbers by their value, texts letter by letter but for case and blanks."""
    if isinstance(found, bool) or isinstance(right, bool):
        return found is right
    if isinstance(found, int | float) and isinstance(right, int | float):
        return float(found) == float(right)
    return isinstance(found, str) and isinstance(right, str) and plain(found) == plain(right)


def failed(answer: Answer) -> str:
    """Return why *answer* is none: the call failed, it ran on to the limit, or it is empty."""
    if answer.error:
        return "call failed"
    if not answer.ended:
        return "did not end"
    return "" if answer.text.strip() or answer.calls else "empty"


def honest(text: str, language: str = "") -> bool:
    """Say whether *text* is the honest sentence: names the small built-in model, and how to connect a bigger one."""
    told = plain(text)
    return any(all(re.search(part, told) for part in parts) for key, parts in HONEST.items() if language in ("", key))


def _compared(call: Call, right: dict[str, Any]) -> str:
    """Return what is wrong with the arguments of *call*, the worst first."""
    wanted: dict[str, Any] = right["arguments"]
    if call.arguments is None:
        return "arguments not JSON"
    if wanted.keys() - call.arguments.keys():
        return "missing argument"
    if call.arguments.keys() - wanted.keys():
        return "extra argument"
    wrong = [key for key, value in wanted.items() if not same(call.arguments[key], value)]
    return "wrong value" if wrong else ""


def calls(case: Case, answer: Answer) -> list[str]:
    """Judge calls: exactly the functions wanted, in any order, with exactly the arguments wanted."""
    if answer.error or not answer.ended:
        return [failed(answer)]
    if not answer.calls:
        return ["no call"]
    if len(answer.calls) != len(case.calls):
        return ["too many calls" if len(answer.calls) > len(case.calls) else "too few calls"]
    left = list(answer.calls)
    worst = ""
    for right in case.calls:
        fitting = [it for it in left if it.name == right["name"]]
        if not fitting:
            return ["wrong tool"]
        best = min(fitting, key=lambda it: len(_compared(it, right)))
        left.remove(best)
        worst = worst or _compared(best, right)
    return [worst]


def tool(case: Case, answer: Answer) -> list[str]:
    """Judge the choice alone: the functions wanted were called, whatever the arguments."""
    if answer.error or not answer.ended:
        return [failed(answer)]
    if not answer.calls:
        return ["no call"]
    right = sorted(it["name"] for it in case.calls) == sorted(it.name for it in answer.calls)
    return ["" if right else "wrong tool"]


def silence(_: Case, answer: Answer) -> list[str]:
    """Judge that nothing was called, and that there is an answer which ends."""
    return ["called something" if answer.calls else failed(answer)]


def values(case: Case, answer: Answer) -> list[str]:
    """Judge that the values stand in the answer, and that it does not just recite the whole passage."""
    if fault := failed(answer):
        return [fault]
    if answer.calls:
        return ["called something"]
    if honest(answer.text):
        return ["honest sentence"]
    if not all(holds(answer.text, value) for value in case.values):
        return ["another fact" if any(holds(answer.text, it) for it in case.others) else "value not told"]
    recited = len(case.others) > 1 and all(holds(answer.text, it) for it in case.others)
    return ["whole passage" if recited else ""]


def unknown(case: Case, answer: Answer) -> list[str]:
    """Judge that the answer says or asks what is not given, and gives no value of the passage or of its own."""
    if fault := failed(answer):
        return [fault]
    if honest(answer.text):
        return ["honest sentence"]
    if any(holds(answer.text, it) for it in case.others):
        return ["another fact"]
    if set(re.findall(r"\d+", answer.text)) - set(re.findall(r"\d+", case.messages[-1]["content"])):
        return ["invented a number"]
    told = plain(answer.text)
    return ["" if any(re.search(sign, told) for sign in UNKNOWN[case.language]) else "does not say so"]


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a ticket with those of its entities as `entities.x`."""
    inner = found.get("entities")
    return found | ({f"entities.{key}": value for key, value in inner.items()} if isinstance(inner, dict) else {})


def fields(case: Case, answer: Answer) -> list[str]:
    """Judge each field of a ticket; where there is no JSON object, every field is wrong. The summary is not judged."""
    fault = "" if not (answer.error or not answer.ended) else failed(answer)
    try:
        found = {} if fault else _flat(json.loads(answer.text))
    except (ValueError, AttributeError):
        fault, found = "not a JSON object", {}
    wrong = [f"{fault or 'wrong'}: {key.split('.')[0]}" for key in case.ticket]
    right = [same(found.get(key), value) for key, value in case.ticket.items()]
    return ["" if good else kind for good, kind in zip(right, wrong, strict=True)]


def whole(case: Case, answer: Answer) -> list[str]:
    """Judge a ticket as a whole: every field right."""
    wrong = [mistake for mistake in fields(case, answer) if mistake]
    return [wrong[0] if wrong else ""]


def language(case: Case, answer: Answer) -> list[str]:
    """Judge the script: mostly Chinese characters for Chinese, few for English; figures alone are right."""
    if answer.error or not answer.text.strip():
        return [failed(answer) or "empty"]
    spoken = NO_WORD.sub(" ", answer.text)
    chinese, latin = len(CJK.findall(spoken)), len(WORD.findall(spoken))
    if not chinese + latin:
        return [""]
    share = chinese / (chinese + latin)
    good = share > 0.5 if case.language == "zh" else share < 0.4
    return ["" if good else "another language"]


def outside(case: Case, answer: Answer) -> list[str]:
    """Judge that the answer is the honest sentence, in the user's language."""
    if fault := failed(answer):
        return [fault]
    if honest(answer.text, case.language):
        return [""]
    return ["in another language" if honest(answer.text) else "something else"]


def inside(_: Case, answer: Answer) -> list[str]:
    """Judge that a question of the job was not turned away by the honest sentence."""
    return ["call failed" if answer.error else "honest sentence" if honest(answer.text) else ""]
