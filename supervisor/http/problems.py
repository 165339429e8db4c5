"""What is answered when something is wrong: `{"error", "details"}`, with the status that fits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import psycopg
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from actors.actor import is_outage
from actors.errors import (
    CallListValidationError,
    CampaignNotFoundError,
    CampaignServiceError,
    CampaignValidationError,
    DatabaseError,
    MigrationRequiredError,
)
from supervisor.config.create import InvalidCampaignError

AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Any])
Mistake = tuple[str, str]
"""Key and reason."""

REQUEST_TIMEOUT_S = 30.0
"""So long a request may take, from its headers to its answer, unless its handler says otherwise."""

_LONG = "long"
_MIGRATION_REQUIRED = "Database migration required"
_MIGRATION_NEEDED = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction)


class RequestError(Exception):
    """A request that can't be done as it is: the status, and what is wrong with it."""

    def __init__(self, status: int, error: str, details: str | Sequence[Mistake] | None = None) -> None:
        self.status, self.error, self.details = status, error, details
        super().__init__(error)


def problem(
    status: int, error: str, details: str | Sequence[Mistake] | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """The answer to a request that failed: one line of `error`, and what else is known of it."""
    told = details if details is None or isinstance(details, str) else [{"key": k, "reason": r} for k, r in details]
    return web.json_response({"error": error, "details": told}, status=status, headers=headers)


def takes_long(handler: AnyHandler) -> AnyHandler:
    """Mark a handler that bounds its own time."""
    setattr(handler, _LONG, True)
    return handler


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into an answer, and end requests that take too long."""
    limit_s = None if getattr(request.match_info.handler, _LONG, False) else REQUEST_TIMEOUT_S
    try:
        async with asyncio.timeout(limit_s):
            return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kept = {name: value for name, value in error.headers.items() if name == "Allow"}
        return problem(error.status, error.reason, _what_was_asked(request, error.status), kept)
    except TimeoutError:
        return problem(503, "Timed out", f"not done within {REQUEST_TIMEOUT_S:.0f} s")
    except ConnectionError:
        raise  # the client has gone: there is nobody to answer
    except Exception as error:  # noqa: BLE001 - the outermost: nothing leaves without an answer
        return answer_to(error)


def answer_to(error: Exception) -> web.Response:
    """The answer that an exception deserves; one that nobody expected is logged, and not told."""
    match error:
        case RequestError():
            return problem(error.status, error.error, error.details)
        case CampaignNotFoundError():
            return problem(404, str(error))
        case InvalidCampaignError():
            return problem(400, str(error), error.mistakes)
        case CallListValidationError():
            return problem(400, str(error))
        case CampaignValidationError():
            return problem(409, str(error))
        case MigrationRequiredError():
            return problem(503, _MIGRATION_REQUIRED, str(error))
        case psycopg.Error() | DatabaseError():
            return _of_the_database(error)
        case CampaignServiceError():
            structlog.get_logger().error("http_request_failed", error=str(error))
            return problem(500, str(error))
        case _:
            structlog.get_logger().error("http_request_failed", exc_info=error)
            return problem(500, "Internal error", "the service's log has more")


def _of_the_database(error: Exception) -> web.Response:
    log = structlog.get_logger()
    for cause in _causes(error):
        if isinstance(cause, _MIGRATION_NEEDED):
            log.error("http_migration_required", error=str(cause))
            return problem(503, _MIGRATION_REQUIRED, "run `campaignd migrate`")
    if isinstance(error, DatabaseError | psycopg.InterfaceError) or is_outage(error):
        log.warning("http_database_unavailable", error=" ".join(str(error).split()))
        return problem(503, "Database unavailable", type(error).__name__)
    log.error("http_request_failed", exc_info=error)
    return problem(500, "Internal error", "the service's log has more")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _what_was_asked(request: web.Request, status: int) -> str | None:
    return f"{request.method} {request.path}" if status in (404, 405) else None
