"""What the commands of all groups share: how their help looks, and the options that many of them take."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

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
Json = Annotated[bool, typer.Option("--json", metavar=FLAG, help="Print JSON.")]
Project = Annotated[str | None, typer.Option(help="The project it is for.")]
Key = Annotated[str | None, typer.Option(help="The key it is for, by its id or prefix.")]
Model = Annotated[str | None, typer.Option(help="The model it is for, as clients name it; default: all together.")]
