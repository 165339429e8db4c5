"""Reads the service's file and every campaign's, checks each and all of them together, and hands over one snapshot."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from supervisor.config.campaign import CampaignFile
from supervisor.config.explain import explain
from supervisor.config.problems import ConfigurationFilesError, Problem
from supervisor.config.service import ServiceFile
from supervisor.config.together import Names, check_campaign, check_service
from supervisor.config.values import SLUG

Model = TypeVar("Model", bound=BaseModel)
_AT = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_LONGEST_SLUG = 100


@dataclass(frozen=True)
class ServiceConfiguration:
    """The service's own file at one moment, and where it says that things are. Nothing in it changes."""

    file: Path
    """Absolute."""
    service: ServiceFile

    @property
    def directory(self) -> Path:
        """The folder of the service's file, absolute: what relative paths are relative to."""
        return self.file.parent

    @property
    def state_directory(self) -> Path:
        """Absolute; need not exist yet."""
        return self.directory / self.service.service.state_directory

    @property
    def campaigns_directory(self) -> Path:
        """Absolute."""
        return self.directory / self.service.service.campaigns_directory

    @property
    def recordings_store(self) -> str:
        """The URL under which recordings are stored."""
        return self.service.recordings.store or (self.state_directory / "recordings").as_uri()

    @property
    def recordings_source(self) -> str:
        """The URL under which LiveKit writes recordings."""
        store = urlsplit(self.recordings_store)
        return self.service.recordings.source or store._replace(path=f"{store.path.rstrip('/')}/incoming").geturl()


@dataclass(frozen=True)
class Snapshot(ServiceConfiguration):
    """The whole configuration at one moment, valid in itself and across files. Nothing in it changes."""

    campaigns: Mapping[str, CampaignFile]
    """Under their slugs, in alphabetical order."""
    digest: str
    """SHA-256 over all files: the same exactly when no file, name or byte differs."""

    def call_list(self, slug: str) -> Path | None:
        """Absolute path of that campaign's call list, None when its file names none. KeyError for an unknown slug."""
        call_list = self.campaigns[slug].call_list
        return None if call_list is None else self.directory / call_list


def load(file: Path) -> Snapshot:
    """Read and validate the service's file and all campaigns' files.

    Raises ConfigurationFilesError with every mistake of every file. Needs no secrets; reads nothing but these files
    and a byte of each call list; writes nothing.
    """
    reading = _Reading()
    data = reading.toml(file)
    service = reading.service(file, data)
    folder = file.parent / _campaigns_directory(data)
    names = Names.of(data)
    campaigns: dict[str, CampaignFile] = {}
    for path in reading.campaign_files(file, folder):
        campaign_data = reading.toml(path)
        campaign = reading.validate(path, campaign_data, CampaignFile)
        if campaign_data is not None:
            for key, reason in check_campaign(campaign_data, names, file.parent):
                reading.problems.append(Problem(path, key, reason))
        if campaign is not None:
            campaigns[path.stem] = campaign
    if reading.problems or service is None:
        raise ConfigurationFilesError(reading.problems)
    return Snapshot(file.resolve(), service, MappingProxyType(campaigns), reading.digest.hexdigest())


def load_service(file: Path) -> ServiceConfiguration:
    """Read and validate the service's file alone: who only needs to know where things are works whatever is wrong with
    a campaign's file. Raises ConfigurationFilesError with every mistake of this file."""
    reading = _Reading()
    service = reading.service(file, reading.toml(file))
    if service is None:
        raise ConfigurationFilesError(reading.problems)
    return ServiceConfiguration(file.resolve(), service)


class _Reading:
    """One reading of all files: collects what is wrong and goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.digest = hashlib.sha256()

    def toml(self, file: Path) -> dict[str, Any] | None:
        """The file's tables; None when it can't be read or is not TOML."""
        try:
            content = file.read_bytes()
            self.digest.update(f"{file.name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
            return tomllib.loads(content.decode("utf-8-sig"))
        except OSError as error:
            self.problems.append(Problem(file, "", f"can't be read: {error.strerror or error}"))
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            column = error.start - content.rfind(b"\n", 0, error.start)
            self.problems.append(Problem(file, "", "not UTF-8", line, column))
        except RecursionError:
            self.problems.append(Problem(file, "", "tables or arrays are nested too deeply"))
        except ValueError as error:
            self.problems.append(_syntax_problem(file, content, str(error)))
        return None

    def service(self, file: Path, data: dict[str, Any] | None) -> ServiceFile | None:
        """The service's file as its model; None when there is a mistake in it."""
        service = self.validate(file, data, ServiceFile)
        mistakes = [Problem(file, key, reason) for key, reason in check_service(data or {})]
        self.problems += mistakes
        return None if mistakes else service

    def validate(self, file: Path, data: dict[str, Any] | None, model: type[Model]) -> Model | None:
        """The file as its model; None when there is a mistake in it."""
        if data is None:
            return None
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.problems += [Problem(file, key, reason) for key, reason in explain(error, model, data)]
            return None

    def campaign_files(self, service_file: Path, folder: Path) -> list[Path]:
        """Every campaign's file whose name is a slug, in order of slugs. What editors leave behind is not one."""
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".toml" and path.name[0] not in ".#")
        except (OSError, ValueError) as error:
            # Never an empty list instead: campaigns whose files are gone would be held.
            reason = f"{folder}: {getattr(error, 'strerror', None) or error}"
            self.problems.append(Problem(service_file, "service.campaigns_directory", reason))
            return []
        for path in files:
            if not SLUG.match(path.stem) or len(path.stem) > _LONGEST_SLUG:
                reason = (
                    "the file's stem is the campaign's slug: a-z, 0-9, _ and -, beginning with a letter or digit, "
                    f"at most {_LONGEST_SLUG}"
                )
                self.problems.append(Problem(path, "", reason))
        return files


def _syntax_problem(file: Path, content: bytes, message: str) -> Problem:
    match = _AT.search(message)
    if match is None:
        return Problem(file, "", f"not TOML: {message}")
    line, column = match["line"], match["column"]
    if line is None:  # tomllib says "end of document" instead
        text = content.decode("utf-8-sig")
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    return Problem(file, "", f"not TOML: {message[: match.start()]}", int(line), int(column))


def _campaigns_directory(data: Mapping[str, Any] | None) -> str:
    """Where the campaigns' files are, even when something else in the service's file is wrong."""
    service = (data or {}).get("service")
    given = service.get("campaigns_directory") if isinstance(service, Mapping) else None
    return given if isinstance(given, str) and given.strip() else "campaigns.d"
