"""Structured logs on standard error: one event name for each fact, text for people or JSON for machines."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from typing import Any, Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# Without the values of local variables: those are people's numbers, and secrets.
_TRACEBACKS_AS_DATA = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


_COUNTED = {"warning": "warning", "error": "error", "critical": "error"}
_counting = threading.Lock()
_logged = dict.fromkeys(_COUNTED.values(), 0)


def messages_logged() -> Mapping[str, int]:
    """How many warnings and errors this process has logged since it started; what its level suppresses is not among
    them."""
    with _counting:
        return dict(_logged)


def _count(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if (level := _COUNTED.get(str(event["level"]))) is not None:
        with _counting:
            _logged[level] += 1
    return event


def set_up_logs(level: Level, form: Literal["text", "json"]) -> None:
    """Send everything that is logged, libraries' logs included, to standard error in this form. May be called again."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _count,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    for_people = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    renderer: list[Any] = (
        [_TRACEBACKS_AS_DATA, structlog.processors.JSONRenderer(ensure_ascii=False)] if form == "json" else [for_people]
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    # Our own base class reports every death once, with the actor's address; pykka's line would be a second one.
    logging.getLogger("pykka").setLevel(logging.ERROR)
    logging.getLogger("yoyo").setLevel(logging.WARNING)
