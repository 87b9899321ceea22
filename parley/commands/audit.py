"""`parley audit`: proves the audit log, exports and prunes it, in the database itself: the server may run or not."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import typer

from parley.commands.keys import NANO, opened
from parley.commands.options import Options
from parley.errors import SettingsError
from parley.store.chain import Link
from parley.store.proof import Kept, Proof, Report

_HASH = 32  # bytes
_LATEST = 2**63 - 1  # nanoseconds, that a database can hold


def verify(options: Options, expect: str | None) -> int:
    """Prove the audit log and say what is wrong with it; return the exit status. Raises SettingsError, NotRecorded."""
    kept = hash_of(expect) if expect is not None else None

    async def work() -> Report:
        async with opened(options) as store:
            return await Proof(store.connections, progress("rows"), kept).verify()

    report = asyncio.run(work())
    for fault in report.faults:
        typer.echo(fault)
    typer.echo(f"{report.rows} audit rows and {report.calls} calls looked at, {len(report.faults)} faults found")
    typer.echo(f"head {report.seq}:{report.hash.hex()}")
    return 1 if report.faults else 0


def export(options: Options, since: str | None, until: str | None, file: Path | None, *, force: bool) -> None:
    """Write the rows from *since* until before *until* as JSON lines; over a *file* that is there only by *force*.

    Raises SettingsError, NotRecorded.
    """
    begin, end = moment("--from", since), moment("--to", until)
    if begin is not None and end is not None and begin >= end:
        raise SettingsError(f'--to: "{until}" is not after "{since}"')

    async def work() -> None:
        async with opened(options) as store:
            with _output(file, force=force) as output:
                async for link in store.audits.walk(begin, end):
                    output.write(line(link))

    asyncio.run(work())


def prune(options: Options, before: str, *, with_calls: bool, faulty: bool) -> int:
    """Delete the rows older than *before*, with their calls if wanted; return the exit status. Raises SettingsError.

    A log with faults is left as it is, unless *faulty*: with its rows the proof of what was done would go.
    """
    end = moment("--before", before) or 0
    if end > time.time_ns():
        raise SettingsError(f'--before: "{before}" lies in the future: every row would be deleted')

    async def work() -> tuple[Report, int]:
        async with opened(options) as store:
            report = await Proof(store.connections, progress("rows")).verify()
            if report.faults and not faulty:
                return report, -1
            return report, await store.audits.prune(end, with_calls=with_calls, tell=progress("rows"))

    report, gone = asyncio.run(work())
    if gone < 0:
        for fault in report.faults:
            typer.echo(fault)
        typer.echo("nothing was deleted: the log has faults. Keep a copy of it, then give --faulty.", err=True)
        return 1
    typer.echo(f"deleted {gone} rows")
    return 0


def line(link: Link) -> bytes:
    """Return *link* as a line of JSON; a payload that is none any more stands in it as a text."""
    fields = msgspec.structs.asdict(link)
    try:
        payload = msgspec.json.decode(link.payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        payload = link.payload.decode("utf-8", "replace")
    return msgspec.json.encode(fields | {"payload": payload, "hash": link.hash.hex()}) + b"\n"


def moment(option: str, text: str | None) -> int | None:
    """Return *text*, a day or a time (UTC, where it names no zone), in nanoseconds since 1970. Raises SettingsError."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        at = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()) * NANO
    except (ValueError, OverflowError) as error:
        raise SettingsError(f'{option}: "{text}" is not a day or a time, such as 2026-11-25') from error
    return min(max(at, 0), _LATEST)


def hash_of(text: str) -> Kept:
    """Return the seq and hash that *text* names, as `verify` has printed them. Raises SettingsError."""
    seq, _, hexadecimal = text.removeprefix("head ").partition(":")
    try:
        kept = int(seq), bytes.fromhex(hexadecimal)
    except ValueError:
        kept = -1, b""
    if kept[0] < 0 or len(kept[1]) != _HASH:
        raise SettingsError(f'--expect: "{text}" is not what `parley audit verify` prints as head: SEQ:HASH')
    return kept


def progress(what: str) -> Callable[[int, int], None]:
    """Return who tells, on a terminal's standard error, how many of *what* are done."""
    shown = sys.stderr.isatty()

    def tell(done: int, total: int) -> None:
        if shown:
            typer.echo(f"\r{done} of {total} {what}", err=True, nl=done >= total)

    return tell


@contextmanager
def _output(file: Path | None, *, force: bool) -> Iterator[BinaryIO]:
    """Open *file*, for our user only, or standard output. Raises SettingsError."""
    if file is None or str(file) == "-":
        yield sys.stdout.buffer
        return
    over = force or (file.exists() and not file.is_file())  # nothing in a pipe or a device is lost
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if over else os.O_EXCL), 0o600)
    except FileExistsError as error:
        raise SettingsError(f"{file} is there already: give another name, or --force to write over it") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as output:
        yield output
