"""A campaign as people describe it: in its file, `campaigns.d/SLUG.toml`, or over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from actors.campaign.settings import CampaignSettings
from supervisor.config.values import Line, PathText, Region, Text

_Reference = Annotated[Line, Field(max_length=63)]


class Campaign(CampaignSettings):
    """What a campaign is, wherever it is described, and the tables that say how it is run."""

    name: Line
    """As people write it."""
    description: Text | None = None
    company: str
    """Slug of a company in the service's file."""
    skillbase: str
    """Slug of one of that company's skillbases."""
    trunk: str
    """Name of a trunk in the service's file."""
    default_region: Region | None = None
    """Region whose national numbers the list may contain; not given: international ones only."""
    mode: Literal["conversation", "broadcast"] = "conversation"
    """conversation: the agent talks with whoever answers; broadcast: one announcement."""

    @property
    def settings(self) -> CampaignSettings:
        """Its conduct alone, as its actor takes it; equal exactly when nothing about its conduct differs."""
        return CampaignSettings(**{name: getattr(self, name) for name in CampaignSettings.model_fields})


class CampaignFile(Campaign):
    """campaigns.d/SLUG.toml: one campaign; the file's stem is its slug."""

    call_list: PathText | None = None
    """CSV or Excel file, imported when new or changed; relative: to the folder of the service's file."""
    enabled: bool = True
    """true: imported and started, unless an operator has paused it; false: held."""


class NewCampaign(Campaign):
    """A campaign without a file: a draft, to which a call list is given and which is started by hand."""

    company: _Reference = Field(validation_alias=AliasChoices("company", "company_id"))
    """Slug or id of the company; `company_id` is taken, too."""
    skillbase: _Reference = Field(validation_alias=AliasChoices("skillbase", "skillbase_id"))
    """Slug or id of one of that company's skillbases; `skillbase_id` is taken, too."""
