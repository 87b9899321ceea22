"""The command `parley usage` and what is below it, with their options; what they do is in `parley.commands.usage`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parley.commands.menu import FLAG, Command, Config, Data, Group, Json
from parley.core.later import later
from parley.errors import SettingsError

if TYPE_CHECKING:
    from parley.commands import options, reconcile
    from parley.commands import usage as spending
else:
    options = later("parley.commands.options")
    reconcile = later("parley.commands.reconcile")
    spending = later("parley.commands.usage")

usage = typer.Typer(cls=Group, invoke_without_command=True)


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
