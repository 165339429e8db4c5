"""The concurrent-campaigns check: campaigns are made, watched to their end or to a service's failure, and removed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

from supervisor.verify.client import Client, Refused
from supervisor.verify.report import Report, Seen, Verdict

LOOK_AT_BREAKERS_EVERY_S = 30.0
_POLL_S = 0.5
_REMOVE_WITHIN_S = 150.0
"""Calls that are up when the check ends may last for as long as a verification's call may."""
_LONGEST_CALL_S = 60
_OVER = ("COMPLETED", "FAILED")


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    campaigns: int
    leads: int
    timeout_s: float
    company: str
    skillbase: str
    trunk: str
    numbers: range


class Check:
    """Run once. Rings only numbers of the plan, and removes what it made, however it ends."""

    def __init__(
        self, client: Client, plan: Plan, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        self._client = client
        self._plan = plan
        self._progress = progress
        self._names: dict[str, str] = {}  # campaign's id → its name
        self._statuses: dict[str, str] = {}
        self._stopped = threading.Event()
        self.report = Report(total=plan.campaigns * plan.leads)

    def stop(self) -> None:
        """Have it end soon, from a signal handler: between two requests, so that nothing is made and not known."""
        self._stopped.set()

    def run(self) -> Report:
        """Make, watch, remove. Raises VerificationError when the service can't be asked; what was made is removed
        then, too, as far as it can be."""
        began = monotonic()
        try:
            self._warn()
            self._make()
            self._watch(began)
        finally:
            self.report.seconds = monotonic() - began
            self._remove()
        return self.report

    def _warn(self) -> None:
        for service, breaker in self._client.breakers().items():
            if breaker["circuit_state"] != "closed":
                self.report.warnings.append(f"{service} is failing already: {breaker['pause_info']}")

    def _make(self) -> None:
        plan, run = self._plan, uuid4().hex[:8]
        for number in range(plan.campaigns):
            if self._stopped.is_set():
                return
            name = f"verify {run} {number + 1}/{plan.campaigns}"
            campaign_id = self._client.create(
                {
                    "name": name,
                    "company": plan.company,
                    "skillbase": plan.skillbase,
                    "trunk": plan.trunk,
                    "retry": {"max_retries": 1},
                    "call": {"max_call_duration_s": _LONGEST_CALL_S},
                }
            )
            self._names[campaign_id] = name
            contacts = plan.numbers[number * plan.leads : (number + 1) * plan.leads]
            rows = "\n".join(["phone_number", *(f"+{contact}" for contact in contacts)])
            result = self._client.call_list(campaign_id, rows)
            self.report.warnings.extend(result["errors"])
            self._client.start(campaign_id)

    def _watch(self, began: float) -> None:
        report, deadline, look_at = self.report, began + self._plan.timeout_s, 0.0
        while not self._stopped.wait(_POLL_S):
            campaigns = {campaign_id: self._client.campaign(campaign_id) for campaign_id in self._names}
            report.settled = sum(each["completed_tasks"] + each["failed_tasks"] for each in campaigns.values())
            self._progress(report.settled, report.total)
            for campaign_id, campaign in campaigns.items():
                if self._statuses.get(campaign_id) != campaign["status"]:
                    self._statuses[campaign_id] = campaign["status"]
                    report.history.append(
                        Seen(
                            round(monotonic() - began, 1),
                            self._names[campaign_id],
                            campaign["status"],
                            campaign["status_message"],
                            campaign["status_error"],
                        )
                    )
            statuses = set(self._statuses.values())
            if statuses <= set(_OVER):
                failed = "FAILED" in statuses
                report.verdict = Verdict.CHECK_FAILED if failed else Verdict.FINISHED
                report.why = "a campaign failed" if failed else "every campaign has finished"
                return
            now = monotonic()
            if "PAUSED" in statuses or now >= look_at or now >= deadline:
                look_at = now + LOOK_AT_BREAKERS_EVERY_S
                self._look_at_breakers()
            if report.services and "PAUSED" in statuses:
                report.verdict = Verdict.SERVICE_FAILED
                report.why = f"{', '.join(report.services)} failed, and the run was stopped"
                return
            if now >= deadline:
                report.why = f"{report.settled} of {report.total} contacts in {self._plan.timeout_s:g} s: " + (
                    f"{', '.join(report.services)} failed" if report.services else "it was slow, no service failed"
                )
                return
        report.why = "it was stopped"

    def _look_at_breakers(self) -> None:
        self.report.services = {
            service: f"{breaker['circuit_state']}: {breaker['pause_info']}"
            for service, breaker in self._client.breakers().items()
            if breaker["circuit_state"] != "closed"
        }

    def _remove(self) -> None:
        """Campaigns whose calls are still up can't be deleted before those have ended."""
        deadline = monotonic() + _REMOVE_WITHIN_S
        left = dict(self._names)
        while left:
            for campaign_id in list(left):
                try:
                    if self._client.campaign(campaign_id)["status"] in ("RUNNING", "PAUSED"):
                        self._client.cancel(campaign_id)
                    self._client.delete(campaign_id)
                    del left[campaign_id]
                except Refused as refused:
                    if refused.status != 409 or monotonic() >= deadline:
                        self.report.left_behind.append(f"{left.pop(campaign_id)}: {refused}")
            if left:
                threading.Event().wait(_POLL_S)
