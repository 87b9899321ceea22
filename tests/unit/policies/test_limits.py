"""Limits and budgets, as a call meets them."""

from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from parley.core.call import Call, Caller
from parley.core.catalog import Route, Target
from parley.core.money import Price
from parley.core.rules import Rule, budget_counter
from parley.errors import NotRecorded, OverBudget, RateLimited
from parley.policies.limits import Limits, seconds
from parley.policies.unmetered import Unmetered
from parley.schema import chat
from parley.schema.reading import read
from parley.store.counters import Change, debt, settlement
from parley.testing import START, FakeClock, FakeLedger, a_call

PRICE = Price(input=1_000_000_000, output=2_000_000_000, cached_input=0, source="test")  # 1,000 and 2,000 a token
ROUTE = Route((Target("up", "m", PRICE),))
REQUESTS = Rule("project", "p", "*", "requests", "minute", 2)
TOKENS = Rule("project", "p", "*", "tokens", "minute", 1_000)


def money(amount: int) -> Rule:
    """Return a monthly budget of *amount* nano-dollars."""
    return Rule("project", "p", "*", "money", "month", amount)


def ask(**more: Any) -> Call:
    """Return a call that was read."""
    call = a_call({"model": "gpt-4", "messages": [{"role": "user", "content": "Hello"}], **more})
    call.take(read(call.body, chat.DECODER))
    return call


def caller(*rules: Rule, fit: bool = False) -> Caller:
    """Return a caller under *rules*."""
    return Caller("key_1", "default", "sk", fit=fit, rules=rules)


@pytest.fixture
def ledger() -> FakeLedger:
    """Return a ledger in memory."""
    return FakeLedger()


@pytest.fixture
def limits(ledger: FakeLedger) -> Limits:
    """Return limits over it."""
    return Limits(ledger, FakeClock(), 100, Unmetered(FakeClock()))


async def test_a_caller_without_rules_asks_nobody(limits: Limits, ledger: FakeLedger) -> None:
    """Nothing is held, and a database that is away does no harm."""
    ledger.broken = True
    assert await limits.admit(ask(), caller(), ROUTE) is None


async def test_a_rule_for_another_model_is_none(limits: Limits, ledger: FakeLedger) -> None:
    """Only the model that is asked for counts."""
    await limits.admit(ask(), caller(Rule("project", "p", "gpt-5", "requests", "minute", 0)), ROUTE)
    assert not ledger.counters


async def test_the_third_of_two_requests_is_told_when_to_come_back(limits: Limits) -> None:
    """In OpenAI's words, with the seconds."""
    for _ in range(2):
        await limits.admit(ask(), caller(REQUESTS), ROUTE)
    with pytest.raises(RateLimited, match=r"Limit 2, Used 2, Requested 1\. Please try again in 30s\.") as caught:
        await limits.admit(ask(), caller(REQUESTS), ROUTE)
    assert (caught.value.error_type, caught.value.retry_after) == ("requests", 30)


async def test_tokens_are_guessed_and_then_known(limits: Limits, ledger: FakeLedger) -> None:
    """What was guessed too high is there again once the call is settled."""
    call = ask(max_tokens=900)
    await limits.admit(call, caller(TOKENS), ROUTE)
    with pytest.raises(RateLimited, match="tokens per min") as caught:
        await limits.admit(ask(max_tokens=900), caller(TOKENS), ROUTE)
    assert caught.value.error_type == "tokens"
    (change,) = settlement(call.hold.needs, cost=0, tokens=20)
    ledger.counters[change.counter].value += change.value
    await limits.admit(ask(max_tokens=900), caller(TOKENS), ROUTE)


async def test_more_tokens_than_fit_at_any_time_are_told_so(limits: Limits) -> None:
    """Waiting would not help, so no time is named."""
    with pytest.raises(RateLimited, match="more than fits at any time") as caught:
        await limits.admit(ask(max_tokens=5_000), caller(TOKENS), ROUTE)
    assert caught.value.retry_after is None


async def test_the_worst_case_is_held(limits: Limits, ledger: FakeLedger) -> None:
    """Each byte of the request as a token, and the longest answer."""
    call = ask(max_tokens=10)
    rule = money(10**12)
    await limits.admit(call, caller(rule), ROUTE)
    assert ledger.counters[budget_counter(rule, START)].held == len(call.body) * 1_000 + 10 * 2_000


async def test_what_the_bound_does_not_fit_is_counted(limits: Limits, ledger: FakeLedger) -> None:
    """The prompt has some ten tokens, its body some seventy bytes."""
    call = ask(max_tokens=10)
    rule = money(len(call.body) * 1_000)
    await limits.admit(call, caller(rule), ROUTE)
    assert ledger.counters[budget_counter(rule, START)].held < 40_000


