"""The variables `PARLEY_SECTION__KEY`, which stand over the file.

A variable that begins like ours and sets nothing is refused, for one that is silently without effect is found late.
Left alone are those of the commands, those that the settings themselves take secrets from, and those that Kubernetes
makes of a service called parley. Fails with SettingsError, which names the variable.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from parley.errors import SettingsError

PREFIX = "PARLEY_"
ALIKE = 0.75  # all names of a section begin alike
COMMANDS = ("PARLEY_CONFIG", "PARLEY_DATA", "PARLEY_API_KEY")
_LINK = re.compile(r"PARLEY_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_LINKED = re.compile(r"(tcp|udp|sctp)://")


def overlay(
    tree: dict[str, Any], environ: Mapping[str, str], sections: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """Lay the variables over *tree*, and return which variable each path was set by.

    sections: the keys of each section whose settings can be variables. Raises SettingsError.
    """
    named = {_name(section, key): (section, key) for section, keys in sections.items() for key in keys}
    others = {*COMMANDS, *_secrets(tree)}
    found: dict[str, str] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in others or _is_link(name, text):
            continue
        if name.upper() not in named:
            raise SettingsError(_unknown(name, [*named, *COMMANDS], sections))
        section, key = named[name.upper()]
        branch = tree.setdefault(section, {})
        if isinstance(branch, dict):  # what is no section is refused by name later
            branch[key] = _value(text)
            found[f"{section}.{key}"] = name
    return found


def _name(section: str, key: str) -> str:
    return f"{PREFIX}{section}__{key}".upper()


def _value(text: str) -> Any:
    """Return what *text* means in TOML; what means nothing there is text."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _unknown(name: str, known: list[str], sections: Collection[str]) -> str:
    """Return what is wrong with the variable *name*, and what may have been meant."""
    section, joined, _ = name.removeprefix(PREFIX).lower().partition("__")
    if joined and section in {"upstreams", "models"}:
        return f"{name}: [{section}] can only stand in parley.toml; variables set {', '.join(sections)}"
    return f"{name}: there is no such setting{_meant(name.upper(), known)}"


def _meant(name: str, known: list[str]) -> str:
    """Return the question which variable was meant: one spelt like it, or one whose key it ends with."""
    bare = {one.removeprefix(PREFIX): one for one in known}
    found = difflib.get_close_matches(name.removeprefix(PREFIX), bare, 1, ALIKE)
    found = found or [one for one in bare if "__" in one and name.endswith("_" + one.partition("__")[2])]
    return f"; did you mean {bare[found[0]]}?" if found else ""


def _secrets(tree: Mapping[str, Any]) -> set[str]:
    """Return the variables that *tree* takes secrets from: `{ env = "NAME" }`, wherever it stands."""
    found: set[str] = set()
    for name, value in tree.items():
        if isinstance(value, dict):
            found |= _secrets(value)
        elif name == "env" and isinstance(value, str):
            found.add(value)
    return found


def _is_link(name: str, text: str) -> bool:
    """Tell whether Kubernetes made this variable for a service whose name begins with parley."""
    port = name.startswith(PREFIX) and name.endswith("PORT") and bool(_LINKED.match(text))
    return port or bool(_LINK.fullmatch(name))
