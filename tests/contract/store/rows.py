"""Rows for the tests, and the programs that write and revoke in processes of their own."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import parley
from parley.store.completions import StoredCompletion
from parley.store.database import open_store
from parley.store.ledger import Record


def new_id() -> str:
    """Return an id that grows with time, as the gateway's do."""
    return f"req_{time.time_ns():016x}{secrets.token_hex(8)}"


def a_record(**changes: Any) -> Record:
    """Return the record of an answered call, with *changes*."""
    row: dict[str, Any] = {
        "id": new_id(),
        "at": time.time_ns(),
        "project": "default",
        "key_id": "key_1",
        "operation": "chat.completions",
        "model_asked": "gpt-4",
        "model_answered": "parley-mini",
        "upstream": "local",
        "input_tokens": 12,
        "cached_tokens": 3,
        "output_tokens": 5,
        "exact": True,
        "cost": 1_000,
        "price": "free",
        "status": 200,
        "code": None,
        "outcome": "answered",
        "streamed": False,
        "attempts": 1,
        "first_token_us": None,
        "total_us": 900,
    }
    return Record(**(row | changes))


def a_completion(**changes: Any) -> StoredCompletion:
    """Return a stored completion, with *changes*."""
    item: dict[str, Any] = {
        "id": "chatcmpl-" + new_id(),
        "project": "default",
        "created": 1_700_000_000_000_000_000,
        "model": "gpt-4",
        "request": b'{"messages":[]}',
        "answer": b'{"object":"chat.completion"}',
        "metadata": {},
    }
    return StoredCompletion(**(item | changes))


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Return when *holds* does. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what it looks at rings no bell here
            await asyncio.sleep(0.005)


def start(work: str, *arguments: str) -> subprocess.Popen[str]:
    """Start this file as a program of its own that does *work*; its output is a pipe."""
    environment = os.environ | {"PYTHONPATH": str(Path(parley.__file__).parents[1])}
    command = [sys.executable, __file__, work, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


async def _write(url: str, rows: str) -> None:
    """Write *rows* calls, eight at a time, and print the id of each once it is durable."""
    store = await open_store(url)
    gate = asyncio.Semaphore(8)

    async def one() -> None:
        async with gate:
            record = a_record()
            await store.ledger.write(record)
            print(record.id, flush=True)  # noqa: T201 - the test reads it

    await asyncio.gather(*(one() for _ in range(int(rows))))
    await store.close()


async def _revoke(url: str, key: str) -> None:
    store = await open_store(url)
    await store.keys.revoke(key)
    await store.close()


if __name__ == "__main__":
    asyncio.run({"write": _write, "revoke": _revoke}[sys.argv[1]](*sys.argv[2:]))