async def test_a_call_that_may_cost_more_than_is_left_is_refused(limits: Limits, ledger: FakeLedger) -> None:
    """And nothing is held for it."""
    with pytest.raises(OverBudget):
        await limits.admit(ask(max_tokens=1_000), caller(money(100_000)), ROUTE)
    assert not ledger.holds


async def test_a_project_that_fits_gets_a_shorter_answer(limits: Limits, ledger: FakeLedger) -> None:
    """As long as the rest pays for; and never more than is left."""
    rule = money(100_000)
    call = ask(max_tokens=1_000)
    await limits.admit(call, caller(rule, fit=True), ROUTE)
    assert call.cap is not None
    assert 30 < call.cap < 50
    assert 98_000 < ledger.counters[budget_counter(rule, START)].held <= 100_000


async def test_a_budget_that_pays_for_no_token_refuses_all_the_same(limits: Limits) -> None:
    """There is nothing to fit."""
    with pytest.raises(OverBudget):
        await limits.admit(ask(max_tokens=1_000), caller(money(1_000), fit=True), ROUTE)


async def test_an_answer_without_a_limit_gets_ours(limits: Limits) -> None:
    """A budget has to hold something: the upstream is told how long the answer may be."""
    call = ask()
    await limits.admit(call, caller(money(10**12)), ROUTE)
    assert call.cap == 100


async def test_what_costs_nothing_is_not_capped(limits: Limits) -> None:
    """A free model needs no budget."""
    call = ask()
    await limits.admit(call, caller(money(0)), Route((Target("local", "m", Price(0, 0, 0, "free")),)))
    assert call.cap is None


async def test_the_dearest_target_counts(limits: Limits, ledger: FakeLedger) -> None:
    """The call may be answered by the stand-in, which costs ten times as much."""
    dear = Target("dear", "m", Price(10_000_000_000, 20_000_000_000, 0, "test"))
    rule = money(10**12)
    call = ask(max_tokens=10, n=2)
    await limits.admit(call, caller(rule), Route((*ROUTE.targets, dear)))
    assert ledger.counters[budget_counter(rule, START)].held == (len(call.body) + 40) * 10_000


async def test_no_call_goes_unmetered(limits: Limits, ledger: FakeLedger) -> None:
    """A database that is away refuses it."""
    ledger.broken = True
    with pytest.raises(NotRecorded):
        await limits.admit(ask(), caller(REQUESTS), ROUTE)


async def test_an_open_project_goes_on_and_pays_later(limits: Limits, ledger: FakeLedger) -> None:
    """The call is let in without its limits; what it cost is booked, and the audit log hears how many there were."""
    ledger.broken = True
    rule, call = money(10**9), ask()
    mine = msgspec.structs.replace(caller(rule, REQUESTS), open=True, project_id="proj_1")
    with capture_logs() as lines:
        await limits.admit(call, mine, ROUTE)
        await limits.admit(ask(), mine, ROUTE)
    assert call.unmetered
    assert [line["event"] for line in lines] == ["the database is away: calls go on without limits"]
    name = budget_counter(rule, START)
    assert debt(call.hold.needs, 70) == (Change(name, 70, 0),)


async def test_the_standings_are_noted(limits: Limits) -> None:
    """Also those of a call that is refused."""
    call = ask()
    standings = call.standings
    await limits.admit(call, caller(REQUESTS), ROUTE)
    assert [(one.need.limit, one.remaining) for one in standings] == [(2, 1)]


async def test_a_lost_call_has_a_row_to_come(limits: Limits) -> None:
    """What the row of a call that nobody settles will say is kept with its hold."""
    call = ask()
    await limits.admit(call, caller(REQUESTS), ROUTE)
    row = msgspec.json.decode(call.hold.about)
    assert (row["outcome"], row["model_asked"], row["project"]) == ("lost", "gpt-4", "default")


async def test_who_is_cut_off_while_asking_may_hold_something(limits: Limits, ledger: FakeLedger) -> None:
    """It may have been taken: settling the call has to look."""
    ledger.broken = True
    call = ask()
    with pytest.raises(NotRecorded):
        await limits.admit(call, caller(REQUESTS), ROUTE)
    assert call.hold.id == call.id


async def test_who_was_refused_holds_nothing(limits: Limits) -> None:
    """There is nothing to be given back."""
    for _ in range(2):
        await limits.admit(ask(), caller(REQUESTS), ROUTE)
    call = ask()
    with pytest.raises(RateLimited):
        await limits.admit(call, caller(REQUESTS), ROUTE)
    assert call.hold is None


@pytest.mark.parametrize(
    ("wait", "text"),
    [(0.012, "12ms"), (1, "1s"), (20, "20s"), (72.5, "1m12.5s"), (360, "6m0s"), (3600, "1h0m0s"), (0, "0s")],
)
def test_times_are_written_as_openai_does(wait: float, text: str) -> None:
    """Go's way."""
    assert seconds(wait) == text
