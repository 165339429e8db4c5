"""`python -m supervisor` is `campaignd`."""

from supervisor.cli import main

main()
