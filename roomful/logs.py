"""The program's own log, on stderr: one way for structlog and for what uvicorn and other libraries say."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

_QUIET = (
    *("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "aiosqlite", "asyncio", "websockets"),
    # of the models' clients, whose requests would be a line each
    *("google_genai", "httpx", "httpcore", "openai", "anthropic"),
)
"""Libraries whose warnings are heard, and nothing below."""


def configure_logs(log_format: Literal["console", "json"]) -> None:
    """Write what the program says as lines for people or as JSON objects; call it once, before anything is said."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                _without_colours,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_ending(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)


def _ending(log_format: Literal["console", "json"]) -> list[structlog.typing.Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # plain tracebacks: the pretty ones show local variables, and a prompt or a key may be among them
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _without_colours(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop the second, coloured copy of its message that uvicorn attaches."""
    event.pop("color_message", None)
    return event
