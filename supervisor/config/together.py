"""What can be wrong only beside something else: the company, skillbase, trunk and list that a campaign's file names,
and what `[verify]` needs of the service's file.

Looks at what stands in the files, not at the models: a mistake elsewhere in a file must not hide one of these.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.outcomes import Outcome
from supervisor.config.explain import did_you_mean
from supervisor.config.service import VERIFY_COMPANY

_DECIDED = {
    Outcome.ANSWERED: "a contact who has answered is not called again",
    Outcome.RATE_LIMITED: "a refused pace says nothing of the contact, who is called again in seconds",
}
"""What no rule of a campaign's changes."""


@dataclass(frozen=True)
class Names:
    """What a campaign may refer to."""

    companies: Mapping[str, Collection[str]]
    """Company → its skillbases."""
    trunks: Collection[str]

    @classmethod
    def of(cls, service: Mapping[str, Any] | None) -> Names | None:
        """The names in a service's file, valid or not; None when it can't be read at all."""
        if service is None:
            return None
        return cls(
            companies={
                slug: list(_table(company, "skillbases")) for slug, company in _table(service, "companies").items()
            },
            trunks=list(_table(service, "trunks")),
        )


def check_service(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Key and reason of everything in a service's file that does not fit its other tables. Never raises."""
    mistakes = [
        (f"verify.{key}", reason) for key, reason in _trunk(_table(service, "verify"), list(_table(service, "trunks")))
    ]
    if "verify" in service and VERIFY_COMPANY in _table(service, "companies"):
        mistakes.append((f"companies.{VERIFY_COMPANY}", "this slug belongs to `campaignd verify`"))
    return mistakes


def check_campaign(campaign: Mapping[str, Any], names: Names | None, directory: Path) -> list[tuple[str, str]]:
    """Key and reason of everything in a campaign's file that does not fit the rest. Never raises."""
    mistakes = [*_call_list(campaign, directory), *_ruled_though_decided(campaign)]
    if names is not None:
        mistakes = [*_company_and_skillbase(campaign, names), *_trunk(campaign, names.trunks), *mistakes]
    return mistakes


def check_conduct(campaign: Mapping[str, Any], trunks: Collection[str]) -> list[tuple[str, str]]:
    """The same for a campaign that has no file: its company and skillbase are looked for elsewhere."""
    return [*_trunk(campaign, trunks), *_ruled_though_decided(campaign)]


def _company_and_skillbase(campaign: Mapping[str, Any], names: Names) -> list[tuple[str, str]]:
    company, skillbase = campaign.get("company"), campaign.get("skillbase")
    if not isinstance(company, str):
        return []
    if company not in names.companies:
        return [("company", _unknown("company", company, names.companies))]
    if not isinstance(skillbase, str) or skillbase in names.companies[company]:
        return []
    owners = [slug for slug, skillbases in names.companies.items() if skillbase in skillbases]
    if owners:
        return [("skillbase", f"{skillbase!r} belongs to company {owners[0]!r}, not to {company!r}")]
    return [("skillbase", _unknown(f"skillbase of company {company!r}", skillbase, names.companies[company]))]


def _trunk(campaign: Mapping[str, Any], trunks: Collection[str]) -> list[tuple[str, str]]:
    trunk = campaign.get("trunk")
    if not isinstance(trunk, str) or trunk in trunks:
        return []
    return [("trunk", _unknown("trunk", trunk, trunks))]


def _call_list(campaign: Mapping[str, Any], directory: Path) -> list[tuple[str, str]]:
    call_list = campaign.get("call_list")
    if not isinstance(call_list, str) or not call_list.strip() or "\0" in call_list:
        return []
    path = directory / call_list
    try:
        with path.open("rb") as file:
            file.read(1)
    except (OSError, ValueError) as error:
        return [("call_list", f"{path}: {getattr(error, 'strerror', None) or error}")]
    return []


def _ruled_though_decided(campaign: Mapping[str, Any]) -> list[tuple[str, str]]:
    rules = _table(campaign, "retry", "outcomes")
    return [
        (f"retry.outcomes.{outcome}", f"{why}: it can have no rule")
        for outcome, why in _DECIDED.items()
        if outcome in rules
    ]


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    there_are = f"there are: {', '.join(sorted(known))}" if known else "there are none"
    return f"unknown {what}: {name!r}{did_you_mean(name, known)} ({there_are})"


def _table(data: Any, *path: str) -> Mapping[str, Any]:
    """The table at `path`, an empty one when there is none."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}
