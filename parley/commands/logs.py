"""The server's log, on standard error: coloured lines in a terminal, JSON lines otherwise.

What libraries say through `logging` (warnings and worse) comes out in the same form.
"""

import logging
import sys
from typing import Any

import msgspec
import structlog
from structlog.typing import Processor


def configure() -> None:
    """Set up the log of this process."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _last(sys.stderr.isatty())
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    tidy = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[tidy, *last]))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _last(terminal: bool) -> list[Processor]:
    """Return the steps that make a line of it; a trace never shows the values of variables, they may be secret."""
    if terminal:
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]


def _json(entry: dict[str, Any], **_: Any) -> str:
    return msgspec.json.encode(entry, enc_hook=repr).decode()
