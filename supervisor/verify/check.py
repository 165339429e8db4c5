"""The concurrent-campaigns check: campaigns are made, watched to their end or to a service's failure, and removed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TypeVar
from uuid import uuid4

from supervisor.verify.client import Away, Client, Refused, VerificationError
from supervisor.verify.report import Report, Seen, Verdict

T = TypeVar("T")

LOOK_AT_BREAKERS_EVERY_S = 30.0
_POLL_S = 0.5
_AWAY_MOST_S = 60.0
"""A restart of the service, or of PostgreSQL, takes less."""
_REMOVE_WITHIN_S = 150.0
"""Calls that are up when the check ends may last for as long as a verification's call may."""
_GONE = 404
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
    services: frozenset[str]  # those that its calls need, by their breakers' names
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
        self._unheard: set[str] = set()  # names of those that may be there unknown: the answer was lost
        self._statuses: dict[str, str] = {}
        self._breakers_due = 0.0  # when they are looked at next, by `monotonic`
        self._stopped = threading.Event()
        self.report = Report(total=plan.campaigns * plan.leads)

    def stop(self) -> None:
        """Have it end soon, from a signal handler: between two requests, so that nothing is made and not known."""
        self._stopped.set()

    def run(self) -> Report:
        """Make, watch, remove. What goes wrong with the service stands in the report, and what was made is removed
        then, too, as far as it can be."""
        began = monotonic()
        try:
            self._warn()
            self._make(began)
            self._watch(began)
        except VerificationError as error:
            self.report.why = str(error)
        finally:
            self.report.seconds = monotonic() - began
            self._remove()
        return self.report

    def _warn(self) -> None:
        for service, breaker in self._client.breakers().items():
            if breaker["circuit_state"] != "closed":
                needed = "" if service in self._plan.services else ", and not needed here"
                self.report.warnings.append(f"{service} is failing already{needed}: {breaker['pause_info']}")

    def _make(self, began: float) -> None:
        plan, run = self._plan, uuid4().hex[:8]
        for number in range(plan.campaigns):
            if self._stopped.is_set():
                return
            name = f"verify {run} {number + 1}/{plan.campaigns}"
            contacts = plan.numbers[number * plan.leads : (number + 1) * plan.leads]
            self._patiently(began, partial(self._make_one, name, contacts))

    def _make_one(self, name: str, contacts: Sequence[int]) -> None:
        """Have it running, whatever of that was done before and not heard of."""
        campaign_id = self._campaign(name)
        campaign = self._client.campaign(campaign_id)
        if campaign["total_tasks"] == 0:
            rows = "\n".join(["phone_number", *(f"+{contact}" for contact in contacts)])
            self.report.warnings.extend(self._client.call_list(campaign_id, rows)["errors"])
        if campaign["status"] == "DRAFT":
            self._client.start(campaign_id)

    def _campaign(self, name: str) -> str:
        """Its id. It is made, if it was not."""
        if name in self._unheard:
            self._look_for(name)
        known = [campaign_id for campaign_id, its in self._names.items() if its == name]
        if known:
            return known[0]
        campaign = {
            "name": name,
            "company": self._plan.company,
            "skillbase": self._plan.skillbase,
            "trunk": self._plan.trunk,
            "retry": {"max_retries": 1},
            "call": {"max_call_duration_s": _LONGEST_CALL_S},
        }
        try:
            campaign_id = self._client.create(campaign)
        except VerificationError:
            self._unheard.add(name)
            raise
        self._names[campaign_id] = name
        return campaign_id

    def _look_for(self, name: str) -> None:
        self._names |= dict.fromkeys(self._client.named(self._plan.company, name), name)

    def _watch(self, began: float) -> None:
        """Until everything is over, or time is."""
        while not self._stopped.wait(_POLL_S):
            if self._patiently(began, partial(self._look, began)):
                return
        self.report.why = "it was stopped"

    def _patiently(self, began: float, step: Callable[[], T]) -> T | None:
        """What the step returns. It is done again while the service is away; None: the check was stopped meanwhile."""
        away_since: float | None = None
        while True:
            try:
                return step()
            except Away as away:
                now = monotonic()
                if away_since is None:
                    away_since = now
                    self.report.warnings.append(f"after {now - began:.0f} s: {away}")
                if now >= min(away_since + _AWAY_MOST_S, began + self._plan.timeout_s):
                    raise
            if self._stopped.wait(_POLL_S):
                return None

    def _look(self, began: float) -> bool:
        """See how it goes; whether there is nothing more to be seen."""
        report = self.report
        self._look_at_campaigns(began)
        statuses = set(self._statuses.values())
        if statuses <= set(_OVER):
            self._stopped.wait(_POLL_S)  # a call's end opens a breaker a moment after it has settled the contact
            self._look_at_breakers()
            self._judge(failed="FAILED" in statuses)
            return True
        now, deadline = monotonic(), began + self._plan.timeout_s
        if "PAUSED" in statuses or now >= self._breakers_due or now >= deadline:
            self._breakers_due = now + LOOK_AT_BREAKERS_EVERY_S
            self._look_at_breakers()
        if report.services and "PAUSED" in statuses:
            report.verdict = Verdict.SERVICE_FAILED
            report.why = f"{', '.join(report.services)} failed, and the run was stopped"
            return True
        if now >= deadline:
            slow = "campaigns were paused" if "PAUSED" in statuses else "it was slow"
            failed = ", ".join(report.services)
            report.verdict = Verdict.SERVICE_FAILED if failed else Verdict.CHECK_FAILED
            report.why = f"{report.settled} of {report.total} contacts in {self._plan.timeout_s:g} s: " + (
                f"{failed} failed" if failed else f"{slow}, no service failed"
            )
            return True
        return False

    def _judge(self, *, failed: bool) -> None:
        """All is over."""
        report = self.report
        if report.services:
            report.verdict, report.why = Verdict.SERVICE_FAILED, f"{', '.join(report.services)} failed"
        elif failed:
            report.verdict, report.why = Verdict.CHECK_FAILED, "a campaign failed"
        else:
            answered = report.outcomes.get("answered")
            report.verdict = Verdict.FINISHED
            report.why = "every campaign has finished" + ("" if answered else ", but no call was answered")

    def _look_at_campaigns(self, began: float) -> None:
        report = self.report
        campaigns = {campaign_id: self._client.campaign(campaign_id) for campaign_id in self._names}
        report.settled = sum(each["completed_tasks"] + each["failed_tasks"] for each in campaigns.values())
        report.outcomes = dict(sum((Counter(each["calls"]["by_outcome"]) for each in campaigns.values()), Counter()))
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

    def _look_at_breakers(self) -> None:
        self.report.services = {
            service: f"{breaker['circuit_state']}: {breaker['pause_info']}"
            for service, breaker in self._client.breakers().items()
            if breaker["circuit_state"] != "closed" and service in self._plan.services
        }

    def _remove(self) -> None:
        """Campaigns whose calls are still up can't be deleted before those have ended, and a service that is away
        deletes nothing: both are waited for."""
        deadline = monotonic() + _REMOVE_WITHIN_S
        while left := self._remove_what_can_be():
            if monotonic() >= deadline:
                self.report.left_behind = [f"{name}: {why}" for name, why in left.items()]
                return
            threading.Event().wait(_POLL_S)

    def _remove_what_can_be(self) -> dict[str, str]:
        """The names of those that are still there, and why."""
        left: dict[str, str] = {}
        try:
            for name in list(self._unheard):  # also what was made late, after another had been made in its place
                self._look_for(name)
                self._unheard.remove(name)
            for campaign_id, name in list(self._names.items()):
                try:
                    self._remove_one(campaign_id)
                    del self._names[campaign_id]
                except Refused as refused:
                    left[name] = str(refused)
        except VerificationError as error:
            return dict.fromkeys([*self._names.values(), *self._unheard], str(error)) | left
        return left

    def _remove_one(self, campaign_id: str) -> None:
        try:
            if self._client.campaign(campaign_id)["status"] in ("RUNNING", "PAUSED"):
                self._client.cancel(campaign_id)
            self._client.delete(campaign_id)
        except Refused as refused:
            if refused.status != _GONE:
                raise
