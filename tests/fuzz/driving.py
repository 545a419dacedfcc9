"""One mutated input after another through a command, in a process that is watched."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import random
import resource
import signal
import tempfile
import time
import tomllib
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import handgrad
from handgrad.checking.blanks import blank_toml
from handgrad.cli import commands
from handgrad.problem.files import BUNDLED
from tests.fuzz.mutating import mutated
from tests.gauntlet.families import FAMILIES, problem
from tests.gauntlet.subject import _Console

HANG = 10
"""Seconds of processor time that one command may take."""

LOST = 90
"""Seconds after which a process that does not even answer its clock is ended."""

MEMORY = 6 * 2**30
"""Bytes that a process may have."""

AT_MOST = 3_000
"""Inputs before a process makes room for a fresh one."""

FAULTS = Path(__file__).parent.parent / "gauntlet" / "faults"


@dataclass(frozen=True)
class Outcome:
    """What one input came to: "done", "refused", "traceback" or "hang"; `kind` is alike for one cause."""

    seed: int
    command: str
    ended: str
    kind: str = ""
    said: str = ""
    text: str = ""
    answers: str = ""
    warned: tuple[str, ...] = ()


@dataclass
class Tally:
    """Outcomes counted, and those that should not be."""

    ended: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    wrong: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.ended[outcome.ended] += 1
        self.commands[outcome.command.split()[0]] += 1
        self.warned.update(outcome.warned)
        if outcome.ended in ("traceback", "hang"):
            self.wrong.append(outcome)


# -- one input -------------------------------------------------------------------------------


@cache
def corpus() -> tuple[str, ...]:
    """Problem files to begin with: the bundled ones, small ones that once went wrong, a few of each family."""
    texts = [p.read_text(encoding="utf-8") for p in sorted(BUNDLED.glob("*.toml"))]
    faults = [p.read_text(encoding="utf-8") for p in sorted(FAULTS.glob("*.toml"))]
    texts += [t for t in faults if "equations" in t]
    return (*texts, *(problem(f, seed) for f in FAMILIES for seed in (0, 1)))


@cache
def complete_answers(text: str) -> str:
    """The right answers of a problem that is as it was, in TOML."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            trace = handgrad.solve(handgrad.loads(text))
            asked = tomllib.loads(blank_toml(handgrad.blanks(handgrad.Checker(trace.problem))))  # fmt: skip
        except Exception:
            return "L = 0.5\ndW = [0.1, 0.2]\n"
    lines = []
    for target in asked:
        name = target[1:] if target.startswith("d") and target not in trace.run.graph.nodes else target  # fmt: skip
        if name in trace.run.graph.nodes:
            number = trace.run.value(name) if name == target else trace.run.gradient(name)
            lines.append(f"{target} = {np.round(np.asarray(number, float), 4).tolist()}")
    return "\n".join(lines).replace("nan", "0").replace("inf", "0") + "\n"


def _solve(*options: str) -> Callable[[random.Random, str, Path], list[str]]:
    return lambda draws, text, folder: ["solve", *options]


def _written(kind: str, *options: str) -> Callable[[random.Random, str, Path], list[str]]:
    return lambda draws, text, folder: ["solve", "-o", str(folder / f"page.{kind}"), "--force", *options]  # fmt: skip


def _some_name(draws: random.Random, text: str) -> str:
    lines = [line.partition("=")[0].strip() for line in text.split("\n") if "=" in line]
    return draws.choice([n for n in lines if n] or ["W"])


def _why(draws: random.Random, text: str, folder: Path) -> list[str]:
    index = draws.choice(("", "[0]", "[0,0]", "[1,0]", "[-1]", "[7]", "[a]", "[0", "[0,0,0]"))
    entry = draws.choice(("d", "d", "", "dL/d")) + _some_name(draws, text) + index
    return ["why", entry, *draws.choice(([], ["--json"], ["--top", "1"]))]


def _set(draws: random.Random, text: str, folder: Path) -> list[str]:
    value = draws.choice(("0", "[0, 1]", "1/3", "[[1, 2], [3, 4]]", "nan", "", "1e308", "[1,", "-1000", "[[0.1]]"))  # fmt: skip
    return [draws.choice(("solve", "compare", "gates")), "--set", f"{_some_name(draws, text)}={value}"]  # fmt: skip


