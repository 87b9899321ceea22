"""What is wrong with a request, said as OpenAI says it.

msgspec tells the first thing it minds as one line of text; `explain` turns that line, the type and the body
into `InvalidRequest` with OpenAI's message, param and code. Nothing here fails: what it cannot say better, it
says plainly.
"""

import re
from collections.abc import Callable
from typing import Any, Final, Literal, get_args, get_origin

from parley.errors import InvalidRequest
from parley.schema.places import Place, find, length, options, structs, text

_WHERE: Final = re.compile(r"^(?P<fault>.*?)(?: - at (?P<key>`key` in )?`(?P<where>\$[^`]*)`)?$", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_WRONG: Final = re.compile(r"Invalid (?:enum )?value ")
_RANGE: Final = re.compile(r"Expected `(int|float)` (<=|>=) (\S+)")
_LENGTH: Final = re.compile(r"Expected `(str|array|object)` of length (<=|>=) (\d+)")
_PATTERN: Final = re.compile(r"Expected `str` matching regex ['\"](.*)['\"]", re.DOTALL)
_HUGE: Final = re.compile(r"(?:Number|Integer value) out of range")
_TYPE: Final = re.compile(r"Expected `[^`]*`(?:, got `(\w+)`)?$")

_GOT: Final = {
    "int": "an integer",
    "float": "a decimal",
    "str": "a string",
    "bool": "a boolean",
    "null": "null",
    "array": "an array",
    "object": "an object",
}
_FIRST_BYTE: Final = {
    '"': "str",
    "{": "object",
    "[": "array",
    "t": "bool",
    "f": "bool",
    "n": "null",
}
_NOUNS: Final = {str: "string", int: "integer", float: "decimal", bool: "boolean"}
_LENGTHS: Final = {
    ("str", "<="): (
        "string too long",
        "a string with maximum length {}",
        "length",
        "string_above_max_length",
    ),
    ("str", ">="): (
        "string too short",
        "a string with minimum length {}",
        "length",
        "string_below_min_length",
    ),
    ("array", "<="): (
        "array too long",
        "an array with maximum length {}",
        "length",
        "array_above_max_length",
    ),
    ("array", ">="): (
        "array too short",
        "an array with minimum length {}",
        "length",
        "array_below_min_length",
    ),
    ("object", "<="): (
        "too many properties",
        "an object with at most {} properties",
        "properties",
        "object_above_max_properties",
    ),
}
_NO_MODEL: Final = "you must provide a model parameter"
_LONGEST_ECHO: Final = 100


def short(value: str) -> str:
    """Return *value*, cut if it is too long to be repeated in a message."""
    return value if len(value) <= _LONGEST_ECHO else value[:_LONGEST_ECHO] + "..."


def explain(told: str, body: bytes, kind: Any) -> InvalidRequest:
    """Return the error for what msgspec *told* of *body*, which was to be read as *kind*."""
    fault, key, where = _split(told)
    place = find(where, body, kind)
    if key:
        return _bad_key(fault, place)
    for pattern, say in _SAYINGS:
        if match := pattern.match(fault):
            return say(place, match)
    return _error(f"Invalid '{short(place.path)}': {fault}.", place, "invalid_value")


def _split(told: str) -> tuple[str, bool, str]:
    """Return the fault, whether it is in a mapping's key, and msgspec's path to it (empty: the body)."""
    match = _WHERE.match(told)
    if match is None:
        return told, False, ""
    return match["fault"], bool(match["key"]), match["where"] or ""


def _error(message: str, place: Place, code: str | None) -> InvalidRequest:
    """Return the error at *place*."""
    return InvalidRequest(message, param=short(place.path) or None, code=code)


def _missing(place: Place, match: re.Match[str]) -> InvalidRequest:
    """Say that a member is missing."""
    place = place.member(match[1])
    if place.path == "model":
        return InvalidRequest(_NO_MODEL)
    message = f"Missing required parameter: '{short(place.path)}'."
    return _error(message, place, "missing_required_parameter")


def _unknown(place: Place, match: re.Match[str]) -> InvalidRequest:
    """Say that a member is none that we know."""
    place = place.member(match[1])
    return _error(f"Unknown parameter: '{short(place.path)}'.", place, "unknown_parameter")


def _wrong(place: Place, _: re.Match[str]) -> InvalidRequest:
    """Say which values there are."""
    values = [f"'{value}'" for one in options(place.kind) if get_origin(one) is Literal for value in get_args(one)]
    got = text(place.raw)
    message = f"Invalid value: '{short(got)}'." if got is not None else f"Invalid value for '{short(place.path)}'."
    return _error(f"{message} Supported values are: {_list(values, 'and')}.", place, "invalid_value")


def _out_of_range(place: Place, match: re.Match[str]) -> InvalidRequest:
    """Say that a number is too large or too small, and by which bound."""
    noun = "integer" if match[1] == "int" else "decimal"
    above = match[2] == "<="
    bound = match[3] if noun == "integer" else f"{float(match[3]):g}"
    message = (
        f"Invalid '{short(place.path)}': {noun} {'above maximum' if above else 'below minimum'} value. "
        f"Expected a value {match[2]} {bound}, but got {_number(place)} instead."
    )
    return _error(message, place, f"{noun}_{'above_max' if above else 'below_min'}_value")


def _no_number(place: Place, match: re.Match[str]) -> InvalidRequest:
    """Say that a number is larger than any computer's."""
    noun = "integer" if match[0].startswith("Integer") else "decimal"
    above = not (place.raw or b"").startswith(b"-")
    side = "above maximum" if above else "below minimum"
    message = f"Invalid '{short(place.path)}': {noun} {side} value, got {_number(place)}."
    return _error(message, place, f"{noun}_{'above_max' if above else 'below_min'}_value")


def _number(place: Place) -> str:
    """Return a number as the client wrote it."""
    return short((place.raw or b"it").decode(errors="replace").strip('"'))


def _wrong_length(place: Place, match: re.Match[str]) -> InvalidRequest:
    """Say that a string, array or object is too long or too short."""
    if place.path == "model":
        return InvalidRequest(_NO_MODEL)
    had, bound = length(place.raw), match[3]
    fault, expected, unit, code = _LENGTHS[match[1], match[2]]
    noun = _GOT[match[1]]
    got = f"{noun} with {unit} {had}" if unit == "length" else f"{noun} with {had} {unit}"
    if had == 0:
        bare = noun.partition(" ")[2]
        fault, got, code = f"empty {bare}", f"an empty {bare}", f"empty_{bare}"
    message = f"Invalid '{short(place.path)}': {fault}. Expected {expected.format(bound)}, but got {got} instead."
    return _error(message, place, code)


def _wrong_pattern(place: Place, match: re.Match[str]) -> InvalidRequest:
    """Say what a string has to look like."""
    message = (
        f"Invalid '{short(place.path)}': string does not match pattern. "
        f"Expected a string that matches the pattern '{_pattern(match)}'."
    )
    return _error(message, place, "invalid_value")


def _pattern(match: re.Match[str]) -> str:
    """Return the regular expression that msgspec quotes, in the dialect of everybody else."""
    return match[1].replace("\\\\", "\\").replace("\\Z", "$")


def _wrong_type(place: Place, match: re.Match[str]) -> InvalidRequest:
    """Say what type was expected, and what came."""
    got = _GOT[match[1] or _type_of(place.raw)]
    if not place.path:
        return InvalidRequest(
            f"Invalid body: expected {_expected(place.kind)}, but got {got} instead.", code="invalid_type"
        )
    message = f"Invalid type for '{short(place.path)}': expected {_expected(place.kind)}, but got {got} instead."
    return _error(message, place, "invalid_type")


def _type_of(raw: bytes | None) -> str:
    """Return msgspec's word for the type of a JSON value."""
    first = (raw or b"n")[:1].decode(errors="replace")
    return _FIRST_BYTE.get(first) or ("float" if set(raw or b"") & set(b".eE") else "int")


def _bad_key(fault: str, place: Place) -> InvalidRequest:
    """Say that a mapping has a key that it may not have."""
    if match := _PATTERN.match(fault):
        what = f"Expected keys that match the pattern '{_pattern(match)}'."
        return _error(f"Invalid key in '{short(place.path)}'. {what}", place, "invalid_value")
    match = _LENGTH.match(fault)
    what = f"Expected keys with maximum length {match[3]}." if match else f"{fault}."
    return _error(f"Invalid key in '{short(place.path)}': string too long. {what}", place, "string_above_max_length")


def _expected(kind: Any) -> str:
    """Return what may stand where *kind* is expected: `one of a string or array of objects`."""
    nouns = list(dict.fromkeys(noun for one in options(kind) if (noun := _noun(one))))
    article = "an" if nouns and nouns[0][0] in "aio" else "a"
    if len(nouns) == 1:
        return f"{article} {nouns[0]}"
    return f"one of {article} {_list(nouns, 'or')}"


def _noun(kind: Any) -> str:
    """Return the everyday word for a type; empty for null, which OpenAI never names."""
    if get_origin(kind) is list:
        items = dict.fromkeys(noun.partition(" ")[0] for one in options(get_args(kind)[0]) if (noun := _noun(one)))
        return f"array of {_list([item + 's' for item in items], 'or')}" if items else "array"
    if structs(kind) or kind is dict or get_origin(kind) is dict:
        return "object"
    if get_origin(kind) is Literal:
        return "string"
    return _NOUNS.get(kind, "")


def _list(words: list[str], last: str) -> str:
    """Return *words* as they are listed in a sentence."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


_SAYINGS: Final[list[tuple[re.Pattern[str], Callable[[Place, re.Match[str]], InvalidRequest]]]] = [
    (_MISSING, _missing),
    (_UNKNOWN, _unknown),
    (_WRONG, _wrong),
    (_RANGE, _out_of_range),
    (_LENGTH, _wrong_length),
    (_PATTERN, _wrong_pattern),
    (_HUGE, _no_number),
    (_TYPE, _wrong_type),
]
