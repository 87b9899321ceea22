"""Speed: how soon the first token comes and how many follow, to one caller and to eight at once."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import openai

from training.evaluate.answers import SECONDS, Asker
from training.heldout.cases import Case

CALLERS = (1, 8)
TOKENS = 64


@dataclass(frozen=True)
class Pace:
    """What *callers* saw: median seconds to the first token, and tokens a second all together."""

    callers: int
    calls: int
    failed: int
    first: float
    tokens: float


def _stream(asker: Asker, case: Case) -> tuple[float, int] | None:
    """Return the seconds to the first piece of text and the tokens of one streamed answer; None if it failed."""
    talk: Any = list(case.messages)
    begun, first, tokens = time.perf_counter(), 0.0, 0
    try:
        stream = asker.client.chat.completions.create(
            model=asker.model,
            messages=talk,
            max_tokens=TOKENS,
            temperature=0.0,
            stream=True,
            stream_options={"include_usage": True},
            timeout=SECONDS,
        )
        for event in stream:
            if not first and event.choices and event.choices[0].delta.content:
                first = time.perf_counter() - begun
            tokens = event.usage.completion_tokens if event.usage else tokens
    except openai.OpenAIError:
        return None
    return (first or time.perf_counter() - begun), tokens


def pace(asker: Asker, cases: list[Case], callers: int) -> Pace:
    """Ask *cases* by *callers* threads and return their pace."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        found = list(pool.map(lambda case: _stream(asker, case), cases))
    lasted = time.perf_counter() - begun
    good = [it for it in found if it]
    first = statistics.median(seconds for seconds, _ in good) if good else 0.0
    return Pace(callers, len(found), len(found) - len(good), first, sum(tokens for _, tokens in good) / lasted)
