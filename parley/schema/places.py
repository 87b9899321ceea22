"""Where in a request something is wrong: follows msgspec's path through the body and the type beside it.

Only the error path comes here. The body is opened one level at a time, each member kept as bytes, so nothing
beside the path (a number too large for anything, say) can get in the way.
"""

import re
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON it can hold."""


class Place(NamedTuple):
    """A place in a body: OpenAI's path, the type expected there, and the bytes found (None: not known)."""

    path: str
    kind: Any
    raw: bytes | None

    def member(self, name: str) -> "Place":
        """Return the place of a named member."""
        path = f"{self.path}.{name}" if self.path else name
        return Place(path, _field(self.kind, name, self.raw), _member(self.raw, name))

    def item(self, index: int) -> "Place":
        """Return the place of an array's item."""
        kinds = [get_args(kind)[0] for kind in options(self.kind) if get_origin(kind) is list]
        return Place(f"{self.path}[{index}]", kinds[0] if kinds else Any, _item(self.raw, index))

    def entry(self) -> "Place":
        """Return the place of the first entry of a mapping that is wrong; msgspec does not tell its key."""
        kinds = [get_args(kind)[1] for kind in options(self.kind) if get_origin(kind) is dict]
        kind = kinds[0] if kinds else Any
        for key, raw in _opened(self.raw).items():
            try:
                msgspec.json.decode(raw, type=kind)
            except UNREADABLE:
                return Place(f"{self.path}.{key}", kind, bytes(raw))
        return Place(self.path, kind, None)


def find(where: str, body: bytes, kind: Any) -> Place:
    """Return the place in *body*, read as *kind*, that msgspec calls *where* (`$.messages[0].content`)."""
    place = Place("", kind, body)
    for name, index in _STEP.findall(where):
        if name:
            place = place.member(name)
        elif index == "...":
            place = place.entry()
        else:
            place = place.item(int(index))
    return place


def options(kind: Any) -> Iterator[Any]:
    """Yield the types that *kind* is a choice of, without their limits."""
    if get_origin(kind) is Annotated:
        yield from options(get_args(kind)[0])
    elif get_origin(kind) in (Union, types.UnionType):
        for one in get_args(kind):
            yield from options(one)
    else:
        yield kind


def structs(kind: Any) -> list[type[msgspec.Struct]]:
    """Return the structs among the choices of *kind*."""
    return [one for one in options(kind) if isinstance(one, type) and issubclass(one, msgspec.Struct)]


def _field(kind: Any, name: str, raw: bytes | None) -> Any:
    """Return the type of the field *name*; of the tag, where that is its name, all the values it may have."""
    found = structs(kind)
    tags = [one.__struct_config__.tag for one in found if one.__struct_config__.tag_field == name]
    if tags:
        return Literal[tuple(tags)]
    if len(found) > 1:
        told = text(_member(raw, str(found[0].__struct_config__.tag_field)))
        found = [one for one in found if one.__struct_config__.tag == told]
    return next((fields(one)[name] for one in found if name in fields(one)), Any)


@cache
def fields(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the type of each field of *struct*, by its name in JSON."""
    return {field.encode_name: field.type for field in msgspec.structs.fields(struct)}


def text(raw: bytes | None) -> str | None:
    """Return the string that *raw* is; None if it is none."""
    try:
        return msgspec.json.decode(raw, type=str) if raw else None
    except UNREADABLE:
        return None


def length(raw: bytes | None) -> int | None:
    """Return how long the string, array or object *raw* is; None if it has no length."""
    try:
        found = msgspec.json.decode(raw, type=str | list[msgspec.Raw] | dict[str, msgspec.Raw]) if raw else None
    except UNREADABLE:
        return None
    return None if found is None else len(found)


def _opened(raw: bytes | None) -> dict[str, msgspec.Raw]:
    """Return the members of an object; none where *raw* is not one."""
    try:
        return _members.decode(raw) if raw else {}
    except UNREADABLE:
        return {}


def _member(raw: bytes | None, name: str) -> bytes | None:
    """Return the member *name* of an object, as bytes."""
    found = _opened(raw).get(name)
    return None if found is None else bytes(found)


def _item(raw: bytes | None, index: int) -> bytes | None:
    """Return the item *index* of an array, as bytes."""
    try:
        return bytes(_items.decode(raw)[index]) if raw else None
    except (*UNREADABLE, IndexError):
        return None
