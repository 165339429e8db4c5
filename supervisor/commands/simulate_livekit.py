"""`campaignd simulate-livekit`: the simulated LiveKit server in the foreground."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import click

from supervisor.many_calls import collect_rarely
from supervisor.simulator import API_KEY, API_SECRET, Simulator, behaviours

_TABLE = (behaviours.__doc__ or "").split("\n\n", 1)[1].rsplit("\n\n", 1)[0].replace("\n\n", "\n\n\b\n")


@click.command(
    name="simulate-livekit",
    help=f"""A simulated LiveKit server, for trying things out: runs until it is interrupted.

What a called number does:

\b
{_TABLE}

While it runs: GET /simulator/state, /simulator/rings and /simulator/knobs; POST /simulator/knobs and
/simulator/script (JSON).

\b
Example:
  campaignd simulate-livekit --speed 10 --webhook-url http://127.0.0.1:9464/webhooks/livekit
  curl -X POST -d '{{"outages": {{"SIP": {{"mode": "http", "status": 502}}}}}}' http://127.0.0.1:7880/simulator/knobs
""",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=7880, show_default=True,
    help="Port to listen on; 0 takes a free one.",
)  # fmt: skip
@click.option("--api-key", default=API_KEY, show_default=True, help="The only API key it knows.")
@click.option("--api-secret", default=API_SECRET, show_default=True, help="That key's secret.")
@click.option("--webhook-url", default=None, help="Where to POST webhooks; without it there are none.")
@click.option("--speed", default=1.0, show_default=True, help="How many times faster than real time calls pass.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same calls.")
@click.option(
    "--recordings-directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where completed recordings are written; without it they are only reported.",
)
def command(
    host: str,
    port: int,
    api_key: str,
    api_secret: str,
    webhook_url: str | None,
    speed: float,
    seed: int,
    recordings_directory: Path | None,
) -> None:
    if speed <= 0:
        raise click.BadParameter("must be positive", param_hint="--speed")
    collect_rarely()
    simulator = Simulator(
        api_key=api_key,
        api_secret=api_secret,
        webhook_url=webhook_url,
        speed=speed,
        seed=seed,
        recordings_directory=recordings_directory,
    )
    asyncio.run(_run(simulator, host, port))


async def _run(simulator: Simulator, host: str, port: int) -> None:
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    try:
        await simulator.start(host, port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise click.ClickException(f"cannot listen on {host}:{port}: {reason}") from error
    try:
        click.echo(f"simulated LiveKit listens on {simulator.url}")
        await interrupted.wait()
    finally:
        await simulator.stop()
