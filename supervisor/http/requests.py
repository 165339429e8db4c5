"""What a request says: ids, queries and JSON, checked, with every mistake in it at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from supervisor.config.explain import explain
from supervisor.config.values import Line
from supervisor.http.problems import Mistake, RequestError

Model = TypeVar("Model", bound=BaseModel)

BODY_TIMEOUT_S = 10.0
"""So long a body of JSON may take to arrive."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _whole_number(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        raise ValueError("not a whole number")
    return int(value)


_Digits = BeforeValidator(_whole_number)
_Upper = BeforeValidator(str.upper)


class Query(BaseModel):
    """What may stand behind the `?`; everything else is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PageQuery(Query):
    """Which part of a long list."""

    limit: Annotated[int, Field(ge=1, le=1000), _Digits] = 100
    """So many at most."""
    offset: Annotated[int, Field(ge=0, le=999_999_999), _Digits] = 0
    """So many are left out before."""


class CampaignsQuery(PageQuery):
    """Which campaigns."""

    status: Annotated[Literal["DRAFT", "RUNNING", "PAUSED", "COMPLETED", "FAILED"], _Upper] | None = None
    company: Line | None = None
    """Slug or id."""


class JobsQuery(PageQuery):
    """Which of a campaign's call tasks."""

    status: Annotated[Literal["PENDING", "IN_PROGRESS", "COMPLETED", "RETRY", "FAILED"], _Upper] | None = None


class CallListQuery(Query):
    """How a list is called that is not sent as a form."""

    filename: Line | None = None
    """Its name, whose ending says what it is: .csv, .xlsx, .xlsm or .xls."""


class Change(BaseModel):
    """Why a campaign's status is to change; nothing need be given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    reason: Line | None = None
    """Stands in the campaign's history, and, of a pause, in its message."""


def campaign_id(request: web.Request) -> UUID:
    """The id in the path. Raises RequestError."""
    text = request.match_info["id"]
    if not _UUID.fullmatch(text):
        raise RequestError(400, "Malformed id", [("id", f"{text!r} is not a UUID")])
    return UUID(text)


def read_query(request: web.Request, model: type[Model]) -> Model:
    """What stands behind the `?`. Raises RequestError."""
    repeated = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
    if repeated:
        raise _invalid([(name, "given more than once") for name in repeated])
    data = dict(request.query)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _invalid(explain(error, model, data)) from None


async def read_json(request: web.Request, model: type[Model], *, optional: bool = False) -> Model:
    """The body, which is a JSON object; an `optional` one may be left out. Raises RequestError."""
    body = await _read_body(request)
    if optional and not body:
        return model()
    if request.content_type != "application/json":
        raise RequestError(415, "Unsupported media type", f"{request.content_type}: application/json is taken here")
    try:
        data = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise RequestError(400, "Not JSON", str(error)) from None
    if not isinstance(data, dict):
        raise RequestError(400, "Invalid request", "the body is not a JSON object")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _invalid(explain(error, model, data)) from None


async def _read_body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise RequestError(408, "Request timeout", f"the body did not come within {BODY_TIMEOUT_S:.0f} s") from None


def _invalid(mistakes: Sequence[Mistake]) -> RequestError:
    return RequestError(400, "; ".join(f"{key}: {reason}" if key else reason for key, reason in mistakes), mistakes)
