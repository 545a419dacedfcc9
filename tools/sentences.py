"""Prints every sentence that the product can say, in one list, to be read aloud.

    python -m tools.sentences [--count 200] [--jobs 2] [--kind NAME] [--unsaid] [--literal]

The list is made in two ways. From the source come its phrases: the literal strings, with … where
something is filled in and {a|b} where there is a choice. From commands run on the gauntlet's
problems, on the bundled ones and on spoiled answers come pages and messages as people see them. Each
phrase has an example under it that was said, or the words "not reached". What was said and is no phrase
of the source stands at the end: so nothing is missing from the list by the way that it is made.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import handgrad
from handgrad.cli.commands import COMMANDS as COMMAND_LINE
from handgrad.equations import source
from handgrad.expression import Expression
from handgrad.formats.terminal import render_terminal
from handgrad.page.blocks import Code, Figure, Heading, Note, Paragraph
from handgrad.saving import Page, save_each
from tools.phrases import HOLE, Phrase, phrases

LONGEST = 400
"""Characters of an example that are shown."""

ALIKE = 3
"""Texts that differ in numbers alone are kept so often: a phrase may be in one and not in another."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A phrase, and how it was said; empty where nothing that was run has said it."""

    phrase: Phrase
    example: str = ""

    def __str__(self) -> str:
        record = f" [{self.phrase.record}]" if self.phrase.record else ""
        lines = [f"  {self.phrase.text}", f"      {self.phrase.place}{record}"]
        if self.example and self.example != self.phrase.text:
            lines.append(f"      as in: {self.example[:LONGEST]}")
        if not self.example:
            lines[-1] += "  not reached"
        return "\n".join(lines)


def listed(
    said: Iterable[str], every: Iterable[Phrase] | None = None
) -> tuple[list[Listed], list[str]]:
    """Every phrase of the source with an example out of what was said, the shortest; and what else was said."""
    texts = sorted(set(said), key=lambda t: (len(t), t))
    folded = [t.casefold() for t in texts]
    found: list[Listed] = []
    explained = [False] * len(texts)
    for phrase in phrases() if every is None else every:
        example = ""
        for position, low in enumerate(folded):
            if example and explained[position]:
                continue
            if phrase.says(low):
                explained[position] = True
                example = example or texts[position]
        found.append(Listed(phrase, example))
    others = [t for t, known in zip(texts, explained, strict=True) if not known]
    return found, [t for t in others if re.search(r"[A-Za-z]{2,}\s+[a-z]{2,}", t)]


# -- what is said ---------------------------------------------------------------------------------


def texts(thing: Any) -> Iterator[str]:
    """The texts of a page, or of a part of it, formulas spelled as in equations."""
    match thing:
        case str():
            yield thing
        case Expression() | Code():
            return
        case tuple() if any(isinstance(p, str) for p in thing):
            yield "".join(p if isinstance(p, str) else _spelled(p) for p in thing)
        case Heading() | Paragraph() | Note():
            yield from (t for f in fields(thing) for t in texts(getattr(thing, f.name)))
        case Figure():
            yield from texts(thing.caption)
            yield from texts(thing.drawing)
        case tuple() | list():
            yield from (t for part in thing for t in texts(part))
        case dict():
            yield from (t for part in thing.values() for t in texts(part))
        case _ if is_dataclass(thing) and not isinstance(thing, type):
            yield from (t for f in fields(thing) for t in texts(getattr(thing, f.name)))


def _spelled(part: Expression) -> str:
    try:
        return source(part, decimals=4)
    except (TypeError, AttributeError, ValueError):
        return HOLE


@contextlib.contextmanager
def heard() -> Iterator[Counter[str]]:
    """What is said while this lasts: each text of each page shown or saved, by its text without numbers.

    Pages to be saved are made, and not written.
    """
    said: dict[str, list[str]] = {}
    shown, saved = render_terminal, save_each
    counts: Counter[str] = Counter()

    def keep(page: Page) -> None:
        for text in texts(page.blocks):
            keep_text(" ".join(text.split()))

    def keep_text(text: str) -> None:
        alike = said.setdefault(re.sub(r"[−-]?\d[\d.]*", "0", text), [])
        if len(alike) < ALIKE and text not in alike:
            alike.append(text)
            counts[text] += 1

    def show(page: Page, **options: Any) -> str:
        keep(page)
        return shown(page, **options)

    def save(reports: Any, *rest: Any, **options: Any) -> dict[Path, int]:
        for report in reports.values():
            for made in (report.page, report.pictured, report.slides, report.program):
                if made is not None:
                    keep(made if isinstance(made, Page) else made())
        return {}

    patched: Any = handgrad
    patched.render_terminal, patched.save_each = show, save
    try:
        yield counts
    finally:
        patched.render_terminal, patched.save_each = shown, saved


