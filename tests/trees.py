"""Sources as syntax trees, in a process in which others run."""

from __future__ import annotations

import ast
import gc


def parsed(source: str) -> ast.Module:
    """The tree of a source. Python 3.11 counts the depth of trees for all threads together; while one is made, only the
    collection of garbage lets another thread in, and one that writes a traceback makes trees of its lines."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        if was_enabled:
            gc.enable()
