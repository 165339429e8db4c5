"""JSON Schemas of both kinds of files for editors, from the models. Written by `python -m supervisor.config.schema`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from supervisor.config.campaign import CampaignFile
from supervisor.config.service import ServiceFile
from supervisor.config.texts import SchemaWithTexts
from supervisor.shipped import shipped_folder

SCHEMAS: dict[str, type[BaseModel]] = {
    "campaignd.schema.json": ServiceFile,
    "campaign.schema.json": CampaignFile,
}


def schema_text(model: type[BaseModel]) -> str:
    """The model's schema as it stands in its file: the same text for the same model."""
    described = model.model_json_schema(schema_generator=SchemaWithTexts)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | _for_toml(described)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schemas(directory: Path) -> list[Path]:
    """Write both schemas into `directory`; the files written."""
    files = []
    for name, model in SCHEMAS.items():
        file = directory / name
        file.write_text(schema_text(model), encoding="utf-8")
        files.append(file)
    return files


def _for_toml(node: Any) -> Any:
    """Without null, which TOML has not: a key is left out instead; and with tables that take only names which fit."""
    if isinstance(node, list):
        return [_for_toml(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _for_toml(value) for key, value in node.items() if value is not None}
    kinds = [kind for kind in node.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del node["anyOf"]
        node = kinds[0] | node
    if "patternProperties" in node:
        node["additionalProperties"] = False
    return node


if __name__ == "__main__":
    for written in write_schemas(shipped_folder("config")):
        sys.stdout.write(f"{written}\n")
