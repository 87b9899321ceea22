"""Limits: a project's rate limits by model, and what it and the organization may spend.

They are the rules that calls are decided by (`core.rules`), in OpenAI's words: a change counts from the next call on.
"""

from collections.abc import Iterable

import msgspec

from parley.core.money import CENT
from parley.core.rules import ANY, Measure, Period, Rule, Scope
from parley.errors import NoPrice, NoSuchModel, NotFound
from parley.flows.administration import Errand, window
from parley.schema import admin_limits as wire
from parley.schema.admin import Page, page_of
from parley.store.pages import cut
from parley.store.projects import Project
from parley.store.rules import State

HEAD = "rl-"
RATES: dict[str, tuple[Measure, Period]] = {
    "max_requests_per_1_minute": ("requests", "minute"),
    "max_tokens_per_1_minute": ("tokens", "minute"),
    "max_images_per_1_minute": ("images", "minute"),
    "max_audio_megabytes_per_1_minute": ("audio", "minute"),
    "max_requests_per_1_day": ("requests", "day"),
    "batch_1_day_max_input_tokens": ("batch", "day"),
    "max_tokens_per_1_day": ("tokens", "day"),
    "max_concurrent_requests": ("calls", "now"),
}
FIELDS = {what: name for name, what in RATES.items()}
SPENDING: dict[str, Period] = {
    "threshold_amount": "month",
    "day_threshold_amount": "day",
    "ever_threshold_amount": "ever",
}
CHOICES = ("fit", "open", "drain")


def shown_rates(model: str, rules: Iterable[Rule]) -> wire.RateLimit:
    """Return what *rules* say of *model*."""
    told = {FIELDS[rule.measure, rule.period]: rule.amount for rule in rules if rule.model == model}
    return wire.RateLimit(HEAD + model, model, **told)


async def _rates(errand: Errand, project: str) -> list[Rule]:
    """Return the rules of *project* that limit rates."""
    found = await _states(errand, "project", project)
    return [state.rule for state in found if (state.rule.measure, state.rule.period) in FIELDS]


async def _states(errand: Errand, scope: Scope, owner: str) -> list[State]:
    found = await errand.books.rules.states(errand.call.at)
    return [state for state in found if (state.rule.scope, state.rule.owner) == (scope, owner)]


async def list_rates(errand: Errand) -> Page[wire.RateLimit]:
    """Return a page of a project's rate limits: one a model that has a name, and those that have a limit besides.

    Raises InvalidRequest, NotFound.
    """
    wanted = errand.listing(wire.RateLimitListing)
    project = await errand.books.projects.get(errand.project)
    rules = await _rates(errand, project.id)
    models = [model.id for model in errand.house.routes.models(0)] + [rule.model for rule in rules]
    limits = {HEAD + model: shown_rates(model, rules) for model in dict.fromkeys(models)}
    found, more = cut(limits, window(wanted))
    return page_of(found, more=more)


async def update_rates(errand: Errand) -> wire.RateLimit:
    """Change the rate limit of a project and a model, of `rl-*` for all models together. Raises NotFound."""
    asked = msgspec.structs.asdict(errand.body(wire.RATES))
    project = await errand.books.projects.open(errand.project)
    model = _model(errand, errand.params["rate_limit_id"])
    made, gone = [], []
    for name, amount in asked.items():
        if amount is msgspec.UNSET:
            continue
        if amount is None or amount == wire.UNLIMITED:
            gone.append(Rule("project", project.id, model, *RATES[name], 0))
        else:
            made.append(Rule("project", project.id, model, *RATES[name], amount))
    await errand.books.rules.change(made, gone)
    return shown_rates(model, await _rates(errand, project.id))


def _model(errand: Errand, name: str) -> str:
    """Return the model of the rate limit with the id *name*. Raises NotFound."""
    missing = NotFound(f"No such rate limit: '{name[:100]}'. Their ids are `{HEAD}` and the model's name.")
    model = name.removeprefix(HEAD)
    if not name.startswith(HEAD) or not model:
        raise missing
    if model != ANY:
        try:
            errand.house.routes.resolve(model)
        except NoSuchModel:
            raise missing from None
        except NoPrice:
            pass  # it is there, and may be limited before it is priced
    return model


