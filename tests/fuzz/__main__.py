"""`python -m tests.fuzz --minutes 60`: mutated problem files and answers through every command.

A traceback, or more than 10 seconds of processor time, is wrong; exits with 1 where there is any. Each input
follows from its number: `--only NUMBER` tries it again. Ctrl-C ends it with what was found so far.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from tests.fuzz.driving import Tally, summary, tried, watched


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0, help="the first input's number")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="one input alone")
    options = parser.parse_args()
    tally = Tally()
    if options.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            tally.add(tried(options.only, Path(folder)))
    else:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            _run(tally, options.seed, options.minutes)
    print(summary(tally))
    raise SystemExit(int(bool(tally.wrong)))


def _run(tally: Tally, seed: int, minutes: float) -> None:
    last = time.monotonic()
    for outcome in watched(count(seed), last + 60 * minutes):
        tally.add(outcome)
        if outcome in tally.wrong[-1:]:
            print(f"--only {outcome.seed}: {outcome.ended}: {outcome.kind}", file=sys.stderr, flush=True)  # fmt: skip
        if time.monotonic() - last > 60:
            last = time.monotonic()
            print(f"{sum(tally.ended.values())} inputs, {len(tally.wrong)} wrong", file=sys.stderr, flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
