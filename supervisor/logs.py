"""Structured logs on standard error: one event name for each fact, text for people or JSON for machines."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal

import structlog

from supervisor.journal import JournalFormatter, goes_to_journal
from supervisor.masking import mask_numbers

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
    """Send everything that is logged, libraries' logs included, to standard error in this form, one line for each entry
    of the journal if that is where it goes, and every phone number masked. May be called again, at any time: who has
    bound a logger before writes by the new level and in the new form, too."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _count,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            # Asks the root's level each time: a bound logger lives as long as its actor.
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    journal = goes_to_journal(sys.stderr)
    formatter: logging.Formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(form, journal)],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JournalFormatter(formatter) if journal else formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    logging.captureWarnings(True)
    # Our own base class logs every death once, with the actor's address; pykka's error would be a second one.
    logging.getLogger("pykka").setLevel(logging.CRITICAL)
    logging.getLogger("yoyo").setLevel(logging.WARNING)


def _renderer(form: Literal["text", "json"], journal: bool) -> list[Any]:
    if form == "json":
        return [_TRACEBACKS_AS_DATA, mask_numbers, structlog.processors.JSONRenderer(ensure_ascii=False)]
    for_people = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    # An entry of the journal has a time of its own.
    untimed = [_without_timestamp] if journal else []
    return [*untimed, structlog.processors.format_exc_info, mask_numbers, for_people]


def _without_timestamp(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.pop("timestamp", None)
    return event


def log_what_nobody_caught() -> None:
    """Have an exception that ends the process, or a thread, logged like everything else instead of printed."""

    def in_main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        structlog.get_logger().critical("process_crashed", exc_info=(kind, error, trace))

    def in_thread(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_value is not None:
            name = crash.thread.name if crash.thread is not None else None
            structlog.get_logger().critical("thread_crashed", thread=name, exc_info=crash.exc_value)

    sys.excepthook = in_main
    threading.excepthook = in_thread
