"""JSON Schemas in which each field of a model is described by the text below it in the source.

pydantic can do the same (`use_attribute_docstrings`), but reads the source of every model when that is imported: a
tenth of the service's start, for texts that hardly anybody asks a running service for.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema


class SchemaWithTexts(GenerateJsonSchema):
    """For pydantic's `schema_generator`. A model's texts hold for what inherits from it."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        for base in reversed(schema["cls"].__mro__):
            if _stands_in_a_source(base):
                for name, text in _texts_below_fields(base):
                    if name in described["properties"]:
                        described["properties"][name]["description"] = text
        return described


def _stands_in_a_source(base: type) -> bool:
    """Whether it is a model of ours; of a generic one the class itself, not that with its parameters filled in."""
    return issubclass(base, BaseModel) and base is not BaseModel and not base.__pydantic_generic_metadata__["origin"]


def _texts_below_fields(model: type) -> Iterator[tuple[str, str]]:
    try:
        [written] = ast.parse(inspect.getsource(model)).body
    except OSError:  # no source is installed, or by now another version's
        return
    assert isinstance(written, ast.ClassDef)
    for field, below in zip(written.body, written.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
