"""The command line. A command's module is imported only when it is asked for, so that `--help` is quick."""

from __future__ import annotations

import errno
import io
import sys
from typing import Any

import click

from supervisor.ctrl_c import INTERRUPTED, raise_on_ctrl_c
from supervisor.loading import load_module

# name → (module in supervisor.commands, its line in --help); operations.md gives the names.
COMMANDS = {
    "run": ("run", "The service, in the foreground."),
    "demo": ("demo", "Everything at once, with its own PostgreSQL and a simulated LiveKit."),
    "check": ("check", "Validate all configuration files."),
    "plan": ("plan", "What a reload would change."),
    "migrate": ("migrate", "Bring the database to this version's schema."),
    "import": ("import_", "Read a call list into a campaign."),
    "start": ("start", "Start a campaign that is a draft."),
    "pause": ("pause", "Hold a campaign: no new calls until it is resumed."),
    "resume": ("resume", "Lift an operator's pause."),
    "status": ("status", "What every campaign is doing."),
    "report": ("report", "How a campaign or a company's campaigns went."),
    "explain": ("explain", "Why contacts have not been called yet."),
    "dnc": ("dnc", "Numbers that nobody may call: add, remove, list."),
    "jobs": ("jobs", "Work beside calling: list, submit, cancel."),
    "leads": ("leads", "The people a company knows: import, list, export."),
    "recordings": ("recordings", "Recordings of calls: list, retry."),
    "receipts": ("receipts", "What calls cost: a provider's amounts in place of estimates."),
    "verify": ("verify", "Have the running service carry out campaigns to test numbers."),
    "simulate-livekit": ("simulate_livekit", "A simulated LiveKit server, for trying things out."),
}


class _Text(click.types.StringParamType):
    """Text that PostgreSQL can keep: of a script or a terminal in another encoding Python makes lone surrogates."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = super().convert(value, param, ctx)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("not UTF-8", param, ctx)
        return text


def _take_text(command: click.Command) -> None:
    """Have it, and what it groups, refuse text that can't be kept. A path may be of any bytes."""
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = _Text()
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _take_text(each)


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = load_module(f"supervisor.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        _take_text(command)
        raise_on_ctrl_c()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="campaignd", prog_name="campaignd")
def campaignd() -> None:
    """Calls people for an organisation: campaigns dialed through LiveKit SIP.

    \b
    Example:
      campaignd demo
      campaignd check --config config/campaignd.toml
    """


def _out_of_our_hands(error: Exception) -> str | None:
    """A line for what no code of ours can do anything about: PostgreSQL went away, or does not allow it, or a disk is
    full, as that on which a report was to be written."""
    # Long loaded, if it is one of them.
    from psycopg.errors import InsufficientPrivilege, OperationalError, ReadOnlySqlTransaction

    text = " ".join(str(error).split())
    match error:
        case InsufficientPrivilege():
            return f"PostgreSQL: {text} (`campaignd migrate --print-roles` gives the service's role its rights)"
        case OperationalError() | ReadOnlySqlTransaction():
            return f"PostgreSQL: {text}"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT, filename=file, strerror=why):
            return f"{file or 'the output'} can't be written: {why}"
        case _:
            return None


def _complain(text: str) -> None:
    from supervisor.journal import as_error

    click.echo(as_error(f"campaignd: {text}", sys.stderr), err=True)


def main() -> None:
    """Run the command line. Exit codes: 0 done; 1 the thing asked for failed; 2 wrong input or configuration;
    130 Ctrl-C."""
    from actors.errors import (
        CallListValidationError,
        CampaignNotFoundError,
        CampaignServiceError,
        CampaignValidationError,
        ConfigurationError,
    )

    wrong_input = (CallListValidationError, CampaignNotFoundError, CampaignValidationError, ConfigurationError)
    code: object = 0
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that can't show a name shows "?" for a letter of it
            stream.reconfigure(errors="replace")
    try:
        code = campaignd.main(prog_name="campaignd", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        _complain(" ".join(error.format_message().split()))
        code = error.exit_code
    except click.Abort:
        click.echo("campaignd: interrupted", err=True)
        code = INTERRUPTED
    except CampaignServiceError as error:
        _complain(str(error))
        code = 2 if isinstance(error, wrong_input) else 1
    except Exception as error:
        if (refusal := _out_of_our_hands(error)) is None:
            raise
        _complain(refusal)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
