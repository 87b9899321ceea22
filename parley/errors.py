"""Every error Parley raises.

ParleyError                 500
├── RequestError            4xx  the client can mend it; never retried
│   ├── InvalidRequest      400  carries .param
│   ├── NoPrice             400  a model nobody has priced
│   ├── Unauthenticated     401
│   ├── Forbidden           403
│   ├── NoSuchModel         404
│   ├── NotFound            404
│   ├── NotAllowed          405
│   ├── Timeout             408
│   ├── Conflict            409
│   │   ├── KeyReused       409  an Idempotency-Key that came with another request before
│   │   └── KeyInUse        409  the first call with it has not ended; may be tried again
│   ├── TooLarge            413
│   ├── HeaderTooLarge      431
│   ├── RateLimited         429
│   └── OverBudget          429  insufficient_quota
├── UpstreamError           502  it is somebody else's fault; the next target may do better
│   ├── UpstreamRefused     400  the provider refuses the request itself: told to the client, not shopped around
│   ├── UpstreamBroken      502  it closed, sent rubbish, or answered 5xx
│   ├── UpstreamDenied      502  it did not take *our* key, or our account there has no quota left
│   ├── UpstreamMisplaced   502  it has no such endpoint: its base_url is wrong
│   ├── UpstreamLacksModel  404  it does not have the model
│   ├── UpstreamBusy        503
│   ├── UpstreamTimeout     504
│   └── UpstreamsExhausted  502
├── NotRecorded             503  the ledger could not be written: no call is answered unrecorded
├── ShuttingDown            503
├── StreamInterrupted       502  the rest of a stream was never produced
└── SettingsError           start-up only; names the path in parley.toml

Status, type and code are class attributes; the first line of the docstring is the default message.
`parley.api.render` turns one into OpenAI's body. Errors are told apart by class, never by their words.
"""

from typing import ClassVar, Literal, Self


class ParleyError(Exception):
    """The server had an error while processing your request. Sorry about that."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = "server_error"
    retriable: ClassVar[bool] = False

    def __init__(
        self,
        message: str | None = None,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").partition("\n")[0]
        self.param = param
        self.error_code = code if code is not None else self.code
        self.retry_after = retry_after
        super().__init__(self.message)

    @property
    def error_type(self) -> str:
        """OpenAI's `type` of this error."""
        return self.type


class RequestError(ParleyError):
    """The request is wrong."""

    status = 400
    type = "invalid_request_error"
    code: ClassVar[str | None] = None


class InvalidRequest(RequestError):
    """The request is invalid."""


class NoPrice(RequestError):
    """No price is known for this model."""

    code = "model_not_priced"


class Unauthenticated(RequestError):
    """You didn't provide an API key. Send it in an Authorization header: `Authorization: Bearer YOUR_KEY`."""

    status = 401


class Forbidden(RequestError):
    """You are not allowed to do this with this API key."""

    status = 403


class NoSuchModel(RequestError):
    """The model does not exist or you do not have access to it."""

    status = 404
    code = "model_not_found"


class NotFound(RequestError):
    """There is no such object."""

    status = 404


class NotAllowed(RequestError):
    """This method is not allowed here."""

    status = 405


class Timeout(RequestError):
    """The request did not arrive in time."""

    status = 408


class Conflict(RequestError):
    """The request conflicts with another."""

    status = 409


class KeyReused(Conflict):
    """The header `Idempotency-Key` has come with another request before. Send each request under a key of its own."""

    code = "idempotency_key_reused"


class KeyInUse(Conflict):
    """The first request with this `Idempotency-Key` has still not ended. Please try again later."""

    code = "idempotency_key_in_use"


class TooLarge(RequestError):
    """The request body is too large."""

    status = 413


class HeaderTooLarge(RequestError):
    """The request's header is larger than 64 KiB."""

    status = 431


class RateLimited(RequestError):
    """Rate limit reached."""

    status = 429
    code = "rate_limit_exceeded"

    def __init__(
        self,
        message: str | None = None,
        *,
        kind: Literal["requests", "tokens"] = "requests",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.kind = kind

    @property
    def error_type(self) -> str:
        """What was limited."""
        return self.kind


class OverBudget(RequestError):
    """You exceeded your current quota."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class UpstreamError(ParleyError):
    """The model's provider could not answer."""

    status = 502
    code: ClassVar[str | None] = "upstream_error"
    retriable = True
    detail = ""  # what only the log tells: the provider's own words, an address
    answered: int | None = None  # the status the provider answered with, where it did, and its code
    provider_code: str | None = None

    def because(self, detail: str) -> Self:
        """Return this error, with what its operator should know and its client should not."""
        self.detail = detail
        return self


class UpstreamRefused(UpstreamError):
    """The model's provider refused the request."""

    status = 400
    type = "invalid_request_error"
    code = None
    retriable = False


class UpstreamBroken(UpstreamError):
    """The model's provider broke off or sent an answer that is not one."""

    code = "upstream_broken"


class UpstreamDenied(UpstreamError):
    """The model's provider did not accept this server's own credentials. Tell its operator."""

    code = "upstream_denied"


class UpstreamMisplaced(UpstreamError):
    """The model's provider has no such endpoint."""

    code = "upstream_not_found"


class UpstreamLacksModel(UpstreamError):
    """The model does not exist or you do not have access to it."""

    status = 404
    type = "invalid_request_error"
    code = "model_not_found"


class UpstreamBusy(UpstreamError):
    """The model's provider is overloaded. Please try again later."""

    status = 503
    type = "service_unavailable_error"
    code = "server_is_overloaded"


class UpstreamTimeout(UpstreamError):
    """The model's provider did not answer in time."""

    status = 504
    code = "upstream_timeout"


class UpstreamsExhausted(UpstreamError):
    """None of the model's providers could answer."""

    code = "upstreams_exhausted"
    retriable = False


class NotRecorded(ParleyError):
    """The call could not be recorded, so it was not answered. Please try again later."""

    status = 503
    type = "service_unavailable_error"
    code = "not_recorded"
    final = False  # whether it is the row itself that is refused, so that trying again is in vain


class ShuttingDown(ParleyError):
    """The server is shutting down. Please try again."""

    status = 503
    type = "service_unavailable_error"
    code = "server_is_overloaded"


class StreamInterrupted(ParleyError):
    """The stream broke off here: its call was ended before its answer was. What follows was never produced."""

    status = 502
    code = "stream_interrupted"


class SettingsError(ParleyError):
    """The settings are wrong."""