def cents(amount: int) -> int:
    """Return nano-dollars as cents, rounded up."""
    return -(-amount // CENT)


def shown_spending(states: list[State], kind: str, project: Project | None = None) -> wire.SpendLimit:
    """Return the budgets among *states* as one spend limit. Raises NotFound where there is none."""
    found = {state.rule.period: state for state in states if state.rule.measure == "money" and state.rule.model == ANY}
    if not found:
        raise NotFound("No spend limit is set.")
    main = next(found[period] for period in ("month", "day", "ever") if period in found)
    reached = any(state.spent + state.held >= state.rule.amount for state in found.values())
    return wire.SpendLimit(
        object=kind,
        currency="USD",
        interval=main.rule.period,  # type: ignore[arg-type]
        threshold_amount=cents(main.rule.amount),
        enforcement=wire.Enforcement("enforcing" if reached else "inactive"),
        day_threshold_amount=cents(found["day"].rule.amount) if "day" in found else None,
        ever_threshold_amount=cents(found["ever"].rule.amount) if "ever" in found else None,
        fit=project.fit if project else None,
        open=project.open if project else None,
        drain=project.drain if project else None,
    )


async def _spend(errand: Errand, scope: Scope, owner: str, asked: msgspec.Struct) -> None:
    """Set the budgets that are *asked* for, and remove those that are null."""
    made, gone = [], []
    for name, period in SPENDING.items():
        amount = getattr(asked, name)
        if amount is None:
            gone.append(Rule(scope, owner, ANY, "money", period, 0))
        elif amount is not msgspec.UNSET:
            made.append(Rule(scope, owner, ANY, "money", period, amount * CENT))
    await errand.books.rules.change(made, gone)


async def _unlimit(errand: Errand, scope: Scope, owner: str, kind: str) -> wire.SpendLimitDeleted:
    """Remove every budget. Raises NotFound where there is none."""
    gone = [Rule(scope, owner, ANY, "money", period, 0) for period in SPENDING.values()]
    if not await errand.books.rules.change([], gone):
        raise NotFound("No spend limit is set.")
    return wire.SpendLimitDeleted(f"{kind}.deleted")


async def retrieve_spending(errand: Errand) -> wire.SpendLimit:
    """Return what the organization may spend. Raises NotFound."""
    return shown_spending(await _states(errand, "organization", ""), "organization.spend_limit")


async def update_spending(errand: Errand) -> wire.SpendLimit:
    """Set what the organization may spend. Raises InvalidRequest."""
    await _spend(errand, "organization", "", errand.body(wire.ORGANIZATION_SPEND))
    return await retrieve_spending(errand)


async def delete_spending(errand: Errand) -> wire.SpendLimitDeleted:
    """Let the organization spend what it likes. Raises NotFound."""
    return await _unlimit(errand, "organization", "", "organization.spend_limit")


async def retrieve_project_spending(errand: Errand) -> wire.SpendLimit:
    """Return what a project may spend. Raises NotFound."""
    project = await errand.books.projects.get(errand.project)
    return shown_spending(await _states(errand, "project", project.id), "project.spend_limit", project)


async def update_project_spending(errand: Errand) -> wire.SpendLimit:
    """Set what a project may spend. Raises InvalidRequest, NotFound."""
    asked = errand.body(wire.PROJECT_SPEND)
    project = await errand.books.projects.open(errand.project)
    await _spend(errand, "project", project.id, asked)
    chosen = {name: value for name in CHOICES if (value := getattr(asked, name)) is not None}
    if chosen:
        await errand.books.rules.choose(project.id, chosen)
    return await retrieve_project_spending(errand)


async def delete_project_spending(errand: Errand) -> wire.SpendLimitDeleted:
    """Let a project spend what it likes. Raises NotFound."""
    project = await errand.books.projects.open(errand.project)
    return await _unlimit(errand, "project", project.id, "project.spend_limit")
