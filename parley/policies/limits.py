"""Limits and budgets: what a call needs is taken before it goes on, and settled with its row (`policies.audit`).

A call whose caller has no rules costs nothing here. For the others everything is taken in one transaction of the
database that all workers and replicas share, so the counters that are reported are those that decide. Money is held
for the worst case: first a cheap bound, and only where that does not fit the exact count of the prompt. A project that
chose `fit` gets shorter answers in place of a refusal, as long as the rest pays for at least one token.

How it fails: with RateLimited or OverBudget; with NotRecorded when the database is away, for no call goes unmetered
unless its project chose `open`: then it goes on, and that is written into the audit log when the database is back.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from parley.core.call import Call, Caller
from parley.core.catalog import Route
from parley.core.clock import Clock
from parley.core.rules import ANY, Rule, budget_counter
from parley.core.tasks import finish
from parley.errors import NotRecorded, OverBudget, RateLimited
from parley.policies import bounds
from parley.policies.unmetered import Unmetered
from parley.store.counters import DAY, MINUTE, Kind, Need, Standing, Verdict
from parley.store.ledger import Admission, Ledger, Record

_PERIODS = {"minute": MINUTE, "day": DAY}
_WORDS = {
    ("requests", "minute"): "requests per min (RPM)",
    ("requests", "day"): "requests per day (RPD)",
    ("tokens", "minute"): "tokens per min (TPM)",
    ("tokens", "day"): "tokens per day (TPD)",
    ("images", "minute"): "images per min (IPM)",
    ("audio", "minute"): "audio megabytes per min",
    ("calls", "now"): "concurrent requests",
}
# of English text to a token (OpenAI's rule of thumb): what a rate is charged until the truth is known
_CHARACTERS = 4
BUSY_SECONDS = 1.0


class Wish(msgspec.Struct):
    """What a call is about to ask, in numbers: tokens of the prompt, of each answer, and how many answers."""

    prompt: int
    answer: int
    count: int
    route: Route
    metered: bool  # whether money is limited, and tokens of the answer cost some

    @property
    def cost(self) -> int:
        """Return what it costs at most, in nano-dollars."""
        return bounds.dearest(self.route, self.prompt, self.answer * self.count)


class Limits:
    """Lets calls in."""

    def __init__(self, ledger: Ledger, clock: Clock, longest: int, unmetered: Unmetered) -> None:
        self._ledger = ledger
        self._clock = clock
        self._longest = longest  # tokens of an answer whose call does not say
        self._unmetered = unmetered

    async def admit(self, call: Call, caller: Caller, route: Route) -> None:
        """Take what *call* needs, if anything is limited. Sets `call.hold`, `call.standings`, `call.cap`.

        Raises RateLimited, OverBudget, NotRecorded.
        """
        rules = [rule for rule in caller.rules if rule.concerns(call.ask.model)]
        if not rules:
            return
        try:
            await self._admit(call, caller, route, rules)
        except NotRecorded as failure:
            if not caller.open:
                raise
            call.unmetered = True
            self._unmetered.count(caller, failure)

    async def _admit(self, call: Call, caller: Caller, route: Route, rules: list[Rule]) -> None:
        """Take what *call* needs under *rules*. Raises RateLimited, OverBudget, NotRecorded."""
        wish = self._wish(call, route, metered=any(rule.measure == "money" for rule in rules))
        verdict = await self._ask(call, caller, rules, wish)
        if _is_money(verdict.short):
            wish.prompt = await finish(asyncio.to_thread(bounds.input_count, call, route.targets[0].model))
            verdict = await self._ask(call, caller, rules, wish)
        if verdict.short is not None and _is_money(verdict.short) and caller.fit:
            wish.answer = bounds.affordable(route, _money_left(verdict), wish.prompt, wish.count)
            if wish.answer > 0:
                call.cap = wish.answer
                verdict = await self._ask(call, caller, rules, wish)
        if wish.metered and not getattr(call.ask, "echo", False):  # which comes before the answer
            call.most = wish.answer * wish.count
        call.standings[:] = verdict.standings
        if verdict.short is not None:
            raise refusal(verdict.short, call.ask.model, rules)

    def _wish(self, call: Call, route: Route, *, metered: bool) -> Wish:
        """Return what *call* asks; where money is limited and it does not say how long an answer may be, we say it."""
        answer = bounds.output_asked(call)
        priced = metered and any(target.price and target.price.output for target in route.targets)
        if answer is None and priced:
            answer = call.cap = self._longest
        return Wish(bounds.input_bound(call), answer or 0, bounds.answers(call.ask), route, priced)

    async def _ask(self, call: Call, caller: Caller, rules: list[Rule], wish: Wish) -> Verdict:
        """Ask for it; `call.hold` is noted first, for who is cut off here may have got it."""
        needs = tuple(need(rule, call, wish) for rule in rules)
        call.hold = Admission(call.id, needs, about(call, caller))
        verdict = await self._ledger.admit(call.hold)
        if verdict.short is not None:
            call.hold = None
        return verdict


def need(rule: Rule, call: Call, wish: Wish) -> Need:
    """Return what *call* needs under *rule*."""
    if rule.measure == "money":
        return Need(budget_counter(rule, call.at), Kind.MONEY, wish.cost, rule.amount)
    if rule.measure == "calls":
        return Need(rule.counter, Kind.SEATS, 1, rule.amount)
    if rule.measure == "tokens":
        asked = wish.answer * wish.count if call.cap is None else 0  # what we cap is no wish of the client's
        guess = len(call.body) // _CHARACTERS + asked
        return Need(rule.counter, Kind.RATE, max(guess, 1), rule.amount, _PERIODS[rule.period], estimated=True)
    amount = 1 if rule.measure == "requests" else 0
    return Need(rule.counter, Kind.RATE, amount, rule.amount, _PERIODS[rule.period])


def about(call: Call, caller: Caller) -> bytes:
    """Return the row of *call*, should it never be settled: what it cost is put in by who finds it."""
    record = Record(
        id=call.id,
        at=call.at,
        project=caller.project,
        key_id=caller.key_id,
        operation=call.operation,
        model_asked=call.model,
        model_answered=None,
        upstream=None,
        input_tokens=0,
        cached_tokens=0,
        output_tokens=0,
        exact=False,
        cost=0,
        price="",
        status=500,
        code="lost",
        outcome="lost",
        streamed=call.streamed,
        attempts=0,
        first_token_us=None,
        total_us=0,
    )
    return msgspec.json.encode(record)


def _money_left(verdict: Verdict) -> int:
    """Return what is left of the budget that has the least."""
    return min(one.remaining for one in verdict.standings if _is_money(one))


def _is_money(short: Standing | None) -> bool:
    return short is not None and short.need.kind is Kind.MONEY


def refusal(short: Standing, model: str, rules: Iterable[Rule]) -> RateLimited | OverBudget:
    """Return the error that tells what was *short*."""
    rule = next(rule for rule in rules if short.need.counter.startswith(rule.counter))
    whose = {"organization": "your organization", "project": "your project", "key": "this API key"}[rule.scope]
    if short.need.kind is Kind.MONEY:
        which = {"day": "daily budget", "month": "monthly budget", "ever": "budget"}[rule.period]
        of = "" if rule.model == ANY else f" for `{rule.model}`"
        return OverBudget(
            f"You exceeded your current quota: this call may cost more than is left of the {which} of {whose}{of}. "
            "Ask its administrator to raise it, or ask for a shorter answer."
        )
    used = short.need.limit - short.remaining
    seats = short.need.kind is Kind.SEATS and short.need.limit > 0
    wait = BUSY_SECONDS if seats else short.wait / 1e9
    told = f"Please try again in {seconds(wait)}." if wait else "It is more than fits at any time."
    where = f"`{model}`" if rule.model != ANY else "all models"
    return RateLimited(
        f"Rate limit reached for {where} in {whose} on {_WORDS[rule.measure, rule.period]}: "
        f"Limit {short.need.limit}, Used {used}, Requested {short.need.amount}. {told}",
        kind="tokens" if rule.measure == "tokens" else "requests",
        retry_after=wait or None,
    )


def seconds(wait: float) -> str:
    """Return *wait* as OpenAI writes times: `0s`, `12ms`, `1s`, `1m12.5s`."""
    if wait < 1:
        thousandths = round(wait * 1000)
        return f"{thousandths}ms" if thousandths > 0 else "0s"
    minutes, rest = divmod(round(wait, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + text
