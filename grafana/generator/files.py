"""All dashboards as the files that they are committed as."""

from __future__ import annotations

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.generator import campaign, overview, recordings, reliability


def files() -> dict[str, str]:
    """The name of each file, and its text."""
    made = (overview.dashboard(), campaign.dashboard(), reliability.dashboard(), recordings.dashboard())
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return {f"{str(each.uid).removeprefix('campaignd-')}.json": encoder.encode(each) + "\n" for each in made}
