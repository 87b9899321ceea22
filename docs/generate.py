"""The reference pages that are made from the code: `python -m docs.generate` writes them, a test compares them.

Settings come from the fields' own sentences (`parley.settings`), commands from the command line's own help
(`parley.cli`), the faults of upstreams from the rows that the tests ask for. A setting without a sentence fails with
KeyError.
"""  # noqa: INP001 - the documents are no package

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from parley.cli import app
from parley.settings import Settings
from tests.acceptance.fault_rows import SECTIONS as FAULTS
from tests.acceptance.fault_rows import Row

REFERENCE = Path(__file__).parent / "reference"
MADE = "<!-- Made by `python -m docs.generate`: change the code's own words instead. -->\n"
SECTIONS = {
    "[server]": "ServerSettings",
    "[store]": "StoreSettings",
    "[limits]": "LimitSettings",
    "[streams]": "StreamSettings",
    "[alerts]": "AlertSettings",
    "[engine]": "EngineSettings",
    "[upstreams.NAME]": "UpstreamSettings",
    '[models."NAME"]': "ModelSettings",
    "timeouts": "Timeouts",
    "breaker": "Breaker",
    "hedge": "HedgeSettings",
    "key": "Secret",
    "price": "PriceSettings",
}
SETTINGS = f"""# Settings

{MADE}
One file, `parley.toml`: the one that `--config` or `PARLEY_CONFIG` names, else the one in the working folder. Without a
file the defaults hold, and with `OPENAI_API_KEY` set all models but the embedded ones go to OpenAI; a key of Parley
itself in it (`sk-parley-...`) is for clients and does not count. A setting that is not on this page is refused at
start-up, by its path.

Precedence: default < file < environment. `PARLEY_SECTION__KEY` sets a key of a section that is not named by you:
`PARLEY_SERVER__LISTEN=0.0.0.0:8080`, `PARLEY_ENGINE__ENABLED=false`. Any other variable that begins with `PARLEY_` is
refused too, by its name; left alone are those of the [commands](commands.md), those that a `key` names, and those that
Kubernetes makes of a service called parley. `parley check` prints what would run.

"""
COMMANDS = f"""# Commands

{MADE}
`parley COMMAND --help` says the same. An error that you can mend is one sentence on standard error; the exit status is
2 for settings and arguments, 1 for the rest.

"""
FAILING = f"""# When an upstream fails

{MADE.replace("the code's own words", "`tests/acceptance/fault_rows.py`")}
What an upstream can do wrong, and what becomes of the call. Each row is asked of a real server by
`tests/acceptance/test_fault_table.py`, which checks besides that there is one record and one settlement, that no
connection is left, and that nothing hangs. Where nothing else is said, `retries = 0`.

- A stream ends with `[DONE]` only when the answer is whole. It is whole when the upstream said `[DONE]`, or when each
  choice has told why it ended, however the connection ended then. Anything else ends with an error event.
- Events that can't be read are left out, at most 16, if the rest ends well with its finish reason; the log tells so.
- Comments are no tokens: `first_token` and `between_tokens` go on while an upstream sends nothing else.
- Usage is taken from wherever the upstream puts it; where it tells none, or tells it before the end, we count.
- An upstream's `retry-after` (also in milliseconds, or as a date by its own clock) goes to the caller, a day at most.

"""


def settings_page() -> str:
    """Return the page of all settings."""
    known = msgspec.json.schema(Settings)["$defs"]
    named = {f"#/$defs/{struct}": title for title, struct in SECTIONS.items()}
    return SETTINGS + "\n".join("\n".join(_section(title, known[struct], named)) for title, struct in SECTIONS.items())


def _section(title: str, struct: dict[str, Any], named: dict[str, str]) -> Iterator[str]:
    """Yield the lines of one section; *named* are the titles of the structs, by their reference."""
    yield f"## `{title}`\n\n{struct['description']}\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    for key, field in struct["properties"].items():
        default = "required" if key in struct["required"] else _default(field["default"])
        yield f"| `{key}` | {_value(field, named)} | {default} | {field['description']} |"
    yield ""


