"""Administration: who may, and what an errand is. Each errand is one step of a module beside this one."""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from parley.core.call import Call, Caller
from parley.core.reply import Reply
from parley.house import House
from parley.schema.admin import Deleted, read_query
from parley.schema.reading import read
from parley.store.administration import Administration
from parley.store.pages import Window

T = TypeVar("T")
L = TypeVar("L", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Errand:
    """What an administrator asks: params are the named parts of the path, query is the string after `?`."""

    house: House
    call: Call
    params: dict[str, str]
    query: str

    @property
    def books(self) -> Administration:
        """Return what is worked on."""
        return self.house.administration

    @property
    def project(self) -> str:
        """Return the id of the project that is named."""
        return self.params["project_id"]

    def body(self, decoder: msgspec.json.Decoder[T]) -> T:
        """Return what the body says. Raises InvalidRequest."""
        return read(self.call.body, decoder)

    def listing(self, kind: type[L]) -> L:
        """Return which part of a list is wanted. Raises InvalidRequest."""
        return read_query(self.query, kind)


async def enter(errand: Errand, reply: Reply) -> Caller:
    """Let the caller of *errand* administrate, and return who it is.

    Raises Unauthenticated, Forbidden, or why it could not be read.
    """
    caller = await errand.house.keys.identify(errand.call)
    reply.authenticated = True
    errand.house.access.administrate(caller)
    if errand.call.refusal is not None:
        raise errand.call.refusal
    return caller


def window(listing: msgspec.Struct) -> Window:
    """Return the part of a list that *listing* wants."""
    wanted = msgspec.structs.asdict(listing)
    return Window(**{name: value for name, value in wanted.items() if name in Window.__struct_fields__})


def deleted(name: str, kind: str) -> Deleted:
    """Return what is left of the *kind* of object with the id *name*."""
    return Deleted(name, f"{kind}.deleted")
