"""Loads a command's module, and all that it needs, in as little time as that takes."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from types import ModuleType


def load_module(name: str) -> ModuleType:
    """Import it, at the start of a process; what has been imported is returned as it is.

    Meanwhile nothing is collected: almost all that is loaded stays, and each collection would go through it again;
    later ones leave it alone. pydantic does not look for plugins among everything that is installed, and structlog
    does without rich, by which it would only draw what we never ask it for. (Measured: a quarter of `campaignd run`'s
    time to load.)
    """
    if (loaded := sys.modules.get(name)) is not None:
        return loaded
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()
    try:
        _load_structlog()
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _load_structlog() -> None:
    rich: ModuleType | None = sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    try:
        importlib.import_module("structlog")
    finally:
        if rich is None:
            del sys.modules["rich"]
