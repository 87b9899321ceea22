"""`parley model`: the shelf of GGUF files that the embedded engine can load."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from parley.assembly import shelf
from parley.commands.keys import opened
from parley.commands.options import Options
from parley.commands.tables import show as show_table
from parley.engine.shelf import ModelFile
from parley.engine.shelf import Progress as Report
from parley.errors import InvalidRequest


def show(options: Options, *, as_json: bool) -> None:
    """Print every model there is, the built-in one first."""
    found = shelf(options.data).list()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode([_plain(model) for model in found])))
        return
    rows = [[model.name, size(model.size), model.sha256[:12], model.source] for model in found]
    show_table(["NAME", "SIZE", "SHA256", "FROM"], rows)


def add(options: Options, source: str, name: str | None) -> None:
    """Bring *source* (a path or a URL) to the shelf. Raises Conflict, InvalidRequest, SettingsError."""
    scheme = source.partition("://")[0] if "://" in source else ""
    if scheme and scheme.lower() not in {"http", "https"}:
        raise InvalidRequest(f"`{scheme}://` is no way to fetch a model: give an http or https URL, or a file's path.")
    options.make_data()
    with _bar(source) as report:
        model = shelf(options.data).add(source, name=name, progress=report)
    _note(options, "model.added", model.name, source=model.source, sha256=model.sha256, size=model.size)
    typer.echo(f"added {model.name} ({size(model.size)})")
    typer.echo(f"sha256 {model.sha256}")


def remove(options: Options, name: str) -> None:
    """Take the model *name* from the shelf. Raises NotFound, Conflict."""
    shelf(options.data).remove(name)
    _note(options, "model.removed", name)


def _note(options: Options, kind: str, name: str, **details: Any) -> None:
    """Write into the audit log what was done to the model *name*. Raises SettingsError, NotRecorded."""

    async def work() -> None:
        async with opened(options) as store:
            await store.audits.note(kind, name, **details)

    asyncio.run(work())


def size(count: int) -> str:
    """Return *count* bytes as people say it: `5.2 MB`."""
    number, units = float(count), ["bytes", "KB", "MB", "GB"]
    while number >= 1000 and len(units) > 1:  # noqa: PLR2004 - a kilobyte
        number, units = number / 1000, units[1:]
    return f"{number:.0f} {units[0]}" if units[0] == "bytes" else f"{number:.1f} {units[0]}"


def _plain(model: ModelFile) -> dict[str, object]:
    return {name: getattr(model, name) for name in model.__struct_fields__} | {"path": str(model.path)}


@contextmanager
def _bar(label: str) -> Iterator[Report]:
    """Draw a progress bar on standard error, in a terminal, and yield what moves it."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(label.rpartition("/")[2] or label, total=None)

        def report(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        yield report
