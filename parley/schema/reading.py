"""Reading a request: one typed decode; when it fails, `InvalidRequest` in OpenAI's words.

The good path is msgspec's alone. A body that is not JSON, is not UTF-8 where it is read, is nested too deep,
or holds a number that nothing can hold is refused like any other wrong one.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from parley.errors import InvalidRequest
from parley.schema.faults import explain, short
from parley.schema.places import UNREADABLE, fields

__all__ = ["convert", "names", "once", "read", "short"]

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_BLANKS = b" \n\r\t"
_encode = msgspec.json.Encoder().encode
_UNPARSED = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. This API expects a JSON payload, but what was sent was not valid JSON: {}.)"
)


def read(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return *body* as the type of *decoder*, or raise `InvalidRequest` with OpenAI's message and code."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise explain(str(error), body, decoder.type) from None
    except UNREADABLE as error:
        raise InvalidRequest(_UNPARSED.format(_reason(error))) from None


def once(body: bytes, fields: Mapping[str, msgspec.Raw]) -> bytes:
    """Return *body*, an object with these *fields*; where it may name one of them twice, the fields themselves.

    Who decides by the last and passes on both is deceived where the next one reads the first. A member that is named
    again shows as signs besides blanks that no field accounts for; so does a name with an escape in it, which does no
    harm.
    """
    names = "".join(fields)
    signs = 1 + 4 * len(fields) + len(names)  # braces, and for each two quotes, a colon and a comma
    if signs + sum(map(len, fields.values())) == len(body):
        return body
    signs -= sum(names.count(chr(blank)) for blank in _BLANKS)
    signs += sum(len(bytes(value).translate(None, _BLANKS)) for value in fields.values())
    return body if signs == len(body.translate(None, _BLANKS)) else _encode(fields)


def _reason(error: Exception) -> str:
    """Return, without the client's own words, why a body is no JSON."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 ({error.reason})"
    if str(error) == "Input data was truncated":
        return "it ends too early, or holds half of a surrogate pair"
    return str(error).removeprefix("JSON is malformed: ")


def convert(fields: Mapping[str, Any], kind: type[S]) -> S:
    """Return the text *fields* of a query as *kind*, numbers from their digits; or raise `InvalidRequest`."""
    try:
        return msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise explain(str(error), msgspec.json.encode(fields), kind) from None


def names(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of all parameters that the request *kind* documents."""
    return frozenset(fields(kind))
