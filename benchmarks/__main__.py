"""python -m benchmarks [W1 W2 …] [--against PATH [--rounds N] [--history]] [--json]"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.against import against
from benchmarks.history import kept
from benchmarks.workloads import WORKLOADS


def main() -> None:
    """Runs the workloads and prints their ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="W", help=f"any of {', '.join(WORKLOADS)}")
    parser.add_argument(
        "--against",
        metavar="PATH",
        type=Path,
        help="pages, traces, checks and commands, and another checkout's beside",
    )
    parser.add_argument("--rounds", type=int, default=15, help="turns of each with --against")
    parser.add_argument(
        "--history", action="store_true", help="put the row of this commit into docs/engine.md"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    chosen = options.workloads or list(WORKLOADS)
    unknown = [w for w in chosen if w not in WORKLOADS]
    if unknown:
        parser.error(f"there is no workload {unknown[0]}; there are {', '.join(WORKLOADS)}")
    if options.against is not None:
        figures = against(options.against, options.rounds)
        if options.history:
            kept(figures, options.against)
    else:
        figures = [figure for w in chosen for figure in WORKLOADS[w]()]
    if options.json:
        print(
            json.dumps({"schema": "handgrad/benchmarks/1", "figures": [asdict(f) for f in figures]})
        )
        return
    for figure in figures:
        print(
            f"{figure.name:55} {figure.ratio:8.3f} × {figure.against:30} ({figure.seconds * 1e3:.3f} ms)"
        )


if __name__ == "__main__":
    main()
