"""What a set of answers has room for: every quantity to be computed, in the order of the steps."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from handgrad.checking.checking import Checker
from handgrad.errors import OptionError, nearest
from handgrad.expression import Leaf
from handgrad.problem import Problem
from handgrad.problem.writing import key
from handgrad.solution.step_words import title
from handgrad.solution.structure import Phase, StepKind
from handgrad.text import plain_text


@dataclass(frozen=True, slots=True)
class Blank:
    """Room for one quantity.

    Arguments:
        target: its name in answers files and in JSON: `z1`, `dW2`, `updated.b3`.
        shape: the shape of its figures, cases last.
        step, kind, phase, title: the step that computes it.
        shown: the formula that names it on a page.
    """

    target: str
    shape: tuple[int, ...]
    step: str
    kind: StepKind
    phase: Phase
    title: str
    shown: Leaf


def blanks(of: Problem | Checker) -> tuple[Blank, ...]:
    """The blanks of a complete set of answers to a problem, in the order of the steps.

    >>> [blank.target for blank in handgrad.blanks(handgrad.load("lab9"))][:3]
    ['z1', 'h1', 'z2']
    """
    checker = of if isinstance(of, Checker) else Checker(of)
    trace = checker.work.structure.trace
    titles = {s.id: plain_text(title(trace, s)) for s in trace.steps}
    asked = sorted(checker.asked, key=lambda q: tuple(map(int, q.step.split("."))))
    return tuple(
        Blank(
            q.target,
            checker.work.full_shape(q),
            q.step,
            q.kind,
            q.phase,
            titles.get(q.step, ""),
            q.shown,
        )
        for q in asked
    )


def words_of(texts: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """The words of --blank, each by itself; a text may have several between commas.

    Raises `OptionError` for a word that is not `known`.
    """
    words = frozenset(word.strip() for text in texts for word in text.split(",") if word.strip())
    for word in sorted(words - frozenset(known)):
        hint = nearest(word, known) or "forward, backward, update, a step such as 2.4, or dW2"
        raise OptionError(f"nothing is called {word[:40]}", where="--blank", mend=hint)
    return words


def blank_toml(chosen: Iterable[Blank]) -> str:
    """An answers file to be filled in: every cell is an empty text."""
    lines: list[str] = []
    step = ""
    section = False
    for blank in chosen:
        name = blank.target
        if blank.phase == "update":
            name = name.removeprefix("updated.")
            if not section:
                lines += ["", "[updated]"]
                section = True
        if blank.step != step:
            step = blank.step
            lines += [
                *([""] if lines and lines[-1] != "[updated]" else []),
                f"# {step} {blank.title}",
            ]
        lines.append(f"{key(name)} = {cells(blank.shape)}")
    return "\n".join(lines) + "\n"


def blank_csv(chosen: Iterable[Blank]) -> str:
    """The same as a table: a quantity's name, and empty cells for its figures, row under row."""
    lines: list[str] = []
    for blank in chosen:
        *rows, columns = blank.shape if len(blank.shape) > 1 else (1, *(blank.shape or (1,)))
        commas = "," * columns
        lines += [f"{blank.target if k == 0 else ''}{commas}" for k in range(math.prod(rows))]
    return "\n".join(lines) + "\n"


def cells(shape: Sequence[int]) -> str:
    """An empty text for every entry, nested as the rows of an array."""
    if not shape:
        return '""'
    return f"[{', '.join([cells(shape[1:])] * shape[0])}]"
