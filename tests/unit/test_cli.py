"""What the command line shows of itself."""

from collections.abc import Iterator
from typing import Any

import typer

from parley.cli import app


def commands(command: Any) -> Iterator[Any]:
    """Yield *command* and all that are below it."""
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from commands(one)


def test_the_help_shows_no_type_of_a_flag() -> None:
    """A flag takes nothing, `--help` itself neither."""
    for command in commands(typer.main.get_command(app)):
        context = command.make_context(command.name, [], resilient_parsing=True)
        for option in command.get_params(context):
            if getattr(option, "is_flag", False):
                assert option.display_type_rich(context) == "", option.opts
