"""`parley demo`: a real server, the article's path through it with the official client, and what was recorded.

Everything lies in a temporary folder, nothing needs a network, and the server is stopped at the end.

How it fails: with a ParleyError that names the step and carries the end of the server's log.
"""

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import openai
from rich.console import Console

from parley.commands import keys
from parley.commands.child import command, serving, tail
from parley.commands.options import Options
from parley.commands.tables import show
from parley.commands.tour import Tour, hold
from parley.core.money import dollars
from parley.errors import ParleyError
from parley.settings import load
from parley.store.ledger import Record

CONFIG = """\
[models."gpt-4"]
targets = ["local/parley-mini"]

[models."gpt-3.5-turbo"]
targets = ["local/parley-mini"]
"""
HONESTY = (
    "parley-mini is a tiny model that ships with Parley. It shows that everything works, not what a model can do.\n"
    "Here `gpt-4` is only another name for it; the answer's `model` says so."
)
KEY_SECONDS = 60


def run() -> None:
    """Run the demo. Raises ParleyError."""
    console = Console(highlight=False, soft_wrap=True)
    begun = perf_counter()
    with tempfile.TemporaryDirectory(prefix="parley-demo-") as name:
        folder = Path(name)
        config = folder / "parley.toml"
        config.write_text(CONFIG, "utf-8")
        options = Options(load(config, {}), folder / "data", config)
        try:
            sent = _visit(options, folder / "server.log", console)
        except openai.OpenAIError as error:
            raise ParleyError(f"the demo: {error}\n{tail(folder / 'server.log')}") from error
        console.print("\nThe server is stopped. What it recorded, one row a call (a wrong key makes none):\n")
        records = asyncio.run(_records(options))
    show(HEADS, [row(record) for record in reversed(records)])
    hold(len(records) == sent, f"{sent} calls were answered, but {len(records)} are recorded")
    console.print(f"\n{HONESTY}", style="dim", markup=False)
    console.print(f"The demo took {perf_counter() - begun:.1f} s.")


def _visit(options: Options, log: Path, console: Console) -> int:
    """Start the server, take the tour, stop it; return how many calls it answered."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "OPENAI_"))}
    key = _key(options, clean)
    begun = perf_counter()
    with serving(options.arguments, log, clean) as address:
        console.print(f"$ parley serve       {address}, ready after {perf_counter() - begun:.2f} s", markup=False)
        console.print(f"$ parley key create  {key[:14]}…", markup=False)
        direct = openai.DefaultHttpxClient(trust_env=False)  # no proxy stands between us and our own server
        with openai.OpenAI(base_url=address + "/v1", api_key=key, max_retries=0, http_client=direct) as client:
            tour = Tour(client, console)
            try:
                tour.walk()
            except ParleyError as error:
                raise ParleyError(f"{error.message}\n{tail(log)}") from error
    return tour.sent


def _key(options: Options, environ: dict[str, str]) -> str:
    """Make a key, as an operator would. Raises ParleyError."""
    made = subprocess.run(  # noqa: S603 - our own program
        [*command(), "key", "create", "--project", "demo", *options.arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=environ,
        timeout=KEY_SECONDS,
    )
    if made.returncode:
        raise ParleyError(f"no key could be made: {made.stderr.strip()}")
    return made.stdout.strip()


async def _records(options: Options) -> list[Record]:
    async with keys.opened(options) as store:
        return await store.calls()


HEADS = ["ASKED", "ANSWERED", "IN", "OUT", "COST", "STATUS", "TIME"]


def row(record: Record) -> list[str]:
    """Return the cells of *record*."""
    return [
        record.model_asked or "-",
        f"{record.upstream}/{record.model_answered}" if record.model_answered else "-",
        str(record.input_tokens),
        str(record.output_tokens),
        f"${dollars(record.cost)}",
        f"{record.status} {record.outcome}",
        f"{record.total_us / 1000:.0f} ms",
    ]
