"""A solution as a program: straight-line code, one statement for each line of the trace."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError, nearest, printable
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, Shape, leaves, walk
from handgrad.graph.updating import update_pass
from handgrad.operations.annotate import tidied
from handgrad.operations.functions import maximum, minimum
from handgrad.solution.programs.dialects import DIALECTS, Dialect
from handgrad.solution.programs.expressions import formula_code
from handgrad.solution.step_words import title
from handgrad.text import plain_text

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace

WIDTH = 88
"""Characters in a line of numbers, at most, where the numbers can be broken."""

PHASES = {"Forward pass": "forward", "Backward pass": "backward", "Update": "update"}

TAKEN = frozenset(["np", "torch", "jax", "jnp", "math", "erf", "erfc", "print", "float"])


def whole_program(trace: Trace, to: str = "numpy") -> str:
    """The forward and backward pass of a worked solution, and one update, as a program of its own.

    Arguments:
        trace: what the program computes.
        to: the library that it is written for: numpy, torch or jax.

    The kernels that computed the trace write the code, so it is the same computation; the
    comments give the steps of the worked solution. Raises `OptionError` for another library.
    """
    if to not in DIALECTS:
        raise OptionError(
            f"there is no {to!r} to write code for",
            mend=nearest(to, DIALECTS) or f"choose one of {', '.join(DIALECTS)}",
        )
    return _Program(trace, DIALECTS[to]).text()


def step_code(trace: Trace) -> Mapping[str, str]:
    """The same program for NumPy in pieces: by step id its code, and under "" what comes before.

    The pieces run one after the other; each ends by printing what its step computes. After an
    update the passes are run anew with its parameters, so that later updates and losses follow.
    """
    return _Program(trace, DIALECTS["numpy"]).pieces()


@dataclass
class _Program:
    trace: Trace
    dialect: Dialect
    names: dict[Leaf, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=lambda: set(TAKEN))
    lines: list[str] = field(default_factory=list)
    read: set[Leaf] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.graph = self.trace.graph
        self.values: dict[Leaf, Array] = dict(self.trace.run.numbers)
        self.batched: set[Leaf] = set(self.graph.batched_leaves)
        update = self.trace.problem.update
        self.update = update_pass(self.graph, update) if update is not None else None
        if self.update is not None:
            self.batched |= self.update.batched
            for setting, value in self.update.settings.items():
                self.values[setting] = np.asarray(value)
            for memory, shape in self.update.memories.items():
                batched = memory in self.update.batched
                self.values[memory] = np.zeros((*shape, *self._cases()) if batched else shape)

    def _cases(self) -> tuple[int, ...]:
        """The last axis of a value that differs from case to case."""
        given = (n for n, node in self.graph.nodes.items() if node.batched and node.kind != "value")
        return next((np.shape(self.values[Name(n)])[-1:] for n in given), ())

    def text(self) -> str:
        """The whole program."""
        steps = [s for s in self.trace.steps if s.kind != "loss_after"]
        self._begin(steps)
        for heading, phase in PHASES.items():
            chosen = [s for s in steps if s.phase == phase]
            if chosen:
                self.lines += ["", f"# {heading}"]
            for step in chosen:
                self._step(step)
        self._printed()
        title = self.trace.problem.title or "Forward and backward pass"
        header = [f'"""{_docstring(title)}, written out step by step."""', "", *self.header()]
        return "\n".join([*header, *self.lines]) + "\n"

    def pieces(self) -> dict[str, str]:
        """The program by step id, with what comes before the first step under ""."""
        self._begin(self.trace.steps)
        given, pieces = self.lines, {}
        passes: dict[str, list[str]] = {"forward": [], "backward": []}
        written, updates = list(given), 0
        for step in self.trace.steps:
            self.lines = []
            if step.kind == "loss_after":
                self.lines = [self._comment(step), *passes["forward"]]
            elif step.kind == "update":
                updates += 1
                if updates > 1:
                    self.lines = [*passes["backward"], *self._counted(updates)]
                self._step(step)
            else:
                self._step(step)
                passes[step.phase] += self.lines[1:]
            pieces[step.id] = "\n".join([*self.lines, *self._shown(step)])
            written += self.lines
        self.lines = written
        return {"": "\n".join([*self.header(), *given]), **pieces}

    def _begin(self, steps: Sequence[Step]) -> None:
        # The problem's own names come first: nothing made on the way may take one.
        for name in self.graph.nodes:
            self.variable(Name(name))
        self.read = {leaf for s in steps for line in s.lines for leaf in leaves(line.formula)}
        self._givens()
        self._unreached()

    def _counted(self, updates: int) -> list[str]:
        """Which update comes next, for the rules that count them."""
        counts = self.update.counted(updates) if self.update is not None else {}
        return [
            f"{self.variable(name)} = {self._setting(name, value)}"
            for name, value in counts.items()
            if name in self.read
        ]

    def _shown(self, step: Step) -> Iterator[str]:
        """Statements that print what a step computes."""
        for line in step.lines:
            if line.role in ("value", "cost", "gradient", "updated"):
                name = self.variable(line.target)
                below = ', sep="\\n"' if np.ndim(line.value) > 1 else ""
                yield f'print("{name} =", {name}{below})'

    def header(self) -> list[str]:
        """The imports that the program uses."""
        body = "\n".join(self.lines)
        found = list(self.dialect.header)
        # NumPy has neither, and the standard library has both for single numbers.
        own = [f"{f} = np.vectorize(math.{f})" for f in ("erf", "erfc") if f"{f}(" in body]
        if self.dialect.name != "numpy":
            own = []
        if own or re.search(r"\bmath\.", body):
            found = ["import math", "", *found]
        if own:
            found += ["", *own]
        return found

    def _givens(self) -> None:
        problem = self.trace.problem
        for heading, group in (("Parameters", problem.parameters), ("Data", problem.data)):
            if group:
                self.lines += ["", f"# {heading}"]
            for name, given in group.items():
                cases = "  # the cases on the last axis" if given.batched else ""
                self.lines += self._array(self.variable(Name(name)), given.array, cases)
        if self.update is not None:
            self.lines += ["", "# Update rule"]
            for leaf, value in self.update.settings.items():
                if leaf in self.read:
                    self.lines.append(f"{self.variable(leaf)} = {self._setting(leaf, value)}")
            for memory in self.update.memories:
                zeros = f"{self.dialect.prefix}.zeros({self.values[memory].shape})"
                self.lines.append(f"{self.variable(memory)} = {zeros}")

    def _setting(self, name: Name, value: float) -> str:
        """A number of the update rule, to its last digit."""
        short = f"{value:g}"
        digits = short if float(short) == value else repr(float(value))
        if name in self._compared:
            return self.dialect.number.format(repr(float(value)))
        return digits

    @cached_property
    def _compared(self) -> set[Leaf]:
        """What stands in a maximum or a minimum of an update: PyTorch compares arrays alone."""
        update = self.update
        lines = [u for group in update.groups() for u in group] if update is not None else []
        calls = [c for line in lines for c in walk(line.formula) if isinstance(c, Call)]
        compared = (c for c in calls if c.operation in (maximum.name, minimum.name))
        return {leaf for call in compared for leaf in leaves(call)}

    def _unreached(self) -> None:
        """Gradients that an update reads and no step computes: of parameters that the loss doesn't use."""
        names = [n for n in self.trace.problem.parameters if not self.graph.gradients[n].reached]
        gradients = [leaf for leaf in map(Adjoint, names) if leaf in self.read]
        if gradients:
            self.lines += ["", "# What does not reach the loss has a gradient of 0"]
        for leaf in gradients:
            zeros = f"{self.dialect.prefix}.zeros({np.shape(self.values[leaf])})"
            self.lines.append(f"{self.variable(leaf)} = {zeros}")

    def _array(self, name: str, array: Array, comment: str) -> Iterator[str]:
        numbers = np.asarray(array).astype(float).tolist()
        whole = f"{name} = {self.dialect.array.format(numbers)}{comment}"
        if len(whole) <= WIDTH or not isinstance(numbers, list):
            yield whole
            return
        before, after = self.dialect.array.split("{}")
        yield f"{name} = {before}{comment}" if comment else f"{name} = {before}"
        yield "    ["
        yield from (f"        {row}," for row in numbers)
        yield "    ]"
        yield after

    def _step(self, step: Step) -> None:
        self.lines.append(self._comment(step))
        for line in step.lines:
            target = line.target
            if line.role == "per_case" or (line.role == "let" and target not in self.read):
                continue
            statements, value = self._code(line.formula)
            self.values[target] = np.asarray(line.value)
            self.lines += [*statements, f"{self.variable(target)} = {value}"]

    def _comment(self, step: Step) -> str:
        return f"# {step.id} {plain_text(title(self.trace, step))}"

    def _code(self, formula: Expression) -> tuple[list[str], str]:
        used = {leaf: self.variable(leaf) for leaf in leaves(formula)}
        values: Mapping[Leaf, Array] = {leaf: np.asarray(self.values[leaf]) for leaf in used}
        annotated = tidied(formula, self._shape)
        return formula_code(annotated, used, values, self.batched, self.dialect, self._fresh)

    def _shape(self, leaf: Leaf) -> Shape:
        if self.update is not None:
            return self.update.shape(self.graph, leaf)
        return self.graph.shape(leaf)

    def _printed(self) -> None:
        self.lines.append("")
        if self.graph.has_loss:
            cost = self.variable(Name(self.graph.cost))
            self.lines.append(f'print("{cost} =", {cost})')
        for name in (*self.trace.problem.parameters, *self.trace.problem.given):
            if Adjoint(name) in self.names:
                gradient = self.names[Adjoint(name)]
                self.lines.append(f'print("{gradient} =", {gradient})')

    # -- variables -------------------------------------------------------------------------

    def variable(self, leaf: Leaf) -> str:
        """The variable of a value or a gradient: dW1 is the gradient of W1."""
        if leaf not in self.names:
            wanted = leaf.name if isinstance(leaf, Name) else f"d{leaf.name}"
            if isinstance(leaf, Adjoint):
                wanted += f"_{leaf.through}" if leaf.through else ""
                wanted = f"d{leaf.of}_{wanted}" if leaf.of else wanted
            self.names[leaf] = self._unused(_identifier(wanted))
        return self.names[leaf]

    def _unused(self, wanted: str) -> str:
        name = wanted
        while name in self.used:
            name += "_"
        self.used.add(name)
        return name

    def _fresh(self) -> str:
        count = 1
        while f"t{count}" in self.used:
            count += 1
        self.used.add(f"t{count}")
        return f"t{count}"


def _identifier(text: str) -> str:
    name = re.sub(r"\W", "_", text)
    return f"{name}_" if keyword.iskeyword(name) or not name.isidentifier() else name


def _docstring(text: str) -> str:
    return printable(" ".join(text.split())).replace("\\", "/").replace('"', "'")
