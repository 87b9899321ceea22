"""A call: what a client asked of us, and who it is."""

from random import getrandbits
from typing import Any

import msgspec

from parley.core.rules import Rule
from parley.errors import InvalidRequest, ParleyError

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def request_id(at: int) -> str:
    """Return a new id in the form of OpenAI's `x-request-id` for a request that came *at* (nanoseconds since 1970).

    It begins with the time, so that ids grow and the ledger's index is only ever added to at its end.
    """
    return f"req_{at:016x}{getrandbits(64):016x}"


class Caller(msgspec.Struct, frozen=True):
    """Who calls: the key that was shown, the project it belongs to, and the rules for both.

    fit: whether a budget that is nearly used up makes answers shorter instead of refusing them.
    open: whether calls are answered, without their limits, while the database is away.
    drain: whether a stream that has begun goes on to its end, into the stream log, when its client hangs up.
    """

    key_id: str
    project: str
    prefix: str
    admin: bool = False
    fit: bool = False
    open: bool = False
    drain: bool = False
    rules: tuple[Rule, ...] = ()
    expires_at: int | None = None  # nanoseconds since 1970
    project_id: str = ""


class Once(msgspec.Struct, frozen=True):
    """A call that must not happen twice: its `Idempotency-Key`, and the SHA-256 of what is asked under it.

    repeated: whether more than one key came with it.
    """

    key: str
    digest: bytes
    repeated: bool = False


class Call:
    """What a client asked.

    operation: the API's name for it, such as `chat.completions`.
    ask: the decoded request (a struct of `parley.schema`), once the flow has read it.
    refusal: why the request could not even be read (too large, say); the flow raises it once it knows who calls.
    streamed: whether the client wants events instead of one body.
    retried: whether its client has asked before and asks again by itself, so that we need not.
    begun: the beginning of the answer, where another target has said it and somebody is to go on.
    once: what it is told apart by, should it come again; None where the client did not say.
    cap: how many tokens each answer may have, where we say so and not the client. most: how many all of them may, where
    a budget holds their price. standings: how its limits stand.
    hold: what it may have taken of them, to be given back when it ends. unmetered: whether it goes on without that.
    """

    __slots__ = (
        "_fields",
        "arrived",
        "ask",
        "at",
        "authorization",
        "begun",
        "body",
        "cap",
        "client",
        "hold",
        "id",
        "most",
        "once",
        "operation",
        "refusal",
        "retried",
        "standings",
        "streamed",
        "unmetered",
    )

    def __init__(  # noqa: PLR0913 - the fields of a value
        self,
        operation: str,
        body: bytes,
        authorization: str | None,
        *,
        at: int,
        arrived: float,
        client: str = "",
        once: Once | None = None,
        refusal: ParleyError | None = None,
        retried: bool = False,
        id: str,  # noqa: A002 - it is the call's id
    ) -> None:
        self.operation = operation
        self.body = body
        self.authorization = authorization
        self.at = at
        self.arrived = arrived
        self.client = client
        self.once = once
        self.refusal = refusal
        self.retried = retried
        self.id = id
        self.begun: str | None = None
        self.ask: Any = None
        self.streamed = False
        self.cap: int | None = None
        self.most: int | None = None
        self.standings: list[Any] = []
        self.hold: Any = None
        self.unmetered = False
        self._fields: dict[str, msgspec.Raw] | None = None

    def take(self, ask: Any) -> None:
        """Note what the request was found to ask."""
        self.ask = ask
        self.streamed = bool(getattr(ask, "stream", False))

    @property
    def model(self) -> str | None:
        """Return the model that is asked for, also of a request that is wrong otherwise; None if there is none."""
        if self.ask is not None:
            return str(self.ask.model)
        try:
            return msgspec.json.decode(self.fields["model"], type=str)
        except (InvalidRequest, KeyError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def fields(self) -> dict[str, msgspec.Raw]:
        """Return the top-level members of the body, each as the client's own bytes."""
        if self._fields is None:
            try:
                self._fields = _fields.decode(self.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise InvalidRequest(f"We could not parse the JSON body of your request: {error}.") from error
        return self._fields
