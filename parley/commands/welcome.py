"""What `parley serve` says when it is ready: its address; at first, in a terminal, also a key and a call to paste."""

import json
import sys

from rich.console import Console
from rich.text import Text

from parley.assembly import shelf
from parley.commands.keys import opened
from parley.commands.options import Options
from parley.settings import Settings
from parley.store.keys import KeyInfo

SESSION = "parley chat"
"""The name of the keys that `parley chat` makes for itself: they don't make a start the second one."""
FAVOURITE = "parley-mini"


async def first_key(options: Options) -> str | None:
    """Make a project key and return it if nobody has made one before. Raises SettingsError."""
    async with opened(options) as store:
        if not is_first(await store.keys.list()):
            return None
        return (await store.keys.create(name="first")).secret


def is_first(found: list[KeyInfo]) -> bool:
    """Return whether no key was ever made; a revoked one counts, for revoking must not make a new one."""
    return all(info.name == SESSION for info in found)


def example_model(settings: Settings, local: list[str]) -> str | None:
    """Return a model that a first call may name, or None where only a catch-all would lead anywhere."""
    if not settings.engine.enabled:
        local = []
    return next((name for name in (FAVOURITE, *settings.listed, *local) if name in {*local, *settings.listed}), None)


def welcome(address: str, key: str | None, model: str | None, hint: str = "") -> Text:
    """Return what to say; *key* only on the first start, else how to make one, with *hint* for the same data."""
    text = Text.assemble("Parley listens on ", (address, "bold cyan"), f" (OpenAI API at {address}/v1).\n")
    if key is None:
        return text.append(f"Make a key with: parley key create{hint}\n", "dim")
    text.append("\nYour API key, shown only now:\n\n  ").append(key, "bold green").append("\n\nTry it:\n\n")
    return text.append(example(address, key, model), "cyan").append("\n")


def example(address: str, key: str, model: str | None) -> str:
    """Return a curl command of three lines that works as pasted."""
    if model is None:
        return f'curl {address}/v1/models \\\n  -H "Authorization: Bearer {key}"\n'
    body = {"model": model, "messages": [{"role": "user", "content": "Hello!"}]}
    return (
        f"curl {address}/v1/chat/completions \\\n"
        f'  -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\\n'
        f"  -d '{json.dumps(body, ensure_ascii=False)}'\n"
    )


def greet(options: Options, address: str, key: str | None) -> None:
    """Say it on standard output; never wrapped, for it is there to be copied."""
    model = example_model(options.settings, list(shelf(options.data).names()))
    Console(soft_wrap=True, highlight=False).print(welcome(address, key, model, options.hint), end="")
    sys.stdout.flush()  # a pipe would keep it until the end
