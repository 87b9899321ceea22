"""The command line: every command with its options, on one screen; what it does is in `parley.commands`.

The modules behind the commands are loaded when their command runs (docs/decisions/0002-lazy-commands.md). Whatever the
user can mend is one sentence on standard error: exit status 2 for settings and arguments, 1 for the rest.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from parley import __version__
from parley.core.later import later
from parley.errors import ParleyError, SettingsError

if TYPE_CHECKING:
    from parley.commands import chat, check, demo, keys, limits, models, options, reconcile, serve
    from parley.commands import usage as spending
else:
    chat = later("parley.commands.chat")
    check = later("parley.commands.check")
    demo = later("parley.commands.demo")
    keys = later("parley.commands.keys")
    limits = later("parley.commands.limits")
    models = later("parley.commands.models")
    options = later("parley.commands.options")
    reconcile = later("parley.commands.reconcile")
    serve = later("parley.commands.serve")
    spending = later("parley.commands.usage")

FLAG = ""  # what stands behind an option that takes nothing


class Command(TyperCommand):
    """A command whose help shows no type of a flag."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return `--help`, a flag too."""
        return plain(super().get_help_option(ctx))


class Group(TyperGroup):
    """A group of commands whose help shows no type of a flag."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return `--help`, a flag too."""
        return plain(super().get_help_option(ctx))


def plain(option: Any) -> Any:
    """Return *option* without the `<bool>` that typer would show behind it."""
    if option is not None:
        option.metavar = FLAG
    return option


class Commands(Group):
    """A group of commands that tells an error in one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that the user can mend ends it with a sentence and a status."""
        try:
            return super().invoke(ctx)
        except ParleyError as error:
            typer.echo(f"parley: {error.message}", err=True)
            raise typer.Exit(2 if isinstance(error, SettingsError) else 1) from error


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Your own GPT API."
)
key = typer.Typer(cls=Group, no_args_is_help=True, help="Make, list and revoke API keys.")
model = typer.Typer(cls=Group, no_args_is_help=True, help="List, add and remove the models of the embedded engine.")
limit = typer.Typer(cls=Group, no_args_is_help=True, help="Set, list and remove rate limits.")
budget = typer.Typer(cls=Group, no_args_is_help=True, help="Set, list and remove budgets.")
usage = typer.Typer(cls=Group, invoke_without_command=True)
app.add_typer(key, name="key")
app.add_typer(limit, name="limit")
app.add_typer(budget, name="budget")
app.add_typer(usage, name="usage")
app.add_typer(model, name="model")

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="PARLEY_CONFIG", metavar="FILE", help="The settings; default: ./parley.toml, if it exists."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", envvar="PARLEY_DATA", metavar="DIR", help="The data folder; default: ~/.local/share/parley."
    ),
]
Listen = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0: any free one.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Processes that share the port; each loads the engine's models for itself."),
]
Json = Annotated[bool, typer.Option("--json", metavar=FLAG, help="Print JSON.")]
Project = Annotated[str | None, typer.Option(help="The project it is for.")]
Key = Annotated[str | None, typer.Option(help="The key it is for, by its id or prefix.")]
Model = Annotated[str | None, typer.Option(help="The model it is for, as clients name it; default: all together.")]
Amount = Annotated[int | None, typer.Option(min=0, metavar="N")]
Dollars = Annotated[str | None, typer.Option(metavar="DOLLARS")]
Descriptor = Annotated[int | None, typer.Option(hidden=True)]


