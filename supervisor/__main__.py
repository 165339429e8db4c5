"""`campaignd`, also as `python -m supervisor`."""

from supervisor.ctrl_c import end_at_once_on_ctrl_c


def main() -> None:
    """Load the command line, and run it."""
    end_at_once_on_ctrl_c()
    from supervisor import cli

    try:
        cli.main()
    finally:
        end_at_once_on_ctrl_c()  # leaving takes a moment, too


if __name__ == "__main__":
    main()
