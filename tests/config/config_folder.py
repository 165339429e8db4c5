"""A small valid configuration to spoil."""

from __future__ import annotations

from pathlib import Path

SERVICE = """
[trunks.main]
livekit_trunk_id = "ST_main"
from_number = "+74951234567"

[companies.acme]
name = "Acme"
[companies.acme.skillbases.renewals]
agent_name = "renewals-agent"

[companies.beta]
name = "Beta"
[companies.beta.skillbases.surveys]
agent_name = "surveys-agent"
"""

CAMPAIGN = """
name = "Spring renewals"
company = "acme"
skillbase = "renewals"
trunk = "main"
"""


class Folder:
    """A configuration folder with one campaign, `spring`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.service = path / "campaignd.toml"
        self.campaign = path / "campaigns.d" / "spring.toml"
        self.campaign.parent.mkdir()
        self.service.write_text(SERVICE, encoding="utf-8")
        self.campaign.write_text(CAMPAIGN, encoding="utf-8")

    def add_to_service(self, text: str) -> None:
        self.service.write_text(f"{SERVICE}\n{text}\n", encoding="utf-8")

    def add_to_campaign(self, text: str) -> None:
        self.campaign.write_text(f"{CAMPAIGN}\n{text}\n", encoding="utf-8")
