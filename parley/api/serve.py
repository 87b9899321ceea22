"""From a request to its reply: the one place where a request's task begins and where every error ends.

A `ParleyError` becomes OpenAI's body; anything else is a fault of ours: logged with its trace, told as a plain 500.
When the client hangs up, the task is cancelled (by the door); the flow settles on its way out and nobody is told.
"""

import asyncio
from urllib.parse import unquote

import structlog

from parley.api.door import Door
from parley.api.reply import HttpReply
from parley.api.request import Request
from parley.api.routes import Route
from parley.core.call import request_id
from parley.errors import NotAllowed, NotFound, ParleyError, ShuttingDown, StreamInterrupted, Unauthenticated
from parley.house import House
from parley.policies.keys import shown

log = structlog.get_logger()

ORGANIZATION = "/v1/organization"
FORWARDED = 200  # signs of what a client or a proxy says of where a request is from


class Table:
    """The routes, found by method and path."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[list[str], dict[str, Route]]] = []
        for route in routes:
            methods = self._exact.setdefault(route.path, {})
            methods[route.method] = route
        for path in [path for path in self._exact if "{" in path]:
            self._patterns.append((path.split("/"), self._exact.pop(path)))

    def find(self, request: Request) -> Route:
        """Return the route of *request* and set its params. Raises NotFound, NotAllowed."""
        methods = self._exact.get(request.path) or self._match(request)
        if methods is None:
            raise NotFound(f"Invalid URL ({request.method} {request.path}).{self._instead(request.path)}")
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            raise NotAllowed(
                f"Not allowed to {request.method} on {request.path}. Allowed: {', '.join(sorted(methods))}."
            )
        return route

    def _instead(self, path: str) -> str:
        """Return what may help who asked for *path*: a path that is like it, or all of the API's."""
        for like in ("/v1" + path, path.rstrip("/"), path.removeprefix("/v1")):
            if like in self._exact:
                return f" Did you mean {like}?"
        if not path.startswith("/v1/"):
            return ""
        administers = path.startswith(ORGANIZATION)
        told = [known for known in self._exact if known.startswith("/v1/")]
        served = ", ".join(known for known in told if known.startswith(ORGANIZATION) == administers)
        return f" This endpoint is not served here; these are: {served}."

    def allowed(self, path: str) -> str:
        """Return the methods of *path*, for the `Allow` header."""
        request = Request("", path, "", {})
        return ", ".join(sorted(self._exact.get(path) or self._match(request) or ()))

    def _match(self, request: Request) -> dict[str, Route] | None:
        parts = request.path.split("/")
        for pattern, methods in self._patterns:
            params = _params(pattern, parts)
            if params is not None:
                request.params = params
                return methods
        return None


def _params(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    """Return the params of *parts* under *pattern*, or None; a last `{name}` takes all that is left."""
    rest = pattern[-1].startswith("{model")  # a model's name may have slashes in it
    if len(parts) < len(pattern) or (len(parts) > len(pattern) and not rest):
        return None
    if rest:
        parts = [*parts[: len(pattern) - 1], "/".join(parts[len(pattern) - 1 :])]
    params: dict[str, str] = {}
    for name, part in zip(pattern, parts, strict=True):
        if name.startswith("{") and part:
            params[name[1:-1]] = unquote(part)
        elif name != part:
            return None
    return params


class Service:
    """Takes requests and sees each to its end."""

    def __init__(self, house: House, table: Table) -> None:
        self._house = house
        self._table = table
        self.settings = house.settings.server
        self.clock = house.clock

    async def take(self, request: Request, door: Door) -> None:
        """Answer *request* through *door*."""
        request.at = self.clock.now()
        request.id = request_id(request.at)
        request.arrived = self.clock.monotonic()
        reply = HttpReply(door, self.clock, request.id, request.arrived)
        try:
            await self._table.find(request).endpoint(request, reply, self._house)
        except ParleyError as error:
            self._fail(reply, error, request, door)
        except asyncio.CancelledError:
            if not reply.sent:  # to a client that left nothing is told, but to who resumes its stream
                self._fail(reply, StreamInterrupted() if reply.left else ShuttingDown(), request, door)
            raise
        except Exception:
            log.exception("a fault of ours", request=request.id, path=request.path)
            self._fail(reply, ParleyError(), request, door)

    def refuse(self, error: ParleyError, door: Door) -> None:
        """Answer a request that never became whole."""
        HttpReply(door, self.clock, request_id(self.clock.now()), self.clock.monotonic()).fail(error)

    def _fail(self, reply: HttpReply, error: ParleyError, request: Request, door: Door) -> None:
        extra = b""
        if isinstance(error, Unauthenticated):
            self._house.counts.unauthenticated += 1
            log.info(
                "no valid key",
                request=request.id,
                path=request.path,
                client=door.client,
                forwarded_for=(request.header(b"x-forwarded-for") or "")[:FORWARDED] or None,  # as the client says
                key=shown(request.header(b"authorization")),
            )
        if isinstance(error, NotAllowed):
            extra = b"allow: %b\r\n" % self._table.allowed(request.path).encode()
        reply.fail(error, extra)
