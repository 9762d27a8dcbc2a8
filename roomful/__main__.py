"""`roomful`, and `python -m roomful`."""

import sys


def main() -> None:
    """Run the command that the arguments ask for; Ctrl-C while the program is still loaded is like any later one."""
    try:
        from roomful.cli import main as run

        run()
    except KeyboardInterrupt:
        # as `roomful.cli.output.INTERRUPTED`, which may not be loaded yet
        sys.exit(130)


if __name__ == "__main__":
    main()