def _value(field: dict[str, Any], named: dict[str, str]) -> str:
    """Return what a *field* takes, in words."""
    if "anyOf" in field:
        return " or ".join(_value(one, named) for one in field["anyOf"] if one.get("type") != "null")
    if "$ref" in field:
        title = named[field["$ref"]]
        return f"a table: [{title}](#{title})"
    if "enum" in field:
        return " or ".join(f'`"{word}"`' for word in field["enum"])
    if field["type"] == "array":
        return "list of text" if field["items"]["type"] == "string" else "list of numbers"
    kind = {"string": "text", "boolean": "`true` or `false`", "integer": "whole number", "number": "number"}
    return kind[field["type"]] + "".join(_limits(field))


def _limits(field: dict[str, Any]) -> Iterator[str]:
    """Yield the limits of a number."""
    if "exclusiveMinimum" in field:
        yield f" above {field['exclusiveMinimum']}"
    if "minimum" in field:
        yield f" from {field['minimum']}"
    if "maximum" in field:
        yield f" to {field['maximum']}"


def _default(value: Any) -> str:
    """Return a default as it would stand in the file; a table's keys have defaults of their own."""
    if value is None:
        return "none"
    return "its own" if isinstance(value, dict) else f"`{msgspec.json.encode(value).decode()}`"


def commands_page() -> str:
    """Return the page of all commands."""
    return COMMANDS + "\n".join("\n".join(_command(path, it)) for path, it in _commands("parley", _root()))


def _root() -> Any:
    return typer.main.get_command(app)


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield every command below *command* that does something, and how it is called."""
    inner = getattr(command, "commands", None)
    if inner is None or command.invoke_without_command:
        yield path, command
    for name, one in (inner or {}).items():
        yield from _commands(f"{path} {name}", one)


def _command(path: str, command: Any) -> Iterator[str]:
    """Yield the lines of one command."""
    shown = [param for param in command.params if not getattr(param, "hidden", False)]
    arguments = [param for param in shown if param.param_type_name == "argument"]
    usage = " ".join([path, *(_placeholder(one) if one.required else f"[{_placeholder(one)}]" for one in arguments)])
    yield f"## `{usage}`\n\n{command.help}\n"
    if shown:
        yield "| option | meaning |\n|---|---|"
    for param in shown:
        yield f"| `{_call(param)}` | {_meaning(param)} |"
    if shown:
        yield ""


def _placeholder(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _call(param: Any) -> str:
    """Return how *param* is given."""
    if param.param_type_name == "argument":
        return _placeholder(param)
    return param.opts[0] if param.is_flag else f"{param.opts[0]} {_placeholder(param)}"


def _meaning(param: Any) -> str:
    """Return what *param* means, its default and the variable that sets it."""
    text = str(param.help or f"The {param.name}.")
    if param.default not in (None, "", False):
        text += f" Default: `{param.default}`."
    return text + (f" Environment: `{param.envvar}`." if getattr(param, "envvar", None) else "")


def faults_page() -> str:
    """Return the page of what upstreams do wrong."""
    return FAILING + "\n".join("\n".join(_faults(title, rows)) for title, rows in FAULTS.items())


def _faults(title: str, rows: list[Row]) -> Iterator[str]:
    """Yield the lines of one table; rows that differ only in being whole or streamed are told once."""
    yield f"## {title}\n"
    yield "| the upstream's fault | asked | the caller sees | attempts | ledger |\n|---|---|---|---|---|"
    told: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        rest = (row.told, row.seen, str(row.attempts), f"`{row.outcome}`")
        told.setdefault(rest, []).append("streamed" if row.streamed else "whole")
    for (fault, *rest), asked in told.items():
        yield f"| {fault} | {', '.join(asked)} | {' | '.join(rest)} |"
    yield ""


PAGES: dict[Path, Callable[[], str]] = {
    REFERENCE / "settings.md": settings_page,
    REFERENCE / "commands.md": commands_page,
    REFERENCE / "faults.md": faults_page,
}


def main() -> None:
    """Write the pages."""
    for path, page in PAGES.items():
        path.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
