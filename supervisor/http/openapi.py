"""The OpenAPI description of the interface, made from the models that check requests and shape answers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from supervisor.config.texts import SchemaWithTexts
from supervisor.http.operations import OPERATIONS, PROBLEMS, Operation
from supervisor.http.shapes import ProblemShape

_REFERENCE = "#/components/schemas/{model}"
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_UNREADABLE = {400: PROBLEMS[400], 431: "The headers are too large."}


def description_routes() -> Iterable[web.RouteDef]:
    """Open to all: it says what can be asked, and nothing of what there is."""
    return [web.get("/openapi.json", _serve_description)]


async def _serve_description(request: web.Request) -> web.Response:
    return web.json_response(describe())


@cache
def describe() -> dict[str, Any]:
    """The description, OpenAPI 3.1."""
    models: set[tuple[type[BaseModel], JsonSchemaMode]] = {(ProblemShape, "serialization")}
    for operation in OPERATIONS:
        if operation.answer:
            models.add((operation.answer, "serialization"))
        if operation.body:
            models.add((operation.body, "validation"))
    ordered = sorted(models, key=lambda model: model[0].__name__)
    references, definitions = models_json_schema(ordered, ref_template=_REFERENCE, schema_generator=SchemaWithTexts)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "campaignd",
            "version": version("campaignd"),
            "description": "Calls people for an organisation: campaigns, their call lists and how they go.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic", "description": "Any user; the token as the password."},
            },
        },
    }


def _described(operation: Operation, references: dict[Any, Any]) -> dict[str, Any]:
    problem = {"application/json": {"schema": references[ProblemShape, "serialization"]}}
    statuses = {status: PROBLEMS[status] for status in operation.problems} | _UNREADABLE
    if not operation.is_open:
        statuses[401] = PROBLEMS[401]
    described: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.summary,
        "security": _security(operation),
        "responses": {
            str(operation.status): {"description": operation.summary, **_content(operation, references)},
            **{str(status): {"description": text, "content": problem} for status, text in sorted(statuses.items())},
        },
    }
    if operation.is_page:
        described["responses"]["503"] = {"description": PROBLEMS[503], **_content(operation, references)}
    if operation.path == "/readyz":
        described["responses"]["503"] = {"description": "Not now", **_content(operation, references)}
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if bodies := _bodies(operation, references):
        described["requestBody"] = {"required": operation.needs_body, "content": bodies}
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.is_open:
        return []
    return [{"token": []}, {"password": []}] if operation.is_page else [{"token": []}]


def _content(operation: Operation, references: dict[Any, Any]) -> dict[str, Any]:
    if operation.answer is None:
        return {"content": {_kind(operation): {}}}
    return {"content": {"application/json": {"schema": references[operation.answer, "serialization"]}}}


def _kind(operation: Operation) -> str:
    if operation.is_page:
        return "text/html"
    return "application/json" if operation.path.endswith(".json") else "text/plain"


def _bodies(operation: Operation, references: dict[Any, Any]) -> dict[str, Any]:
    own = {"application/json": {"schema": references[operation.body, "validation"]}} if operation.body else {}
    return own | dict(operation.other_bodies or {})


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = [_ID] if "{id}" in operation.path else []
    if operation.query is None:
        return parameters
    described = operation.query.model_json_schema(schema_generator=SchemaWithTexts)
    for name, schema in described["properties"].items():
        text = schema.pop("description", "")
        kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
        if kinds:  # null, which a query has not, stands for what is left out
            schema = kinds[0]
        parameters.append({"name": name, "in": "query", "description": text, "schema": schema})
    return parameters


def _name(operation: Operation) -> str:
    words = (
        (operation.path.strip("/") or "page")
        .replace(".", "_")
        .replace("-", "_")
        .replace("{id}", "one")
        .strip("/")
        .split("/")
    )
    return "_".join([operation.method, *words])