# -- what is run ----------------------------------------------------------------------------------

ON_BUNDLED = (
    "solve {p}", "solve {p} --only backward --elements", "solve {p} --steps 3", "solve {p} --numbers exact",
    "solve {p} --numbers symbols", "solve {p} --carry rounded", "solve {p} -o x.html", "solve {p} --as slides -o x.html",
    "gates {p}", "questions {p}", "questions {p} -o x.html", "verify {p}", "train {p} --steps 5 --compare",
    "train {p} --steps 40 --every 10", "compare {p} --swap relu=sigmoid", "compare {p} --set rate=2",
    "practice {p} --count 2 -o x.html --key k.html --short-key s.html", "practice {p} --off 1",
    "practice {p} --zero-input --path-sum", "check {p} --blank=ipynb", "code {p}",
)  # fmt: skip
"""Commands run on each bundled problem."""

ALONE = (
    "list", "--help", "", "nonsense", "solve", "solve nonsense", "solve lab9 --step 9.9", "solve lab9 --steps 0",
    "solve lab9 --json --step 2.1", "solve lab9 --set nope=1", "solve lab9 --set x=[1]", "solve lab9 --set x=abc",
    "solve lab9 --swap relu=nope", "solve lab9 --swap relu", "solve lab9 --only update --numbers exact",
    "solve lab9 -o x.nope", "solve lab9 --as slides", "solve lab9 -o /nowhere/x.html", "solve lab9 --paper a4 -o x.html",
    "gates lab9 --over x", "gates lab9 --over 'x in [1,-1]^2'", "gates lab9 --over 'x in [-1,1]^2'",
    "gates lab9 --over 'x in [-1,1]^2' --tighten", "gates neuron", "gates lab9 --data nope.csv", "gates lab9 --tighten",
    "why lab9 dW1[0,0]", "why lab9 dW1[0,1]", "why lab9 dW1[9,9]", "why lab9 h2[1]", "why lab9 z1[0]", "why lab9 nope",
    "why lab9 x[0]", "why batch dW1[0,0]", "why rnn dW[0,0]", "why lab9 dL", "why attention dWq[0,0]", "why lab9 dW1",
    "practice lab9 --off 9", "practice lab9 --off 1:9", "practice lab9 --like nonsense", "practice --like '2-2-1 relu sigmoid bce'",
    "practice", "practice lab9 --keep nope", "practice lab9 --seed -1", "practice lab9 --blank nope", "practice lab9 --grid nope",
    "practice neuron --zero-input", "practice neuron --off 1", "practice lab9 --off 4 --level easy", "practice lab9 --json -o x.html",
    "check lab9", "check lab9 nope.toml", "questions lab9 --only bias_gradient", "questions neuron --only gate_swap",
    "born-dead --width 2 --depth 3 --samples 500", "born-dead --width 2,3 --depth 2,4 --samples 300 --table", "born-dead --width 1 --depth 3 --samples 500",
    "born-dead --width 2 --depth 3 --samples 300 --inputs 2", "born-dead --depth 0", "born-dead --width a",
    "born-dead --width 2 --depth 2 --samples 300 --over [-1,1]^2", "born-dead --width 3,4 --samples 300", "born-dead --inputs 0",
    "born-dead --width 2 --depth 3 --samples 300 --init xavier", "born-dead --width 2 --depth 3 --samples 300 --init raai",
    "compare lab9 xor", "compare lab9 lab9", "compare lab9", "compare lab9 --set y=0", "compare batch --swap relu=tanh",
    "train lab9 --rule adam --steps 3", "train dying --steps 400 --rate 2 --every 20", "train lab9 --rate 1000000 --steps 60",
    "train lab9 --batch 99", "train lab9 --every 0", "train lab9 --rule nope", "train circuit --steps 3",
    "code lab9 --to nope", "drill lab9 --only nope", "solve lab9 --decimals -1", "verify nope",
)  # fmt: skip
"""Commands that are run once."""


