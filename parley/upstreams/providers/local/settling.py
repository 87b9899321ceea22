"""Settling: which of two arguments that are made of the same words is right, is asked of the model itself.

It fills in the form again, once with each of the two made of something else; the likelier form is the one to tell. A
way of two that say the same ("to Lyon, and the bill too") stays, where it is likelier by far.
"""

import math

import msgspec

from parley.upstreams.providers.local.asking import Plan
from parley.upstreams.providers.local.filling import ClashError
from parley.upstreams.providers.local.forms import form_grammar
from parley.upstreams.providers.local.quoting import counted, quotable, rest

MARGIN = 8.0
"""Logarithm of how much likelier a form has to be in which two arguments are made of the same words."""
ROUNDS = 3
"""How often one call is settled: there may be other arguments alike."""
WHOLE = {"stream": False, "temperature": 0, "logprobs": True, "top_logprobs": 1}
STREAMED = ("stream_options", "timings_per_token")


def alternatives(plan: Plan, clash: ClashError) -> list[Plan]:
    """Return *plan* as it is, with nothing more to settle, and with either of the two arguments made of other words.

    Where nothing else was said that it could be made of, there is no such way.
    """
    found = [msgspec.structs.replace(plan, said="")]
    for name, other in (clash.names, clash.names[::-1]):
        place = (clash.form, name)
        gone = [*plan.without.get(place, ()), clash.texts[other]]
        if not _remains(plan, place, gone):
            continue
        without = {**plan.without, place: gone}
        single = plan.single or plan.required
        text = form_grammar(plan.forms or {}, plan.said, forced=True, single=single, without=without)
        found.append(msgspec.structs.replace(plan, body={**plan.body, "grammar": text}, without=without))
    return found


def _remains(plan: Plan, place: tuple[str, str], gone: list[str]) -> bool:
    """Return whether without what is *gone* anything was said that the argument at *place* could be."""
    form = (plan.forms or {})[place[0]]
    [field] = [it for it in form.fields if it.name == place[1]]
    return (quotable if field.schema["type"] == "string" else counted)(rest(plan.said, gone))


def whole(plan: Plan) -> Plan:
    """Return the request for a whole answer to *plan*, and how likely it is."""
    return Plan({name: it for name, it in plan.body.items() if name not in STREAMED} | WHOLE)


def likeliest(plans: list[Plan], answers: list[bytes]) -> Plan:
    """Return which of *plans*, as `alternatives` returns them, to go on with, by the *answers* to each."""
    first, *others = map(_likelihood, answers)
    best = max(others, default=-math.inf)
    return plans[0] if first > best + MARGIN else plans[1 + others.index(best)]


def _likelihood(answer: bytes) -> float:
    """Return the logarithm of how likely *answer* is, token by token."""
    logprobs = msgspec.json.decode(answer)["choices"][0].get("logprobs") or {}
    return float(sum(token["logprob"] for token in logprobs.get("content") or ()))
