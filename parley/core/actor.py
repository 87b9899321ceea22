"""Who does what is being done in administration: the person at the command line, or the admin key of a request.

`acting` names the key for the time of its request, in that request's task alone; where nobody said otherwise it is the
user of the operating system whose process this is. How it fails: not; a user without a name goes by their number.
"""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_acting: ContextVar[str] = ContextVar("actor", default="")


def actor() -> str:
    """Return who acts: the id of an admin key, or `cli:NAME`."""
    return _acting.get() or f"cli:{_user()}"


@contextmanager
def acting(key: str) -> Iterator[None]:
    """Let the key with this id be who acts."""
    token = _acting.set(key)
    try:
        yield
    finally:
        _acting.reset(token)


def _user() -> str:
    """Return the name of the user whose process this is."""
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
