"""A configuration folder for each test, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from config_folder import Folder

from supervisor.config.load import load
from supervisor.config.problems import ConfigurationFilesError


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def problems(folder: Folder) -> Callable[[], list[str]]:
    """The lines that reading the folder gives, its own path left out."""

    def read() -> list[str]:
        with pytest.raises(ConfigurationFilesError) as caught:
            load(folder.service)
        lines = str(caught.value).splitlines()
        assert lines == [str(problem) for problem in caught.value.problems]
        return [line.removeprefix(f"{folder.path}/") for line in lines]

    return read