def _swap(draws: random.Random, text: str, folder: Path) -> list[str]:
    pair = draws.choice(("relu=leaky_relu", "relu=tanh", "sigmoid=tanh", "relu=sum", "softmax=sigmoid", "relu", "tanh=relu", "bce=mse", "max=min"))  # fmt: skip
    return [draws.choice(("solve", "compare")), "--swap", pair]


def _over(draws: random.Random, text: str, folder: Path) -> list[str]:
    box = draws.choice(("x in [-1,1]^2", "x in [-1,1]", "x in [0,0]^3", "X in [-1,1]^2", "x in [1,-1]", "x in", "x0 in [-1,1]", "h0 in [-2,2]^2"))  # fmt: skip
    return ["gates", "--over", box, *draws.choice(([], ["--tighten"]))]


def _data(draws: random.Random, text: str, folder: Path) -> list[str]:
    table = mutated("x1,x2,y\n0.1,-0.5,1\n1,0,0\n0.3,0.2,1\n-1,2,0\n", draws)
    path = folder / "cases.csv"
    path.write_text(table, encoding="utf-8", errors="surrogatepass")
    command = draws.choice((["gates"], ["train", "--steps", "2"]))
    return [*command, "--data", str(path), *draws.choice(([], ["--skip-bad"]))]


def _check(*options: str) -> Callable[[random.Random, str, Path], list[str]]:
    return lambda draws, text, folder: ["check", "ANSWERS", *options]


ARGUMENTS: tuple[Callable[[random.Random, str, Path], list[str]], ...] = (
    _solve(), _solve("--json"), _solve("--elements"), _solve("--numbers", "exact"), _solve("--carry", "rounded"),
    _solve("--steps", "2"), _solve("--ascii", "--width", "40"), _solve("--decimals", "0"), _solve("--only", "backward"),
    _solve("--step", "2.1"), _written("html"), _written("tex"), _written("typ"), _written("md"), _written("ipynb"),
    _written("svg"), _written("html", "--as", "slides"), _why, _why, _set, _swap, _over, _data,
    _solve("--numbers", "exact", "--json"),
    lambda d, t, f: ["gates"], lambda d, t, f: ["gates", "--json"], lambda d, t, f: ["questions"],
    lambda d, t, f: ["practice", "--seed", str(d.randrange(99)), *d.choice(([], ["--off", "1"], ["--level", "easy"], ["--level", "hard"], ["--count", "2"], ["--path-sum"], ["--zero-input"]))],
    lambda d, t, f: ["train", "--steps", "3"], lambda d, t, f: ["train", "--steps", "2", "--compare"],
    lambda d, t, f: ["code"], lambda d, t, f: ["code", "--to", "torch"], lambda d, t, f: ["verify"],
    lambda d, t, f: ["check", "--blank"], lambda d, t, f: ["check", "--blank=ipynb"],
    _check(), _check("--json"), _check("--level", "rule"), _check("--level", "worked"), _check("--as-printed"), _check("--level", "where"),
)  # fmt: skip
"""What is run, by chance."""

ANSWERED = ARGUMENTS[-6:]


class _HangError(Exception):
    """Too much processor time."""


def _too_long(number: int, frame: FrameType | None) -> None:
    raise _HangError


