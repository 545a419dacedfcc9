"""`python -m tests.gauntlet --count 10000 --jobs 2`: realistic problems before three judges.

Judge 1 runs commands: no exception but the program's own errors, and no refusal where PyTorch has a finite
loss and finite gradients. Judge 2 holds numbers against PyTorch. Judge 3 derives statements of fact again.

A problem meets `solve --json` and a few commands more, by turns: the families' problems come one after another
(family 1, family 2, …), and each next problem of a family meets the next commands of the list. So 10 000 problems
meet each pair of family and command a dozen times. Exits with 1 where something is found; Ctrl-C ends it with what was found so far.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time

from tests.gauntlet.commands import COMMANDS
from tests.gauntlet.families import FAMILIES
from tests.gauntlet.running import Tally, problems, run, summary


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gauntlet", description=__doc__)
    parser.add_argument("--count", type=int, default=len(FAMILIES), help="problems")
    parser.add_argument("--seed", type=int, default=0, help="of each family's first problem")
    parser.add_argument("--family", action="append", choices=list(FAMILIES), metavar="NAME")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--commands", nargs="*", choices=[*COMMANDS, "facts", "all"], metavar="NAME", help="these only (facts is judge 3), or all")  # fmt: skip
    parser.add_argument("--no-facts", action="store_true", help="leave judge 3 out")
    options = parser.parse_args()
    families = options.family or list(FAMILIES)
    names = list(COMMANDS) if options.commands == ["all"] else options.commands
    pairs = list(problems(options.count, options.seed, families))
    start = last = time.monotonic()
    known = 0

    def told(tally: Tally) -> None:
        nonlocal last, known
        for new in tally.findings[known:]:
            print(f"--family {new.family} --seed {new.seed} --commands {new.command}: {new.kind}", file=sys.stderr, flush=True)  # fmt: skip
        known = len(tally.findings)
        if time.monotonic() - last > 30:
            last = time.monotonic()
            done = sum(tally.problems.values())
            print(f"{done} of {len(pairs)}, {len(tally.findings)} found, {last - start:.0f} s", file=sys.stderr, flush=True)  # fmt: skip

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    tally = Tally()
    with contextlib.suppress(KeyboardInterrupt):
        run(pairs, names, options.jobs, not options.no_facts, told, tally)
    print(summary(tally))
    print(f"{time.monotonic() - start:.0f} s")
    raise SystemExit(int(bool(tally.findings)))


if __name__ == "__main__":
    main()
