"""What the product raises on purpose: the type is the verdict. Adapters turn foreign exceptions into these."""

from __future__ import annotations


class CampaignServiceError(Exception):
    """Root of every error the product raises on purpose; its text is one line that a person can act on."""


class CampaignNotFoundError(CampaignServiceError):
    """No campaign of that slug, name or id."""


class LeaseLostError(CampaignServiceError):
    """Another supervisor works this campaign now, or may: nothing more is written or dialed for it here."""


class CampaignValidationError(CampaignServiceError):
    """What was asked for is wrong in itself, or not allowed in the campaign's present status."""


class CallListValidationError(CampaignServiceError):
    """The call list as a whole can't be read; a single bad row never raises this."""


class ConfigurationError(CampaignServiceError):
    """One or more configuration files are wrong; the text has a line for each error: file, key, reason."""


class DatabaseError(CampaignServiceError):
    """PostgreSQL could not be reached, refused, or its schema does not fit this code."""


class MigrationRequiredError(DatabaseError):
    """The database lacks what was asked for, because its schema is older than this code: over HTTP, 503."""
