"""What never stands in a configuration file: from the environment, or from systemd's credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from actors.errors import ConfigurationError


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Every secret the service knows; None where none is given. Neither its repr nor its text ever shows one."""

    livekit_api_key: str | None = None
    livekit_api_secret: str | None = None
    http_token: str | None = None

    def __repr__(self) -> str:
        known = (f"{field.name}={'set' if getattr(self, field.name) else 'not set'}" for field in fields(self))
        return f"Secrets({', '.join(known)})"

    def livekit(self) -> tuple[str, str]:
        """LiveKit's API key and secret. Raises ConfigurationError saying what is missing and where it may be given."""
        missing = [name for name in ("livekit_api_key", "livekit_api_secret") if not getattr(self, name)]
        if missing or self.livekit_api_key is None or self.livekit_api_secret is None:
            wanted = " and ".join(f"{_VARIABLES[name]} (or credential {name})" for name in missing)
            raise ConfigurationError(f"not given in the environment: {wanted}")
        return self.livekit_api_key, self.livekit_api_secret


_VARIABLES = {
    "livekit_api_key": "LIVEKIT_API_KEY",
    "livekit_api_secret": "LIVEKIT_API_SECRET",
    "http_token": "CAMPAIGND_HTTP_TOKEN",
}


def load_secrets(environment: Mapping[str, str] = os.environ) -> Secrets:
    """Each secret from its environment variable, else from its file in `$CREDENTIALS_DIRECTORY`, else None.

    Raises ConfigurationError for a credential that is there and can't be read; never repeats what is in it.
    """
    folder = environment.get("CREDENTIALS_DIRECTORY")
    found = {
        name: environment.get(variable, "").strip() or (_credential(Path(folder) / name) if folder else None)
        for name, variable in _VARIABLES.items()
    }
    return Secrets(**found)


def _credential(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"credential {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"credential {file}: not UTF-8") from None
