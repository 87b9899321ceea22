"""The commands `parley limit` and `parley budget`, with their options; what they do is in `parley.commands.limits`."""

from typing import TYPE_CHECKING, Annotated

import typer

from parley.commands.menu import FLAG, Command, Config, Data, Group, Json, Key, Model, Project
from parley.core.later import later

if TYPE_CHECKING:
    from parley.commands import limits, options
else:
    limits = later("parley.commands.limits")
    options = later("parley.commands.options")

limit = typer.Typer(cls=Group, no_args_is_help=True, help="Set, list and remove rate limits.")
budget = typer.Typer(cls=Group, no_args_is_help=True, help="Set, list and remove budgets.")

CallsAMinute = Annotated[int | None, typer.Option(min=0, metavar="N", help="Calls a minute.")]
CallsADay = Annotated[int | None, typer.Option(min=0, metavar="N", help="Calls a day.")]
TokensAMinute = Annotated[int | None, typer.Option(min=0, metavar="N", help="Tokens of prompt and answer a minute.")]
TokensADay = Annotated[int | None, typer.Option(min=0, metavar="N", help="Tokens of prompt and answer a day.")]
Day = Annotated[str | None, typer.Option(metavar="DOLLARS", help="What a UTC day may cost.")]
Month = Annotated[str | None, typer.Option(metavar="DOLLARS", help="What a UTC month may cost.")]
Ever = Annotated[str | None, typer.Option(metavar="DOLLARS", help="What may be spent for good.")]


@limit.command("set", cls=Command)
def set_limit(  # noqa: PLR0913 - the options of a command
    *,
    project: Project = None,
    key: Key = None,
    model: Model = None,
    requests_per_minute: CallsAMinute = None,
    requests_per_day: CallsADay = None,
    tokens_per_minute: TokensAMinute = None,
    tokens_per_day: TokensADay = None,
    at_once: Annotated[int | None, typer.Option(min=0, metavar="N", help="Calls in flight.")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Set rate limits of a project, a key, or (neither named) the whole organization."""
    given = limits.amounts(
        {
            "requests-per-minute": requests_per_minute,
            "requests-per-day": requests_per_day,
            "tokens-per-minute": tokens_per_minute,
            "tokens-per-day": tokens_per_day,
            "at-once": at_once,
        },
        limits.RATES,
    )
    limits.change(options.read(config, data), limits.Whose(project, key, model), limits.RATES, given)


@limit.command("remove", cls=Command)
def remove_limit(
    project: Project = None, key: Key = None, model: Model = None, config: Config = None, data: Data = None
) -> None:
    """Remove all rate limits that were set for the same project, key and model."""
    none = dict.fromkeys(limits.RATES)
    limits.change(options.read(config, data), limits.Whose(project, key, model), limits.RATES, none)


@limit.command("list", cls=Command)
def list_limits(json: Json = False, config: Config = None, data: Data = None) -> None:
    """List the rate limits."""
    limits.show(options.read(config, data), limits.RATES, as_json=json)


@budget.command("set", cls=Command)
def set_budget(  # noqa: PLR0913 - the options of a command
    *,
    project: Project = None,
    key: Key = None,
    model: Model = None,
    day: Day = None,
    month: Month = None,
    ever: Ever = None,
    fit: Annotated[
        bool | None,
        typer.Option(
            "--fit/--refuse",
            metavar=FLAG,
            help="When it is nearly used up: give a shorter answer, or (--refuse) refuse the call, the default.",
        ),
    ] = None,
    open_: Annotated[
        bool | None,
        typer.Option(
            "--open/--closed",
            metavar=FLAG,
            help="While the database is away: answer without any limit, or (--closed) refuse calls, the default.",
        ),
    ] = None,
    drain: Annotated[
        bool | None,
        typer.Option(
            "--drain/--cancel",
            metavar=FLAG,
            help="When a client leaves its stream: let it go on, to be resumed, or (--cancel) end it, the default.",
        ),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Set budgets, per UTC day or month or for good, of a project, a key, or the whole organization."""
    chosen = {name: value for name, value in (("fit", fit), ("open", open_), ("drain", drain)) if value is not None}
    given = limits.amounts({"day": day, "month": month, "ever": ever}, limits.BUDGETS, needed=not chosen)
    whose = limits.Whose(project, key, model)
    limits.change(options.read(config, data), whose, limits.BUDGETS, given, chosen=chosen)


@budget.command("remove", cls=Command)
def remove_budget(
    project: Project = None, key: Key = None, model: Model = None, config: Config = None, data: Data = None
) -> None:
    """Remove all budgets that were set for the same project, key and model."""
    none = dict.fromkeys(limits.BUDGETS)
    limits.change(options.read(config, data), limits.Whose(project, key, model), limits.BUDGETS, none)


@budget.command("list", cls=Command)
def list_budgets(json: Json = False, config: Config = None, data: Data = None) -> None:
    """List the budgets, what is spent of them, and what is held for calls in flight."""
    limits.show(options.read(config, data), limits.BUDGETS, as_json=json)
