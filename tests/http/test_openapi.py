"""The OpenAPI description tells the truth: schemathesis asks for all that it describes, and much that it does not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from supervisor.config.campaign import NewCampaign
from supervisor.http.openapi import describe
from supervisor.http.operations import OPERATIONS, Operation
from tests.http.site import Site
from tests.http.test_campaigns import SPRING, give_list, make

FEW = settings(max_examples=10, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
NOT_PROMISED = [positive_data_acceptance]
"""Companies, trunks and time zones are looked up: a request of the right form may still be wrong."""


DESCRIBED = schemathesis.openapi.from_dict(describe())


def modes(operation: Operation) -> list[GenerationMode]:
    """Where nothing is taken, nothing wrong can be sent."""
    takes = operation.query or operation.body or operation.other_bodies or "{id}" in operation.path
    return list(GenerationMode) if takes else [GenerationMode.POSITIVE]


@pytest.mark.parametrize(
    ("operation", "mode"),
    [(operation, mode) for operation in OPERATIONS for mode in modes(operation)],
    ids=lambda part: getattr(part, "value", None) or f"{part.method} {part.path}",
)
def test_every_request_is_answered_as_it_is_described(
    operation: Operation, mode: GenerationMode, shared_site: Site
) -> None:
    shared_site.ready = True

    @given(DESCRIBED[operation.path][operation.method].as_strategy(mode))
    @FEW
    def ask(case: schemathesis.Case) -> None:
        if is_id(case.path_parameters.get("id")):
            case.path_parameters["id"] = campaign_for(shared_site, case.method)
        if operation.body is NewCampaign and mode is GenerationMode.POSITIVE:
            case.body |= SPRING
        case.call_and_validate(base_url=shared_site.url, headers=shared_site.bearer, excluded_checks=NOT_PROMISED)

    ask()


def test_the_readme_names_every_request_and_no_other() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    named = re.findall(r"^    (GET|POST|DELETE) +(/[^ ?]*)", readme, re.MULTILINE)
    assert sorted(named) == sorted((operation.method.upper(), operation.path) for operation in OPERATIONS)


def is_id(value: object) -> bool:
    """Else it is one of the wrong ones that are tried, too."""
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False


def campaign_for(site: Site, method: str) -> str:
    """One that is there: a new one for who deletes it."""
    found = site.get("/campaigns?limit=1").data
    if found and method != "DELETE":
        there: str = found[0]["id"]
        return there
    campaign = make(site)
    give_list(site, campaign, "+79450000001")
    return campaign


def test_what_is_served_is_described_and_what_is_described_is_served(site: Site) -> None:
    interface = site.interface()
    served = {(route.method.lower(), route.path, True) for route in interface.open_routes()}
    served |= {
        (route.method.lower(), route.path, False)
        for route in [*interface.protected_routes(), *interface.browser_routes()]
    }
    assert served == {(operation.method, operation.path, operation.is_open) for operation in OPERATIONS}


def test_the_description_is_served_to_all(site: Site) -> None:
    answer = site.ask("GET", "/openapi.json")
    assert (answer.status, answer.json) == (200, describe())
    assert answer.json["openapi"] == "3.1.0"
    references = json.dumps(answer.json).count("#/components/schemas/")
    assert references > 20


def test_the_keys_of_a_new_campaign_are_described_as_they_are_checked(shared_site: Site) -> None:
    known = describe()["components"]["schemas"]["NewCampaign"]
    assert set(known["required"]) == SPRING.keys()
    refused = shared_site.post("/campaigns", {key: [] for key in known["properties"]})
    assert {mistake["key"] for mistake in refused.json["details"]} == known["properties"].keys()
