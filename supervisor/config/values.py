"""The kinds of values that stand in the files: each says what it takes and, when refused, what it would have taken."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field

SLUG = re.compile(r"^[a-z0-9][a-z0-9_-]*\Z")
_E164 = re.compile(r"^\+[1-9][0-9]{6,14}\Z")
_AMOUNT = re.compile(r"^[0-9]{1,8}(\.[0-9]{1,6})?\Z")
_CURRENCY = re.compile(r"^[A-Z]{3}\Z")
_PREFIX = re.compile(r"^\+[0-9]{0,14}\Z")
_RANGE = re.compile(r"^\+([1-9][0-9]{6,14})-\+([1-9][0-9]{6,14})$")
_STORE_OPTIONS = {"file": (), "s3": ("endpoint_override", "region", "scheme"), "gs": ("endpoint_override", "scheme")}
_LISTEN = re.compile(r"^(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})\Z")


def _slug(value: str) -> str:
    if not SLUG.match(value):
        raise ValueError("a name here has only a-z, 0-9, _ and -, and begins with a letter or digit")
    return value


def _line(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise ValueError("a name is one line of printable characters, and not blank")
    return value


def _e164(value: str) -> str:
    if not _E164.match(value):
        raise ValueError(f"{value!r} is not an E.164 number: + and 7 to 15 digits, such as +74951234567")
    return value


def _amount(value: str) -> str:
    if not _AMOUNT.match(value):
        raise ValueError(f'{value!r} is not an amount: digits and up to 6 decimals in quotes, such as "0.0125"')
    return value


def _currency(value: str) -> str:
    if not _CURRENCY.match(value):
        raise ValueError(f"{value!r} is not a currency's code of three letters, such as 'EUR'")
    return value


def _prefix(value: str) -> str:
    if not _PREFIX.match(value):
        raise ValueError(f"{value!r} is not the beginning of an E.164 number, such as '+7495', or '+' for all others")
    return value


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("the character NUL can't be kept")
    return value


def _region(value: str) -> str:
    from rphonenumbers import SUPPORTED_REGIONS  # only where a region is named: it is slow to import

    if value not in SUPPORTED_REGIONS:
        raise ValueError(f"{value!r} is not a region's code of two letters, such as 'RU'")
    return value


def _path(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError("not a path")
    return value


def _listen(value: str) -> str:
    match = _LISTEN.match(value)
    try:
        good = match is not None and int(match["port"]) <= 65_535 and bool(match["host"] or IPv6Address(match["v6"]))
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{value!r} is not host:port, such as 127.0.0.1:9464")
    return value


def _livekit_url(value: str) -> str:
    _without_password(value)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        raise ValueError("not a LiveKit address: http://, https://, ws:// or wss://, and a host")
    return value


def _store(value: str) -> str:
    _without_password(value)
    parts = urlsplit(value)
    if parts.scheme == "file":
        if parts.netloc or not parts.path.startswith("/"):
            raise ValueError("file:// is followed by an absolute path, such as file:///var/lib/campaignd/recordings")
    elif parts.scheme not in ("s3", "gs") or not parts.netloc:
        raise ValueError("not a store: file:///folder, s3://bucket/prefix or gs://bucket/prefix")
    known = _STORE_OPTIONS[parts.scheme]
    for option, _ in parse_qsl(parts.query, keep_blank_values=True):
        if option not in known:
            have = f"; it has {', '.join(known)}" if known else ", which has none"
            raise ValueError(f"{option!r} is not an option of {parts.scheme}://{have}")
    return value


def _without_password(url: str) -> None:
    try:
        parts = urlsplit(url)
        secret = parts.username is not None or parts.password is not None
        _ = parts.port
    except ValueError:
        raise ValueError("not an address that can be understood") from None
    if secret:
        raise ValueError("an address in this file carries no user and password")


def parse_range(text: str) -> range:
    """`+79450000000-+79450009999`, both ends included. Raises ValueError saying what is wrong."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError("not a range of numbers, such as +79450000000-+79450009999")
    first, last = int(found[1]), int(found[2])
    if len(found[1]) != len(found[2]) or last < first:
        raise ValueError("the second number is not one that follows the first")
    return range(first, last + 1)


def checked_dsn(value: str) -> str:
    """The DSN as it is. Raises ValueError, which never repeats it, when it is none or has a password in it."""
    from psycopg import ProgrammingError  # only where a DSN is named: it is slow to import
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(value)
    except (ProgrammingError, UnicodeError):
        # libpq's own text can repeat the whole string, a password included.
        raise ValueError("not a PostgreSQL connection string, such as postgresql:///campaignd") from None
    if parts.keys() & {"password", "sslpassword"}:
        raise ValueError("a password does not belong here: use peer authentication, PGPASSFILE or PGPASSWORD")
    return value


def _json_table(value: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("the agent gets this as JSON: no dates, no infinities, and not too deep") from None
    if "\\u0000" in text:
        raise ValueError("the agent gets this as JSON: it may not contain the character NUL")
    return value


# A length comes first: after a validator of ours pydantic would say it of "items".
Slug = Annotated[
    str, Field(max_length=63, json_schema_extra={"pattern": "^[a-z0-9][a-z0-9_-]*$"}), AfterValidator(_slug)
]
Line = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_line)]
PhoneNumber = Annotated[
    str,
    AfterValidator(_e164),
    Field(json_schema_extra={"pattern": "^\\+[1-9][0-9]{6,14}$", "examples": ["+74951234567"]}),
]
PathText = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_path)]
Listen = Annotated[str, AfterValidator(_listen), Field(json_schema_extra={"examples": ["127.0.0.1:9464"]})]
LiveKitUrl = Annotated[
    str, AfterValidator(_livekit_url), Field(json_schema_extra={"examples": ["http://127.0.0.1:7880"]})
]
Dsn = Annotated[
    str, Field(min_length=1, json_schema_extra={"examples": ["postgresql:///campaignd"]}), AfterValidator(checked_dsn)
]
Store = Annotated[
    str, AfterValidator(_store), Field(json_schema_extra={"examples": ["file:///var/lib/campaignd/recordings"]})
]
Region = Annotated[str, AfterValidator(_region), Field(json_schema_extra={"pattern": "^[A-Z]{2}$", "examples": ["RU"]})]
Text = Annotated[str, Field(max_length=10_000), AfterValidator(_text)]
JsonTable = Annotated[Mapping[str, Any], AfterValidator(_json_table)]
Amount = Annotated[
    str,
    AfterValidator(_amount),
    Field(json_schema_extra={"pattern": "^[0-9]{1,8}(\\.[0-9]{1,6})?$", "examples": ["0.0125"]}),
]
Currency = Annotated[
    str, AfterValidator(_currency), Field(json_schema_extra={"pattern": "^[A-Z]{3}$", "examples": ["EUR"]})
]
NumberPrefix = Annotated[
    str,
    AfterValidator(_prefix),
    Field(json_schema_extra={"pattern": "^\\+[0-9]{0,14}$", "examples": ["+7495"]}),
]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
