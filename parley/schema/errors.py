"""The body of every error."""

from parley.schema.wire import Wire


class ErrorDetail(Wire):
    """What went wrong; all four keys are always there."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(Wire):
    """The body of every answer that is an error."""

    error: ErrorDetail
