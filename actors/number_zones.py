"""Where a phone number's owner may be: the time zones of its region (rphonenumbers knows none, phonenumbers does)."""

from __future__ import annotations

from functools import lru_cache

_UNKNOWN = "Etc/Unknown"


@lru_cache(maxsize=10_000)
def zones_of(phone_number: str) -> tuple[str, ...]:
    """Every IANA zone in which the owner of this E.164 number may be, in alphabetical order; none where the number
    tells no place (a satellite phone, an international service)."""
    # Imported here: only campaigns with contact_local_time need its tables (measured: 12 MB).
    from phonenumbers import parse
    from phonenumbers.timezone import time_zones_for_number

    return tuple(sorted(zone for zone in time_zones_for_number(parse(phone_number)) if zone != _UNKNOWN))
