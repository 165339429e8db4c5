"""The roles of a database: one that owns the tables, and one that the service runs as."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actors.errors import CampaignValidationError, DatabaseError
from actors.statements import statement

_sql = partial(statement, __package__)
OWNER = "campaignd_owner"
SERVICE = "campaignd"
_LONGEST_NAME = 63  # bytes, of PostgreSQL


@dataclass(frozen=True)
class Roles:
    """What the roles of one database are called. Raises CampaignValidationError for names that PostgreSQL would not
    take, or would take for another's."""

    owner: str = OWNER
    service: str = SERVICE

    def __post_init__(self) -> None:
        for name in (self.owner, self.service):
            # A dollar sign could end the body of a DO statement, and a line break a comment.
            if not name or len(name.encode()) > _LONGEST_NAME or not name.isprintable() or "$" in name:
                raise CampaignValidationError(f"not a role's name: {name!r}")
            if name.startswith("pg_") or name in ("public", "none"):
                raise CampaignValidationError(f"PostgreSQL keeps this role's name for itself: {name}")
        if self.owner == self.service:
            raise CampaignValidationError("the tables' owner and the service must be different roles")

    def sql(self) -> str:
        """SQL, one transaction, that makes the roles where they are missing and gives each exactly what it needs in the
        database it is run in. May be run again at any time, beside a service that runs."""
        roles = sql.SQL(_sql("roles").decode()).format(
            owner=sql.Identifier(self.owner),
            owner_name=sql.Literal(self.owner),
            service=sql.Identifier(self.service),
            service_name=sql.Literal(self.service),
        )
        return f"BEGIN;\n{roles.as_string()}{_sql('book').decode()}\nCOMMIT;\n"


def set_up_roles(dsn: str) -> None:
    """Give our own server its roles, under their usual names; `dsn` is its superuser's. Raises DatabaseError."""
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(Roles().sql().encode())
    except psycopg.Error as error:
        raise DatabaseError(f"cannot set up the embedded PostgreSQL's roles: {error}") from error


def keep_book(connection: psycopg.Connection) -> None:
    """Leave the migrations' own tables to their owner, whose `connection` must be. Raises psycopg.Error."""
    connection.execute(_sql("book"))


def become(dsn: str, role: str) -> str:
    """A DSN whose sessions are `role`'s, if whoever logs in by it may become that."""
    escaped = role.replace("\\", "\\\\").replace(" ", "\\ ")
    options = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{options} -c role={escaped}".strip())
