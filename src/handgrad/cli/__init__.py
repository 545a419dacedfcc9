"""The command line: `handgrad solve`, `list`, `verify`. It sees the package's public door only."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """The `handgrad` command. Exits with 0, 1 (something is wrong in what was checked) or 2."""
    # Nothing that an import builds is ever garbage: looking for cycles in it costs start-up.
    gc.disable()
    from handgrad.cli.commands import run

    gc.freeze()
    gc.enable()
    sys.exit(run(sys.argv[1:]))