def of_gauntlet(count: int, jobs: int) -> Iterator[str]:
    """What is said of the families' problems: commands by turns, as in the gauntlet."""
    from tests.gauntlet.running import every_family, problems

    pairs = list(problems(count, 0, every_family()))
    if jobs == 1:
        yield from (t for pair in pairs for t in _of_problem(pair))
        return
    with ProcessPoolExecutor(jobs) as pool:
        for found in pool.map(_of_problem, pairs, chunksize=4):
            yield from found


def _of_problem(pair: tuple[str, int]) -> list[str]:
    from tests.gauntlet.commands import COMMANDS
    from tests.gauntlet.families import problem
    from tests.gauntlet.running import chosen
    from tests.gauntlet.subject import Subject

    silent = [n for n in COMMANDS if n.endswith(("_json", "_svg", "_png", "_pdf", "_typ", "_tex")) or n in ("engine", "intervals", "saved_again")]  # fmt: skip
    names = [n for n in COMMANDS if n not in silent]
    text = problem(*pair)
    with tempfile.TemporaryDirectory() as folder, heard() as said:
        subject = Subject(*pair, text, Path(folder), random.Random(pair[1]))
        for name in ("solve", "check_spoiled", "questions", *chosen(*pair, names)):
            with contextlib.suppress(Exception):
                COMMANDS[name](subject)
    return list(said)


def of_commands(lines: Iterable[str]) -> Iterator[str]:
    """What commands say: their pages, and what they print to standard error."""
    import shlex
    import sys

    from handgrad.cli.commands import run

    with heard() as said:
        for line in lines:
            out, err = _console(), _console()
            with (
                tempfile.TemporaryDirectory() as folder,
                contextlib.chdir(folder),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                try:
                    run(shlex.split(line))
                except Exception as error:  # what was said before it is worth hearing
                    print(f"{line}: {error!r}", file=sys.__stderr__)
            yield from _messages(err)
            if "--help" in line or not line:
                yield from _messages(out)
    yield from said


def _console() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8")


def _messages(console: io.TextIOWrapper) -> Iterator[str]:
    """The lines of an error by themselves and the whole; of help, a paragraph each."""
    console.flush()
    printed = console.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    for part in (printed, *printed.splitlines()):
        if words := " ".join(part.split()):
            yield words


def bundled_commands() -> list[str]:
    """Each problem meets a third of them, and each of them a third of the problems."""
    names = [name for name, *_ in handgrad.bundled()]
    return [
        line.replace("{p}", name)
        for k, name in enumerate(names)
        for j, line in enumerate(ON_BUNDLED)
        if name in ("lab9", "batch") or (j + k) % 3 == 0
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.sentences", description=__doc__.split("\n\n")[0] if __doc__ else "")  # fmt: skip
    parser.add_argument("--count", type=int, default=200, help="problems of the gauntlet")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kind", help="phrases of one kind only")
    parser.add_argument("--unsaid", action="store_true", help="those only that were not reached")
    parser.add_argument("--literal", action="store_true", help="the source's alone: nothing is run")
    options = parser.parse_args()
    said: list[str] = []
    if not options.literal:
        helps = [f"{name} --help" for name in COMMAND_LINE]
        said += of_commands([*ALONE, *helps, *bundled_commands()])
        said += of_gauntlet(options.count, options.jobs)
    print(written(*listed(said), options.kind, options.unsaid))


def written(
    found: list[Listed], others: list[str], kind: str | None = None, unsaid: bool = False
) -> str:
    """The list, by kind, with what was said and is no phrase of the source at the end."""
    kinds: dict[str, list[Listed]] = {}
    for each in found:
        kinds.setdefault(each.phrase.kind, []).append(each)
    lines: list[str] = []
    for name, those in kinds.items():
        if kind in (None, name):
            reached = sum(bool(each.example) for each in those)
            lines += ["", f"{name}: {len(those)} phrases, {reached} reached", ""]
            lines += [str(each) for each in those if not (unsaid and each.example)]
    if others and kind is None:
        lines += ["", f"said, and no phrase of the source: {len(others)}", ""]
        lines += [f"  {text[:LONGEST]}" for text in others]
    reached = sum(bool(each.example) for each in found)
    return "\n".join(
        [*lines, "", f"{len(found)} phrases, {reached} of them reached; {len(others)} others said"]
    )


if __name__ == "__main__":
    main()
