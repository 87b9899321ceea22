"""Certainty: a small model calls a function only where it is sure to, when its file says how sure (`parley.certain`).

What it does first tells whether it calls: a call begins with a thought. The likeliest beginning need not be likely, and
where no function fits it mostly is not; so the model is asked for the first token alone, and if a call is not likely
enough it answers in words. The engine keeps what it read of the prompt for the request that follows.
"""

import math
from typing import Any

import msgspec

from parley.upstreams.providers.local.asking import Plan
from parley.upstreams.providers.local.telling import TEXT

THOUGHT = "<"
IN_WORDS = f"%llguidance {{}}\nstart: TEXT\n{TEXT}"
FIRST = {"stream": False, "max_tokens": 1, "temperature": 0, "n": 1, "logprobs": True, "top_logprobs": 1}


def chooses(plan: Plan) -> bool:
    """Return whether *plan* leaves it to the model whether it calls a function, by a form."""
    return plan.forms is not None and plan.record is None and not plan.required


def first_token(plan: Plan) -> Plan:
    """Return the request for what the model of *plan* would begin with."""
    kept = {name: it for name, it in plan.body.items() if name not in ("stream_options", "timings_per_token", "stop")}
    return Plan(kept | FIRST)


def sure(answer: bytes, least: float) -> bool:
    """Return whether what *answer* begins with is a call whose chance is at least *least*, from 0 to 1."""
    token = _first(msgspec.json.decode(answer))
    return token is None or (token["token"] == THOUGHT and math.exp(token["logprob"]) >= least)


def _first(answer: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first token of *answer*, None where the engine told none."""
    told = (answer["choices"][0].get("logprobs") or {}).get("content")
    return told[0] if told else None


def in_words(plan: Plan) -> Plan:
    """Return *plan* for an answer in words, whatever its functions."""
    return msgspec.structs.replace(plan, body={**plan.body, "grammar": IN_WORDS})
