"""The command line: `handgrad solve`, `list`, `verify`. It sees the package's public door only."""

from __future__ import annotations

import sys


def main() -> None:
    """The `handgrad` command. Exits with 0, 1 (something is wrong in what was checked) or 2."""
    from handgrad.cli.commands import run

    sys.exit(run(sys.argv[1:]))
