"""One module for each command of `campaignd`, exporting `command`; imported by `supervisor.cli` when asked for."""
