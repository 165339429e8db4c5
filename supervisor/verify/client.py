"""The running service, as whoever has its token sees it."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from actors.errors import CampaignServiceError

_TIMEOUT_S = 30.0
_UNAVAILABLE = 503


class VerificationError(CampaignServiceError):
    """The check itself failed: the service can't be reached, or does not do what it is asked."""


class Refused(VerificationError):
    """The service answered that it will not; `status` is HTTP's."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


class Away(VerificationError):
    """The service can't be reached, or can't answer for now (503): asked again later, it may."""


class Client:
    """Asks one thing after the other; every answer is what stands under `data`. Raises VerificationError."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def breakers(self) -> dict[str, dict[str, Any]]:
        """Every service's breaker: `circuit_state` and `pause_info`."""
        found: dict[str, dict[str, Any]] = self._ask("GET", "/queue-management/status")
        return found

    def create(self, campaign: dict[str, Any]) -> str:
        """A new campaign's id."""
        return str(self._ask("POST", "/campaigns", json.dumps(campaign).encode(), "application/json")["id"])

    def named(self, company: str, name: str) -> list[str]:
        """The ids of the company's campaigns of this name."""
        query = urllib.parse.urlencode({"company": company, "limit": 1000})
        return [found["id"] for found in self._ask("GET", f"/campaigns?{query}") if found["name"] == name]

    def call_list(self, campaign_id: str, rows: str) -> dict[str, Any]:
        """Give a campaign these rows of CSV; returns what became of them."""
        path = f"/campaigns/{campaign_id}/call-list?filename=verify.csv"
        result: dict[str, Any] = self._ask("POST", path, rows.encode(), "text/csv")
        return result

    def start(self, campaign_id: str) -> None:
        """Have its contacts called."""
        self._ask("POST", f"/campaigns/{campaign_id}/start", b"")

    def cancel(self, campaign_id: str) -> None:
        """Have nobody called any more."""
        self._ask("POST", f"/campaigns/{campaign_id}/cancel", b"")

    def campaign(self, campaign_id: str) -> dict[str, Any]:
        """The campaign as it is."""
        found: dict[str, Any] = self._ask("GET", f"/campaigns/{campaign_id}")
        return found

    def delete(self, campaign_id: str) -> None:
        """Remove it and all that belongs to it."""
        self._ask("DELETE", f"/campaigns/{campaign_id}")

    def _ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Content-Type": kind} if body else {})
        request = urllib.request.Request(self._url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                text = f"the service refused {method} {path}: {_reason(error)}"
                raise (Away(text) if error.code == _UNAVAILABLE else Refused(error.code, text)) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Away(f"the service at {self._url} can't be reached: {reason}") from None
        try:
            return json.loads(said)["data"]
        except (ValueError, KeyError, TypeError):
            text = f"what answers {method} {path} at {self._url} is not the service"
            raise VerificationError(text) from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.loads(error.read())
        return f"{problem['error']} ({problem['details']})" if problem["details"] else str(problem["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"
