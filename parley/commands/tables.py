"""Tables on standard output: drawn in a terminal, plain columns in a pipe, where nothing may be cut off."""

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table

Rows = Sequence[Sequence[str]]


def show(heads: Sequence[str], rows: Rows) -> None:
    """Print *rows* under *heads*."""
    console = Console()
    if not console.is_terminal:
        typer.echo(columns([heads, *rows]))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


def columns(rows: Rows) -> str:
    """Return *rows* as text, the cells of a column one under the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
