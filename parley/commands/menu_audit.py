"""The commands below `parley audit`, with their options; what they do is in `parley.commands.audit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parley.commands.menu import FLAG, Command, Config, Data, Group
from parley.core.later import later

if TYPE_CHECKING:
    from parley.commands import audit, options
else:
    audit = later("parley.commands.audit")
    options = later("parley.commands.options")

audits = typer.Typer(cls=Group, no_args_is_help=True, help="Prove, export and prune the audit log.")


@audits.command("verify", cls=Command)
def verify_audit(
    expect: Annotated[
        str | None,
        typer.Option(metavar="SEQ:HASH", help="The head that an earlier verify printed: it must still be there."),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Name each row and each call that was changed, removed, moved or invented; exit status 1 if there is any.

    Keep the head that it prints elsewhere: who can write to the database can write a whole new chain, not your copy.
    """
    raise typer.Exit(audit.verify(options.read(config, data), expect))


@audits.command("export", cls=Command)
def export_audit(
    file: Annotated[Path | None, typer.Argument(help="Default: standard output.")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first day, or time (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="The day, or time, to end before.")] = None,
    force: Annotated[bool, typer.Option("--force", metavar=FLAG, help="Write over a file that is there.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the audit log as JSON lines, the oldest row first."""
    audit.export(options.read(config, data), since, until, file, force=force)


@audits.command("prune", cls=Command)
def prune_audit(
    before: Annotated[str, typer.Option(metavar="DATE", help="Delete what is older than this day, or time (UTC).")],
    calls: Annotated[
        bool, typer.Option("--calls", metavar=FLAG, help="Delete the records of the calls too; otherwise they stay.")
    ] = False,
    faulty: Annotated[
        bool, typer.Option("--faulty", metavar=FLAG, help="Delete them though the log does not verify.")
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Delete old rows of the audit log, if it verifies; the rest can still be verified."""
    raise typer.Exit(audit.prune(options.read(config, data), before, with_calls=calls, faulty=faulty))
