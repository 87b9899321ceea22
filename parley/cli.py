"""The command line: every command with its options; what it does is in `parley.commands`, a module each.

The groups about limits, usage and the audit log stand in `parley.commands.menu_limits` and the like. The modules behind
the commands are loaded when their command runs (docs/decisions/0002-lazy-commands.md). Whatever the user can mend is
one sentence on standard error: exit status 2 for settings and arguments, 1 for the rest.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from parley import __version__
from parley.commands import menu_audit, menu_limits, menu_usage
from parley.commands.menu import FLAG, Command, Config, Data, Group, Json
from parley.core.later import later
from parley.errors import ParleyError, SettingsError

if TYPE_CHECKING:
    from parley.commands import chat, check, demo, keys, models, options, serve
else:
    chat = later("parley.commands.chat")
    check = later("parley.commands.check")
    demo = later("parley.commands.demo")
    keys = later("parley.commands.keys")
    models = later("parley.commands.models")
    options = later("parley.commands.options")
    serve = later("parley.commands.serve")


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
app.add_typer(key, name="key")
app.add_typer(menu_limits.limit, name="limit")
app.add_typer(menu_limits.budget, name="budget")
app.add_typer(menu_usage.usage, name="usage")
app.add_typer(menu_audit.audits, name="audit")
app.add_typer(model, name="model")

Listen = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0: any free one.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Processes that share the port; each loads the engine's models for itself."),
]
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
