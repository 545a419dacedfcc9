"""The command line: `handgrad solve`, `list`, `verify`. It sees the package's public door only."""

from __future__ import annotations

import gc
import sys

YOUNG = 100_000
"""Objects that are made before cycles are looked for among them: more than a short command makes at all."""


def main() -> None:
    """The `handgrad` command. Exits with 0, 1 (something is wrong in what was checked) or 2."""
    # Imports and traces build much and drop little: looking for cycles in it costs a short command a tenth
    # of its time, and looking once more at its end too.
    gc.set_threshold(YOUNG)
    from handgrad.cli.commands import run

    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)
