"""`campaignd verify`: are several campaigns at once carried through by the running service?"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from actors.errors import ConfigurationError
from actors.services import LIVEKIT, agents_service, trunk_service
from supervisor.commands.options import config_option, json_option
from supervisor.config.load import load_service
from supervisor.config.secrets import load_secrets
from supervisor.config.service import VERIFY_COMPANY, ServiceFile
from supervisor.config.values import parse_range
from supervisor.verify.check import Check, Plan
from supervisor.verify.client import Client, VerificationError


class _Verify(click.Command):
    """Wrong input is a check that failed: to whoever reads 2, a service has failed."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise VerificationError(error.format_message()) from None
        except ConfigurationError as error:
            raise VerificationError(str(error)) from None


@click.command("verify", cls=_Verify)
@config_option
@click.option("--campaigns", type=click.IntRange(1, 100), default=5, show_default=True, help="Campaigns at once.")
@click.option("--leads", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Contacts of each.")
@click.option("--timeout", type=click.FloatRange(1), default=600, show_default=True, help="Seconds.")
@json_option
def command(config: Path, campaigns: int, leads: int, timeout: float, as_json: bool) -> None:
    """Have the running service carry out campaigns to test numbers, see how it goes, and remove them again.

    Exit codes: 0 all campaigns finished; 2 a service failed and the run was stopped; 1 the check itself failed.

    \b
    Example:
      CAMPAIGND_HTTP_TOKEN=… campaignd verify --campaigns 5 --leads 20
    """
    try:
        service = load_service(config).service
        plan, token = _plan(service, campaigns, leads, timeout), _token()
    except ConfigurationError as error:
        raise VerificationError(str(error)) from None
    with click.progressbar(
        length=campaigns * leads, label="verifying", file=sys.stderr, hidden=as_json or not sys.stderr.isatty()
    ) as bar:
        check = Check(Client(_url(service), token), plan, lambda done, total: bar.update(done - bar.pos))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, frame: check.stop())
        report = check.run()
    click.echo(json.dumps(report.as_json(), ensure_ascii=False) if as_json else "\n".join(report.lines()))
    sys.exit(int(report.verdict))


def _token() -> str:
    token = load_secrets().http_token
    if token is None:
        raise ConfigurationError("not given in the environment: CAMPAIGND_HTTP_TOKEN (or credential http_token)")
    return token


def _plan(service: ServiceFile, campaigns: int, leads: int, timeout: float) -> Plan:
    settings = service.verify
    if settings is None:
        raise ConfigurationError(
            "[verify] numbers is not set: verify rings only numbers of that range, never a stranger"
        )
    numbers = parse_range(settings.numbers)
    if campaigns * leads > len(numbers):
        raise ConfigurationError(f"[verify] numbers has {len(numbers)} numbers: not enough for {campaigns} × {leads}")
    services = frozenset((LIVEKIT, trunk_service(settings.trunk), agents_service(settings.agent_name)))
    return Plan(campaigns, leads, timeout, VERIFY_COMPANY, VERIFY_COMPANY, settings.trunk, services, numbers)


def _url(service: ServiceFile) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(service.http.host, service.http.host)
    return f"http://[{host}]:{service.http.port}" if ":" in host else f"http://{host}:{service.http.port}"
