"""A campaign's file, `campaigns.d/SLUG.toml`: what it is, and the tables that say how it is run."""

from __future__ import annotations

from typing import Literal

from actors.campaign.settings import CampaignSettings
from supervisor.config.values import Line, PathText, Region, Text


class CampaignFile(CampaignSettings):
    """campaigns.d/SLUG.toml: one campaign; the file's stem is its slug."""

    name: Line
    """As people write it."""
    description: Text | None = None
    company: str
    """Slug of a company in the service's file."""
    skillbase: str
    """Slug of one of that company's skillbases."""
    trunk: str
    """Name of a trunk in the service's file."""
    call_list: PathText | None = None
    """CSV or Excel file, imported when new or changed; relative: to the folder of the service's file."""
    enabled: bool = True
    """true: imported and started, unless an operator has paused it; false: held."""
    default_region: Region | None = None
    """Region whose national numbers the list may contain; not given: international ones only."""
    mode: Literal["conversation", "broadcast"] = "conversation"
    """conversation: the agent talks with whoever answers; broadcast: one announcement."""

    @property
    def settings(self) -> CampaignSettings:
        """Its conduct alone, as its actor takes it; equal exactly when nothing about its conduct differs."""
        return CampaignSettings(**{name: getattr(self, name) for name in CampaignSettings.model_fields})
