"""The gauntlet run: which problem meets which commands, what is found, and how it is told."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import random
import shutil
import signal
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import FrameType

import torch

import handgrad
from tests.gauntlet.commands import COMMANDS
from tests.gauntlet.families import FAMILIES, problem
from tests.gauntlet.subject import Subject, Wrong

AT_ONCE = 5
"""Commands that one problem meets beside `solve_json`; the next problem of its family meets the next ones."""

FACTS = "facts"
"""Judge 3 among the names of commands."""

LONGEST = 20
"""Seconds of processor time that one command may take."""


@dataclass(frozen=True)
class Finding:
    """What was found wrong: `kind` is the same for all that seem to have one cause."""

    family: str
    seed: int
    judge: str
    command: str
    kind: str
    said: str
    text: str


@dataclass
class Tally:
    """What was judged, and what was found. Adds up over problems."""

    problems: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    visits: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    undecided: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for name in (
            "problems",
            "commands",
            "visits",
            "judged",
            "facts",
            "undecided",
            "refused",
            "seconds",
        ):
            getattr(self, name).update(getattr(other, name))
        self.findings += other.findings


def facts_judge() -> Callable[..., object] | None:
    """Judge 3, where it is there."""
    if importlib.util.find_spec("tests.gauntlet.facts") is None:
        return None
    return getattr(importlib.import_module("tests.gauntlet.facts"), "judge", None)


class _HangError(Exception):
    """A command took too long."""


def _too_long(number: int, frame: FrameType | None) -> None:
    raise _HangError


def chosen(family: str, seed: int, names: Sequence[str], count: int = AT_ONCE) -> list[str]:
    """So many commands of one problem: over a family's problems in turn, each as often as another."""
    start = seed * count + zlib.crc32(family.encode())
    return [names[(start + k) % len(names)] for k in range(min(count, len(names)))]


def judged(
    family: str,
    seed: int,
    names: Sequence[str] | None = None,
    facts: bool = True,
    at_once: int = AT_ONCE,
) -> Tally:
    """One problem before the judges. `names` are the commands: unless given, `at_once` that the seed draws."""
    tally = Tally()
    tally.problems[family] += 1
    text = problem(family, seed)
    every = [c for c in COMMANDS if c != "solve_json"]
    todo = ["solve_json", *chosen(family, seed, every, at_once)] if names is None else list(names)
    facts = facts if names is None else FACTS in todo
    todo = [name for name in todo if name != FACTS]
    folder = Path(tempfile.mkdtemp(prefix="gauntlet-"))
    draws = random.Random(seed * 7919 + zlib.crc32(family.encode()))
    subject = Subject(family, seed, text, folder, draws)
    signal.signal(signal.SIGPROF, _too_long)
    try:
        if _one(subject, "oracle", lambda: subject.finite, tally):
            return tally  # a judge that cannot judge is told like any other find
        for name in todo:
            found = _one(subject, name, partial(COMMANDS[name], subject), tally)
            tally.commands[name] += 1
            tally.visits[family, name] += 1
            tally.judged["commands"] += 1
            if found is None and name == "solve_json" and subject.finite:
                tally.judged["numbers"] += 1
        judge = facts_judge() if facts else None
        if judge is not None:
            _one(subject, FACTS, partial(_facts, subject, judge, tally), tally)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        shutil.rmtree(folder, ignore_errors=True)
    tally.refused.update(subject.noted)
    return tally


def _facts(subject: Subject, judge: Callable[..., object], tally: Tally) -> None:
    try:
        report = judge(subject.text, subject.oracle, subject.seed)
    except handgrad.HandgradError:
        return
    counts: Counter[str] = getattr(report, "counts")  # noqa: B009
    tally.facts.update(counts)
    tally.undecided.update(getattr(report, "undecided"))  # noqa: B009
    tally.judged["facts"] += 1
    for false in getattr(report, "false"):  # noqa: B009
        said = f"{false.message}\n{false.text}"
        tally.findings.append(_finding(subject, "facts", FACTS, f"false: {false.kind}", said))


def _finding(subject: Subject, judge: str, command: str, kind: str, said: str) -> Finding:
    return Finding(subject.family, subject.seed, judge, command, kind, said, subject.text)


