"""Every request that is answered, in words and models: what the OpenAPI description is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from supervisor.config.campaign import NewCampaign
from supervisor.http.requests import CallListQuery, CampaignsQuery, Change, JobsQuery, Query
from supervisor.http.shapes import (
    Answer,
    BreakerShape,
    CampaignDetailsShape,
    CampaignShape,
    DeletedShape,
    HealthShape,
    ImportedShape,
    JobShape,
    Listed,
    ReadinessShape,
    WebhookShape,
)

PROBLEMS = {
    400: "The request is wrong in itself; `details` has each mistake.",
    401: "The token, or LiveKit's signature, is missing or wrong.",
    404: "There is no such campaign.",
    408: "The body came too slowly.",
    409: "The campaign's present state does not allow this.",
    413: "The body is too large.",
    415: "The body is of a kind that is not taken here.",
    503: "The database can't be used now, is to be migrated first, or it took too long.",
}
EVENT: Mapping[str, Any] = {"schema": {"type": "object"}}
TEXT: Mapping[str, Any] = {"schema": {"type": "string"}}
BYTES: Mapping[str, Any] = {}
FORM: Mapping[str, Any] = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
        "required": ["file"],
    }
}


@dataclass(frozen=True)
class Operation:
    """One kind of request."""

    method: str
    path: str
    summary: str
    answer: type[BaseModel] | None  # None: not JSON
    is_open: bool = False  # to all, without the token
    is_page: bool = False  # HTML, for browsers: the token may be given as a password
    status: int = 200
    query: type[Query] | None = None
    body: type[BaseModel] | None = None
    needs_body: bool = False
    other_bodies: Mapping[str, Mapping[str, Any]] | None = None  # by content type
    problems: tuple[int, ...] = ()


_OF_ONE = (400, 404, 503)
_OF_A_CHANGE = (400, 404, 408, 409, 413, 415, 503)

OPERATIONS = (
    Operation("get", "/", "What goes on now: a page to look at", None, is_page=True, problems=(503,)),
    Operation("get", "/metrics", "Prometheus's metrics", None, is_open=True),
    Operation("get", "/healthz", "Whether the process answers", Answer[HealthShape], is_open=True),
    Operation("get", "/readyz", "Whether the service is started, not draining", Answer[ReadinessShape], is_open=True),
    Operation("get", "/openapi.json", "This description", None, is_open=True),
    Operation(
        "post", "/webhooks/livekit", "LiveKit's events, with its own signature", Answer[WebhookShape], is_open=True,
        other_bodies={"application/webhook+json": EVENT}, problems=(400, 401, 413),
    ),
    Operation(
        "get", "/queue-management/status", "The circuit breakers, by service", Answer[dict[str, BreakerShape]],
        problems=(503,),
    ),
    Operation(
        "get", "/campaigns", "Campaigns, the newest first", Listed[CampaignShape], query=CampaignsQuery,
        problems=(400, 503),
    ),
    Operation(
        "post", "/campaigns", "Create a campaign: a draft without contacts", Answer[CampaignDetailsShape], status=201,
        body=NewCampaign, needs_body=True, problems=(400, 408, 413, 415, 503),
    ),
    Operation("get", "/campaigns/{id}", "A campaign with its figures", Answer[CampaignDetailsShape], problems=_OF_ONE),
    Operation(
        "delete", "/campaigns/{id}", "Delete a draft, completed or failed campaign, and all that is known of its calls",
        Answer[DeletedShape], problems=(*_OF_ONE, 409),
    ),
    Operation(
        "get", "/campaigns/{id}/jobs", "Its call tasks, in the order of its list", Listed[JobShape], query=JobsQuery,
        problems=_OF_ONE,
    ),
    Operation(
        "post", "/campaigns/{id}/call-list", "Import a call list: .csv, .xlsx, .xlsm or .xls", Answer[ImportedShape],
        query=CallListQuery, needs_body=True, problems=_OF_A_CHANGE,
        other_bodies={"multipart/form-data": FORM, "text/csv": TEXT, "application/octet-stream": BYTES},
    ),
    *(
        Operation(
            "post", f"/campaigns/{{id}}/{verb}", summary, Answer[CampaignDetailsShape], body=Change,
            problems=_OF_A_CHANGE,
        )
        for verb, summary in (
            ("start", "A draft begins to call"),
            ("pause", "Hold it: it begins no new calls; those in progress go on"),
            ("resume", "Lift an operator's hold"),
            ("cancel", "Call nobody for it any more; calls in progress end, then it can be deleted"),
        )
    ),
)  # fmt: skip