def show_version(wanted: bool) -> None:
    """Print the version and end, when it is *wanted*."""
    if wanted:
        typer.echo(f"parley {__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", metavar=FLAG, callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command("serve", cls=Command)
def run_serve(
    config: Config = None,
    listen: Listen = None,
    data: Data = None,
    workers: Workers = None,
    socket: Descriptor = None,
    line: Descriptor = None,
) -> None:
    """Serve the API. The first start in a terminal makes a project key and shows it."""
    chosen = options.read(config, data, listen, workers)
    raise typer.Exit(serve.run(chosen, socket, line))


@app.command("check", cls=Command)
def run_check(config: Config = None, data: Data = None) -> None:
    """Read the settings and print what would run; connects to nothing."""
    raise typer.Exit(check.run(options.read(config, data)))


@app.command("chat", cls=Command)
def run_chat(
    model: Annotated[str | None, typer.Argument(help="Default: parley-mini, or the first that is listed.")] = None,
    url: Annotated[str | None, typer.Option(help="The server; default: the configured one, or one of its own.")] = None,
    key: Annotated[
        str | None, typer.Option(envvar="PARLEY_API_KEY", help="The API key; with --url also that in OPENAI_API_KEY.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="The system message.")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Talk with a model in the terminal, or from a pipe: a line a message; there a call that fails ends it."""
    with chat.connected(options.read(config, data), url, key) as client:
        chat.run(client, model, system)


@app.command("demo", cls=Command)
def run_demo() -> None:
    """Start a server, take the article's path through it, and stop it. Needs no network."""
    demo.run()


@key.command("create", cls=Command)
def create_key(
    project: Annotated[
        str, typer.Option(help="The project it belongs to, at most 64 characters; made if there is none.")
    ] = "default",
    name: Annotated[str | None, typer.Option(help="A name for people, at most 64 characters.")] = None,
    admin: Annotated[bool, typer.Option("--admin", metavar=FLAG, help="Make an admin key.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a key and print it: it is shown only now."""
    typer.echo(keys.create(options.read(config, data), project=project, name=name, admin=admin))


@key.command("list", cls=Command)
def list_keys(json: Json = False, config: Config = None, data: Data = None) -> None:
    """List the keys; the keys themselves are not kept, only what they begin and end with. JSON has long names whole."""
    keys.show(options.read(config, data), as_json=json)


@key.command("revoke", cls=Command)
def revoke_key(
    key: Annotated[str, typer.Argument(help="Its id, its prefix, or the key itself.")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Revoke a key: it is dead at once."""
    revoked = keys.revoke(options.read(config, data), key)
    typer.echo(f"revoked {revoked.id} {revoked.prefix}")


@limit.command("set", cls=Command)
def set_limit(  # noqa: PLR0913, PLR0917 - the options of a command
    project: Project = None,
    key: Key = None,
    model: Model = None,
    requests_per_minute: Amount = None,
    requests_per_day: Amount = None,
    tokens_per_minute: Amount = None,
    tokens_per_day: Amount = None,
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
def set_budget(  # noqa: PLR0913, PLR0917 - the options of a command
    project: Project = None,
    key: Key = None,
    model: Model = None,
    day: Dollars = None,
    month: Dollars = None,
    ever: Dollars = None,
    fit: Annotated[
        bool | None,
        typer.Option(
            "--fit/--refuse", help="When it is nearly used up: give a shorter answer, or refuse the call (default)."
        ),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Set budgets, per UTC day or month or for good, of a project, a key, or the whole organization."""
    given = limits.amounts({"day": day, "month": month, "ever": ever}, limits.BUDGETS)
    limits.change(options.read(config, data), limits.Whose(project, key, model), limits.BUDGETS, given, fit=fit)


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


@usage.callback()
def show_usage(  # noqa: PLR0913 - the options of a command
    context: typer.Context,
    *,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help="day (default), month, model, project or key; may be given several times."),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="The first UTC day; default: 29 days before the last.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last UTC day; default: today.")] = None,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    plot: Annotated[bool, typer.Option("--plot", metavar=FLAG, help="Draw the plot in a pipe too.")] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--reconcile", metavar="FILE", help="Compare with a provider's usage or costs; status 1 if they differ."
        ),
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="With --reconcile: whose file it is; default: all but the embedded engine.")
    ] = None,
    json: Json = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show what was used and spent, and draw the cost of each day."""
    if context.invoked_subcommand is not None:
        return
    chosen = options.read(config, data)
    if file is not None:
        if by or first or last or project or plot:
            raise SettingsError("--reconcile: the file says which days; it goes with --upstream and --json only")
        raise typer.Exit(reconcile.run(chosen, file, upstream, as_json=json))
    if upstream is not None:
        raise SettingsError("--upstream: goes with --reconcile only")
    asked = spending.Asked(spending.stretch(first, last, spending.today()), spending.grouped(by or ()), project)
    spending.show(chosen, asked, as_json=json, plot=plot)


@usage.command("calls", cls=Command)
def show_calls(
    last: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many.")] = 20,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    json: Json = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """List the last calls, the newest first."""
    spending.show_calls(options.read(config, data), last, project, as_json=json)


@model.command("list", cls=Command)
def list_models(json: Json = False, config: Config = None, data: Data = None) -> None:
    """List the models of the embedded engine."""
    models.show(options.read(config, data), as_json=json)


@model.command("add", cls=Command)
def add_model(
    source: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="A GGUF file, or its http or https URL.")],
    name: Annotated[str | None, typer.Option(help="What clients call it; default: after the file.")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Copy or fetch a GGUF file; clients can call it at once."""
    models.add(options.read(config, data), source, name)


@model.command("remove", cls=Command)
def remove_model(
    name: Annotated[str, typer.Argument(help="What clients call it.")], config: Config = None, data: Data = None
) -> None:
    """Forget a model and delete its file.

    A running server that has it loaded keeps it in memory until nobody has used it for `engine.idle_seconds`.
    """
    chosen = options.read(config, data)
    models.remove(chosen, name)
    idle = chosen.settings.engine.idle_seconds
    typer.echo(f"removed {name}; a server that has it loaded lets go of it after {idle:g} seconds without use")