def tried(seed: int, folder: Path) -> Outcome:
    """One mutated problem, or answers, through one command."""
    draws = random.Random(seed)
    before = draws.choice(corpus())
    answers = ""
    if draws.random() < 0.25:
        # Mutated answers of a problem that is right.
        text = before
        answers = mutated(complete_answers(before), draws, corpus())
        made = draws.choice(ANSWERED)
    else:
        text = mutated(before, draws, corpus())
        made = draws.choice(ARGUMENTS)
    path, answered = folder / "problem.toml", folder / "answers.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    name, *rest = made(draws, text, folder)
    if "ANSWERS" in rest:
        answers = answers or complete_answers(before)
        answered.write_text(answers, encoding="utf-8", errors="surrogatepass")
        rest = [str(answered) if r == "ANSWERS" else r for r in rest]
    if draws.random() < 0.06:
        rest = [mutated(r, draws) if not r.startswith(str(folder)) else r for r in rest]
    arguments = [name, str(path), *rest]
    said = " ".join(arguments).replace(str(folder) + "/", "")

    def outcome(ended: str, kind: str = "", message: str = "") -> Outcome:
        warned = tuple(
            f"{w.category.__name__}: {str(w.message)[:80]} ({Path(w.filename).name}, line {w.lineno})"
            for w in caught
        )
        return Outcome(seed, said, ended, kind, message, text, answers, warned)

    signal.signal(signal.SIGPROF, _too_long)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            signal.setitimer(signal.ITIMER_PROF, HANG)
            with contextlib.redirect_stdout(_Console()), contextlib.redirect_stderr(_Console()):
                code = commands.run(arguments)
        except _HangError:
            return outcome("hang", _place(traceback.format_exc()), traceback.format_exc(limit=-8))
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            ours = [f for f in frames if "/handgrad/" in f.filename] or list(frames)
            last = ours[-1]
            where = f"{last.filename.rpartition('/handgrad/')[2]}:{last.lineno} {last.name}"
            message = traceback.format_exc(limit=-5)
            return outcome("traceback", f"{type(error).__name__} in {where}", message)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        return outcome("refused" if code == 2 else "done")


def _place(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "/handgrad/" in line]
    return f"hang near {lines[-1].rpartition('/handgrad/')[2]}" if lines else "hang"


# -- many ------------------------------------------------------------------------------------


def _work(end: Connection) -> None:
    """Answers seeds with outcomes, until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        while (seed := end.recv()) is not None:
            end.send(tried(seed, Path(folder)))


@dataclass
class _Worker:
    """A watched process, made anew when it hangs, dies, or has done its share."""

    process: Any = None
    end: Connection | None = None
    done: int = 0

    def outcome(self, seed: int) -> Outcome:
        if self.end is None:
            self.start()
        assert self.end is not None
        self.end.send(seed)
        try:
            if not self.end.poll(LOST):
                return self._lost(seed, "hang", f"no answer in {LOST} s")
            found: Outcome = self.end.recv()
        except EOFError:
            return self._lost(seed, "traceback", "the process died")
        self.done += 1
        if self.done == AT_MOST:
            self.stop()
        return found

    def start(self) -> None:
        self.end, theirs = mp.Pipe()
        self.process = mp.get_context("spawn").Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.done = 0

    def stop(self) -> None:
        if self.end is not None:
            with contextlib.suppress(OSError):
                self.end.send(None)
            self.end.close()
            self.process.join(5)
            self.process.kill()
        self.end = None

    def _lost(self, seed: int, ended: str, kind: str) -> Outcome:
        assert self.end is not None
        self.process.kill()
        self.end.close()
        self.end = None
        return Outcome(seed, "lost", ended, kind)


def watched(seeds: Iterator[int], until: float) -> Iterator[Outcome]:
    """Outcomes of inputs one after another until the time `until` (of `time.monotonic`)."""
    worker = _Worker()
    try:
        for seed in seeds:
            if time.monotonic() > until:
                return
            yield worker.outcome(seed)
    finally:
        worker.stop()


def summary(tally: Tally) -> str:
    lines = [f"{sum(tally.ended.values())} inputs: {_row(tally.ended)}", f"commands: {_row(tally.commands)}"]  # fmt: skip
    lines += [f"{sum(tally.warned.values())} warnings", *(f"  {c} × {w}" for w, c in tally.warned.most_common(10))]  # fmt: skip
    kinds: dict[str, list[Outcome]] = {}
    for outcome in tally.wrong:
        kinds.setdefault(f"{outcome.ended}: {outcome.kind}", []).append(outcome)
    for kind, each in sorted(kinds.items(), key=lambda e: -len(e[1])):
        smallest = min(each, key=lambda o: len(o.text) + len(o.answers))
        lines += ["", f"{len(each)} × {kind}", f"  --only {smallest.seed}: handgrad {smallest.command}"]  # fmt: skip
        lines += [f"  | {line}" for line in smallest.said.splitlines()[-12:]]
        lines += [f"  > {line}" for line in smallest.text.splitlines()[:60]]
        lines += [f"  ? {line}" for line in smallest.answers.splitlines()[:40]]
    return "\n".join([*lines, "", f"{len(tally.wrong)} tracebacks and hangs, of {len(kinds)} kinds"])  # fmt: skip


def _row(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
