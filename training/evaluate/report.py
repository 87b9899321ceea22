"""The report as Markdown: the table, the kinds of mistakes with examples, and answers as they came out, to be read."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from training.evaluate.answers import Answer, Asked
from training.evaluate.measures import TALK, Score
from training.evaluate.speed import Pace
from training.heldout.cases import LANGUAGES, Case

EXAMPLES, READ, TALKS = 2, 50, 20
NAMES = {"en": "English", "zh": "Chinese"}


@dataclass(frozen=True)
class Findings:
    """All that was found out. about: what was asked, how and when."""

    about: str
    scores: list[Score]
    paces: list[Pace]
    asked: list[Asked]


def said(answer: Answer) -> str:
    """Return an answer as it is shown: its text, its calls, or its error."""
    made = [f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})" for call in answer.calls]
    rest = "" if answer.ended or answer.error else " [did not end]"
    return (" ".join([answer.text, *made]).strip() or answer.error or "(nothing)") + rest


def talk(case: Case, answer: Answer) -> str:
    """Return a conversation as it is shown."""
    lines = [f"functions: {', '.join(tool['function']['name'] for tool in case.tools)}"] if case.tools else []
    for message in case.messages:
        told = message.get("content") or json.dumps(message.get("tool_calls"), ensure_ascii=False)
        lines.append(f"{message['role']}: {told}")
    return "\n".join([*lines, f"=> {said(answer)}"])


def fenced(text: str) -> str:
    """Return *text* as a block that shows it as it is."""
    mark = "`" * max(3, *(len(run) + 1 for run in _runs(text)))
    return f"{mark}text\n{text}\n{mark}"


def _runs(text: str) -> list[str]:
    """Return the runs of back ticks in *text*."""
    return "".join(mark if mark == "`" else " " for mark in text).split() or [""]


def _share(value: float | None) -> str:
    """Return a share as a percentage."""
    return "" if value is None else f"{100 * value:.1f} %"


def table(findings: Findings) -> str:
    """Return the table of what must be shown."""
    lines = ["| measure | aim | figure | en | zh | cases | met |", "|---|---|---|---|---|---|---|"]
    for it in findings.scores:
        aim = "report" if it.measure.aim is None else f"{'≤' if it.measure.at_most else '≥'} {_share(it.measure.aim)}"
        figure = _share(it.share()) or "not measured"
        met = {True: "yes", False: "**no**", None: ""}[it.met]
        by = " | ".join(_share(it.share(language)) for language in LANGUAGES)
        lines.append(f"| {it.measure.title} | {aim} | {figure} | {by} | {len(it.marks)} | {met} |")
    for pace in findings.paces:
        told = f"{1000 * pace.first:.0f} ms, {pace.tokens:.0f} tokens/s"
        failed = f", {pace.failed} failed" if pace.failed else ""
        title = f"first token (median), tokens a second in all, {pace.callers} at once"
        lines.append(f"| {title} | report | {told}{failed} | | | {pace.calls} | |")
    return "\n".join(lines)


def _mistakes(score: Score) -> Iterator[str]:
    """Yield the kinds of mistakes of one measure, with examples drawn at random."""
    for kind, count in score.kinds():
        yield f"- {kind}: {count}\n"
        found = [mark.asked for mark in score.marks if mark.mistake == kind]
        for it in random.Random(kind).sample(found, min(EXAMPLES, len(found))):
            right = it.case.calls or it.case.values or it.case.ticket
            wanted = f"\nright: {json.dumps(right, ensure_ascii=False)}" if right else ""
            yield fenced(talk(it.case, it.answer) + wanted) + "\n"


def _readings(asked: list[Asked], language: str) -> Iterator[str]:
    """Yield answers to be read: questions and answers of plain talk, drawn at random."""
    found = [it for it in asked if it.case.kind in TALK and it.case.language == language]
    rng = random.Random(f"read/{language}")
    yield f"\n## {READ} answers in {NAMES[language]}, drawn at random\n"
    for it in rng.sample(found, min(READ, len(found))):
        last = next(message["content"] for message in reversed(it.case.messages) if message.get("content"))
        yield fenced(f"{last}\n=> {said(it.answer)}")
    yield f"\n## {TALKS} conversations in {NAMES[language]}, of all kinds, drawn at random\n"
    every = [it for it in asked if it.case.language == language]
    for it in rng.sample(every, min(TALKS, len(every))):
        yield fenced(talk(it.case, it.answer))


def write(findings: Findings) -> str:
    """Return the whole report."""
    parts = ["# What the built-in model does\n", findings.about + "\n", table(findings), "\n## Mistakes\n"]
    for score in findings.scores:
        if score.kinds():
            parts += [f"### {score.measure.title}\n", *_mistakes(score)]
    for language in LANGUAGES:
        parts += _readings(findings.asked, language)
    return "\n".join(parts) + "\n"
