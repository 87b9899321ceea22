"""A mistake in a tree of settings, in words: its path, and what may stand there.

msgspec says what it expected in Python's words, and calls the entries of a table of tables `[...]`. Here a complaint of
its becomes `upstreams.main.kind: must be "openai", not "telepathy"`. What stands there is repeated only where it is a
number or one of a few words, for elsewhere it may be a secret. Fails never: what it does not know is told as it came.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.inspect import (
    BoolType,
    DictType,
    Field,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StructType,
    Type,
    UnionType,
    type_info,
)

_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_QUOTED = {"models"}  # tables whose names may have any sign in them
_LONGEST_WORD = 40


def told(complaint: str, tree: Mapping[str, Any], kind: type) -> tuple[str, str]:
    """Return the path of what msgspec's *complaint* about *tree* (to be a *kind*) means, and what is wrong with it.

    The path is empty where the complaint is a sentence of ours that names it.
    """
    text, _, path = complaint.partition(" - at `$")
    place, value, form = _place(text, path.rstrip("`"), tree, kind)
    found = re.fullmatch(r"Object (contains unknown|missing required) field `(.+)`", text)
    if found:
        place = f"{place}.{found[2]}".lstrip(".")
        if found[1] == "missing required":
            return place, "this setting is missing"
        return place, f"there is no such setting{_meant(found[2], form, kind)}"
    if text.startswith(("Expected ", "Invalid enum value ")):
        return place, f"must be {' or '.join(_forms(form))}, not {_shown(value, form)}"
    named = re.match(r"(\w+): ", text)  # a sentence of ours about one setting of the table
    if named and named[1] in _names(form):
        return f"{place}.{named[1]}".lstrip("."), text.removeprefix(named[0])
    return place, text


def _meant(name: str, form: Type, kind: type) -> str:
    """Return the question which setting was meant: one of the same table, or else one of another, by its path."""
    for known in ({near: near for near in _names(form)}, dict(_paths(type_info(kind)))):
        if found := difflib.get_close_matches(name, known, 1):
            return f"; did you mean {known[found[0]]}?"
    return ""


def _names(form: Type) -> list[str]:
    """Return the settings of the table that *form* is."""
    return [field.name for one in _options(form) if isinstance(one, StructType) for field in one.fields]


def _paths(form: Type, within: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting below *form*: its name and its path, the first of a name last."""
    for one in _options(form):
        if isinstance(one, DictType):
            yield from _paths(one.value_type, f"{within}NAME.")
        for field in reversed(one.fields) if isinstance(one, StructType) else ():
            yield from _paths(field.type, f"{within}{field.name}.")
            yield field.name, within + field.name


def _place(text: str, path: str, tree: Any, kind: type) -> tuple[str, Any, Type]:
    """Return the whole *path*, the value there, and what is expected of it."""
    place, value, form = "", tree, type_info(kind)
    for step in _STEP.finditer(path):
        name, number = step.groups()
        if name:
            value, form = value.get(name), _field(form, name).type
            place = f"{place}.{name}".lstrip(".")
        elif number == "...":
            inner = next(one.value_type for one in _options(form) if isinstance(one, DictType))
            rest = path[step.end() :]
            key = _wrong(value, inner, f"{text} - at `${rest}`" if rest else text)
            place += f'."{key}"' if place in _QUOTED else f".{key}"
            value, form = value.get(key), inner
        else:
            inner = next(one.item_type for one in _options(form) if isinstance(one, ListType))
            place, value, form = f"{place}[{number}]", value[int(number)], inner
    return place, value, form


def _wrong(table: Mapping[str, Any], form: Type, complaint: str) -> str:
    """Return the name of the entry of *table* that msgspec's *complaint* is about."""
    [kind] = [one.cls for one in _options(form) if isinstance(one, StructType)]
    for name, entry in table.items():
        try:
            msgspec.convert(entry, kind)
        except msgspec.ValidationError as error:
            if str(error) == complaint:
                return name
    return "NAME"


def _field(form: Type, name: str) -> Field:
    """Return the field *name* of a table."""
    structs = [one for one in _options(form) if isinstance(one, StructType)]
    return next(field for one in structs for field in one.fields if field.name == name)


def _options(form: Type) -> list[Type]:
    """Return what *form* may be, one by one."""
    if isinstance(form, Metadata):
        return _options(form.type)
    return [one for part in form.types for one in _options(part)] if isinstance(form, UnionType) else [form]


def _forms(form: Type) -> Iterator[str]:
    """Yield what may stand where *form* is expected, as it would stand in the file."""
    for one in _options(form):
        if isinstance(one, LiteralType):
            yield from (f'"{word}"' for word in one.values)
        elif isinstance(one, IntType | FloatType):
            yield _number(one)
        elif isinstance(one, ListType):
            yield f"a list of {next(_forms(one.item_type))}" + (", at least one" if one.min_length else "")
        elif isinstance(one, StructType | DictType):
            yield getattr(getattr(one, "cls", None), "FORM", "a table")
        elif not isinstance(one, NoneType):
            yield "true or false" if isinstance(one, BoolType) else "text"


def _number(form: IntType | FloatType) -> str:
    """Return what a number must be."""
    words = "a whole number" if isinstance(form, IntType) else "a number"
    words += "" if form.ge is None else f" from {form.ge}"
    words += "" if form.gt is None else f" above {form.gt:g}"
    return words + ("" if form.le is None else f" to {form.le}")


def _shown(value: Any, form: Type) -> str:
    """Return what stands there, or what kind of thing it is."""
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, str):
        word = any(isinstance(one, LiteralType) for one in _options(form)) and len(value) <= _LONGEST_WORD
        return f'"{value}"' if word else "text"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "a table" if isinstance(value, dict) else "a date or a time"
