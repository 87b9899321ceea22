"""A request as it came in over HTTP."""

from parley.errors import ParleyError


class Request:
    """One HTTP request.

    path has no query in it; headers has lower-case names; repeated names those that came more than once, of which the
    last one stands; params are the named parts of the path; refusal says why the body could not be taken.
    """

    __slots__ = (
        "arrived",
        "at",
        "body",
        "chunks",
        "headers",
        "id",
        "keep_alive",
        "method",
        "params",
        "path",
        "query_string",
        "refusal",
        "repeated",
    )

    def __init__(self, method: str, path: str, query_string: str, headers: dict[bytes, bytes]) -> None:
        self.method = method
        self.path = path
        self.query_string = query_string
        self.headers = headers
        self.repeated: frozenset[bytes] = frozenset()
        self.body = b""
        self.params: dict[str, str] = {}
        self.id = ""
        self.at = 0
        self.arrived = 0.0
        self.keep_alive = True
        self.chunks = True
        self.refusal: ParleyError | None = None

    def header(self, name: bytes) -> str | None:
        """Return one header as text, or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")