def _one(subject: Subject, name: str, judge: Callable[[], object], tally: Tally) -> Finding | None:
    kind = said = ""
    start = time.process_time()
    longest = LONGEST if name != FACTS else 4 * LONGEST  # the judge's own runs of many digits
    signal.setitimer(signal.ITIMER_PROF, longest)
    number = "commands"
    try:
        judge()
    except Wrong as wrong:
        kind, said = wrong.kind, wrong.said
        number = "numbers" if "differ" in kind else "commands"
    except _HangError:
        kind, said = f"hang over {longest} s", _place(traceback.format_exc())
    except handgrad.HandgradError as error:
        if subject.finite:
            kind, said = f"refused: {type(error).__name__}", str(error)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if "/handgrad/" in f.filename] or list(frames)
        last = ours[-1]
        where = f"{last.filename.rpartition('/handgrad/')[2]}:{last.lineno} {last.name}"
        kind, said = f"{type(error).__name__} in {where}", traceback.format_exc(limit=-4)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    tally.seconds[name] += time.process_time() - start  # type: ignore[assignment]
    if not kind:
        return None
    finding = _finding(subject, number, name, kind, said)
    tally.findings.append(finding)
    return finding


def _place(text: str) -> str:
    return "\n".join(text.splitlines()[-8:])


def _each(pair: tuple[str, int], names: Sequence[str] | None, facts: bool) -> Tally:
    _settle()
    return judged(*pair, names, facts)


@cache
def _settle() -> None:
    """Once a process: what has been imported is no garbage, and cycles are looked for less often."""
    torch.set_num_threads(1)
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def problems(count: int, seed: int, families: Sequence[str]) -> Iterator[tuple[str, int]]:
    """(family, seed) in turn over the families."""
    for k in range(count):
        yield families[k % len(families)], seed + k // len(families)


def run(
    pairs: Iterable[tuple[str, int]],
    names: Sequence[str] | None = None,
    jobs: int = 1,
    facts: bool = True,
    told: Callable[[Tally], None] = lambda _: None,
    total: Tally | None = None,
) -> Tally:
    """Many problems before the judges, in so many processes; `total` is added to as they come."""
    total = Tally() if total is None else total
    each = partial(_each, names=names, facts=facts)
    if jobs == 1:
        for pair in pairs:
            total.add(each(pair))
            told(total)
        return total
    with ProcessPoolExecutor(jobs, max_tasks_per_child=None) as pool:
        try:
            for tally in pool.map(each, pairs, chunksize=8):
                total.add(tally)
                told(total)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return total


def every_family() -> list[str]:
    return list(FAMILIES)


def summary(tally: Tally) -> str:
    """Counts by family, by command, by judge, and what was found, grouped by kind."""
    lines = [f"{sum(tally.problems.values())} problems of {len(tally.problems)} families"]
    lines += [f"  {_row(tally.problems)}", "commands"]
    lines += [f"  {_row(tally.commands)}"]
    visited = len(tally.visits)
    if visited:
        least = min(tally.visits.values())
        lines += [f"{visited} pairs of family and command visited, each {least} times or more"]
    lines += ["judged", f"  {_row(tally.judged)}"]
    if tally.facts:
        lines += [f"{sum(tally.facts.values())} statements of fact derived again"]
        lines += [f"  {_row(tally.facts)}"]
    if tally.undecided:
        lines += [f"{sum(tally.undecided.values())} that floats do not decide, not among these"]
        lines += [f"  {_row(tally.undecided)}"]
    if tally.refused:
        lines += [
            "refused with reason",
            *(f"  {c} × {k}" for k, c in tally.refused.most_common(12)),
        ]
    slow = ", ".join(f"{n} {s:.1f}" for n, s in tally.seconds.most_common(12))
    lines += [f"processor seconds {sum(tally.seconds.values()):.1f}: {slow}"]
    lines += ["", *(found(tally.findings) or ["nothing found"])]
    return "\n".join(lines)


def _row(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def found(findings: Sequence[Finding]) -> list[str]:
    """What was found, by kind, the most frequent first, with the smallest problem of each."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(f"{finding.judge}: {finding.kind}", []).append(finding)
    lines = [f"{len(findings)} found, of {len(kinds)} kinds"] if findings else []
    for kind, each in sorted(kinds.items(), key=lambda e: -len(e[1])):
        smallest = min(each, key=lambda f: len(f.text))
        commands = Counter(f.command for f in each)
        families = Counter(f.family for f in each)
        lines += ["", f"{len(each)} × {kind}"]
        lines += [f"  by {_row(commands)}; in {_row(families)}"]
        lines += [f"  --family {smallest.family} --seed {smallest.seed} --commands {smallest.command}"]  # fmt: skip
        lines += [f"  | {line}" for line in smallest.said.splitlines()[:14]]
        lines += [f"  > {line}" for line in smallest.text.splitlines()]
    return lines
