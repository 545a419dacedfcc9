"""From a run to the trace: forward steps, backward steps, then the update."""

from __future__ import annotations

from dataclasses import field, replace
from typing import get_args

import numpy as np

from handgrad.arrays import Array
from handgrad.collector import paused
from handgrad.errors import OptionError
from handgrad.expression import Adjoint, Expression, Leaf, Name, leaves, literal_of
from handgrad.graph import Graph, Line, build
from handgrad.graph.recurrence import time_steps
from handgrad.graph.structure import activation_of
from handgrad.graph.weighted import is_weighted, multiplies_values, products
from handgrad.operations.annotate import annotated
from handgrad.options import one_of, whole_number
from handgrad.problem import Problem
from handgrad.record import builder
from handgrad.running import Carry, Plan, Run, run
from handgrad.running.evaluate import value_of
from handgrad.running.plan import clean_plan, plan_carrying, shown_figures
from handgrad.solution.grouping import forward_groups
from handgrad.solution.notes.not_finite import UnaskedGradient
from handgrad.solution.notes.noted import NotedRun
from handgrad.solution.noting import notes_of
from handgrad.solution.numbers import Numbers
from handgrad.solution.residues import Residues, too_large_for_paper, without_residues
from handgrad.solution.stable import told_by
from handgrad.solution.structure import Phase, Role, StepKind, TraceLine, TrainingStep
from handgrad.solution.trace import Step, Trace
from handgrad.solution.updating import Updating

EXPLAINED = 10
"""Updates that are written out; the losses of all are listed."""

PER_CASE_ENTRIES = 4096
"""A gradient of each case is written out only where all the cases have at most so many entries."""


@paused()
def solve(problem: Problem, *, carry: Carry = "exact", decimals: int = 4, steps: int = 1) -> Trace:
    """The worked solution of a problem: forward pass, backward pass and update.

    Arguments:
        problem: the network and its numbers.
        carry: "exact" carries full precision, and 0 where floats would leave a rest of their own
            rounding; "rounded" rounds every figure to `decimals`
            and carries the rounded one, as a person with paper does.
        decimals: digits shown after the point.
        steps: how many updates to make, each with the gradient at the parameters before it.

    Raises `HandgradError` where the problem cannot be solved.

        >>> trace = handgrad.solve(handgrad.load("lab9"))
        >>> trace.run.gradient("b2").round(4).tolist()
        [-0.2192, 0.0]
    """
    graph = build(problem)
    one_of(carry, get_args(Carry), "carry")
    whole_number(decimals, 0, 15, "decimals")
    whole_number(steps, 0, 100_000, "steps")
    plan = plan_carrying(graph, carry, decimals)
    first = floats = run(problem, graph, carry, decimals, plan=plan)
    residues: Residues = {}
    if carry == "exact":
        first, residues = without_residues(problem, graph, floats)
        if problem.update is not None:
            large = too_large_for_paper(graph, floats.numbers)
            plan = clean_plan(graph, asked=large)  # of the runs after an update
    return _TraceBuilding(problem, graph, plan, first, residues, decimals).trace(steps)


@builder
class _TraceBuilding:
    problem: Problem
    graph: Graph
    plan: Plan
    run: Run
    residues: Residues
    decimals: int
    steps: list[Step] = field(default_factory=list)
    made_in: dict[Leaf, tuple[int, int]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    depths: dict[Leaf, int] = field(default_factory=dict)

    @np.errstate(all="ignore")
    def trace(self, steps: int) -> Trace:
        framework = self.problem.model.framework if self.problem.model is not None else ""
        self.seen = NotedRun(self.graph, self.run, self.residues, self.problem.frozen, framework)
        self.numbers = Numbers(self.run.numbers, self.graph.batched_leaves, self.graph.rows)
        self.times = time_steps(self.graph)
        self._forward()
        self._backward()
        updated, training = self._update(steps)
        return Trace(
            self.problem,
            self.graph,
            self.run,
            tuple(self.steps),
            updated,
            tuple(training),
            self.decimals,
        )

    # -- lines ----------------------------------------------------------------------------

    def _line(self, leaf: Leaf, formula: Expression, role: Role, through: str = "") -> TraceLine:
        row = leaf.name in self.graph.rows
        return TraceLine(
            target=leaf,
            role=role,
            formula=formula,
            substituted=self.numbers.put_into(formula, row=row),
            value=np.asarray(self.run.numbers[leaf]),
            shape=self.graph.shape(leaf),
            batched=leaf in self.graph.batched_leaves,
            through=through,
            row=row,
        )

    def _add(self, phase: int, kind: StepKind, about: str, lines: list[TraceLine]) -> None:
        number = self.counts[phase] = self.counts.get(phase, 0) + 1
        used = {self.made_in.get(leaf) for line in lines for leaf in leaves(line.formula)}
        if kind == "loss_after":  # the formulas of the forward pass, and the update before it
            used = {self.made_in.get(line.target) for line in lines} | {(phase, number - 1)}
        times = [self.times.get(line.target.name, 0) for line in lines] if kind == "layer" else []
        time = max(times, default=0)
        named: Phase = ("forward", "backward", "update")[phase - 1]
        step = Step(
            id=f"{phase}.{number}",
            phase=named,
            kind=kind,
            about=about,
            lines=tuple(lines),
            layer=self._depth(lines, layer=kind == "layer" and not time) if phase == 1 else 0,
            time_step=time,
            uses=tuple([f"{p}.{n}" for p, n in sorted(filter(None, used))]),
            notes=notes_of(self.seen, named, kind, lines),
        )
        self.steps.append(step)
        for line in lines:
            if line.role != "per_case" and kind != "loss_after":
                self.made_in[line.target] = phase, number

    def _depth(self, lines: list[TraceLine], *, layer: bool) -> int:
        """Which layer a step of the forward pass is, 0 for none: one more than those that lead to it.

        Two that stand side by side, as attention's heads do, are of the same layer.
        """
        written = [self.graph.nodes[line.target.name].written or line.formula for line in lines]
        below = max((self.depths.get(x, 0) for each in written for x in leaves(each)), default=0)
        self.depths.update(dict.fromkeys((line.target for line in lines), below + layer))
        return below + 1 if layer else 0

    # -- forward --------------------------------------------------------------------------

    def _forward(self) -> None:
        groups = forward_groups(self.graph)
        for position, group in enumerate(groups):
            lines = []
            for name in group:
                leaf = Name(name, shape=self.graph.nodes[name].shape)
                formula = told_by(name, self.graph, self.run.numbers, self.graph.batched_leaves)
                lines.append(self._line(leaf, formula, "value"))
            reduced = self.graph.has_loss and self.graph.cost != self.graph.loss
            if reduced and position == len(groups) - 1:
                cost = self.graph.nodes[self.graph.cost].computed
                assert cost is not None
                lines.append(self._line(Name(self.graph.cost, shape=()), cost, "cost"))
            self._add(1, self._forward_kind(group), group[0], lines)

    def _forward_kind(self, group: tuple[str, ...]) -> StepKind:
        written = [w for n in group if (w := self.graph.nodes[n].written) is not None]
        if any(activation_of(formula) is not None for formula in written):
            if any(is_weighted(self.graph, formula) for formula in written):
                return "layer"
            # The scores of attention are a product of what is computed: no layer.
            scores = any(map(products, written)) or any(map(self._of_scores, written))
            return "compute" if scores else "layer"
        return "loss" if self.graph.loss in group else "compute"

    def _of_scores(self, formula: Expression) -> bool:
        """Whether the product that a formula goes back to, if any, is one of values alone."""
        for leaf in leaves(formula):
            written = self.graph.nodes[leaf.name].written if leaf.name in self.graph.nodes else None
            if written is None:
                continue
            if multiplies_values(self.graph, written):
                return True
            if not products(written) and self._of_scores(written):
                return True
        return False

    # -- backward -------------------------------------------------------------------------

    def _backward(self) -> None:
        """Steps in the order of the graph's lines: a value's adjoint, then the leaves it completes."""
        graph = self.graph
        aside = {name for s in graph.shortcuts for name in s.aside}
        wanted = "parameter" if self.problem.asked != tuple(self.problem.data) else "data"
        self.chain = {line.leaf: line for line in graph.backward if line.leaf.name in graph.lets}
        self.shown: set[Leaf] = set()
        pending: list[str] = []
        for line in graph.backward:
            name = line.leaf.name
            is_total = isinstance(line.leaf, Adjoint) and not line.leaf.through
            if not is_total or name in graph.lets or not graph.gradients[name].reached:
                continue
            if graph.nodes[name].kind in ("value", "given"):
                self._leaf_gradients(pending)
                pending = []
                if name != graph.loss and name not in aside:
                    kind: StepKind = (
                        "error_signal" if name in graph.activations else "pass_backward"
                    )
                    if self._arrives(graph.gradients[name].parts):
                        kind = "upstream"
                    self._add(2, kind, name, self._gradient_lines(name))
            elif graph.nodes[name].kind == wanted:
                pending.append(name)
        self._leaf_gradients(pending)
        self._note_unasked()

    def _note_unasked(self) -> None:
        """Says at the last step which gradients of data, for which there is no step, are not finite."""
        notes = [
            note
            for leaf in self.seen.unasked
            if isinstance(leaf, Adjoint) and not leaf.through
            if leaf.name in self.graph.nodes and self.graph.nodes[leaf.name].kind == "data"
            for note in UnaskedGradient.of(self.seen, leaf.name)
        ]
        if notes:
            notes.sort(key=lambda note: note.name)
            last = self.steps[-1]
            self.steps[-1] = replace(last, notes=(*last.notes, *notes))

    def _leaf_gradients(self, names: list[str]) -> None:
        if names:
            lines = [line for name in names for line in self._gradient_lines(name)]
            kind: StepKind = "parameter_gradients" if self.problem.parameters else "data_gradients"
            self._add(2, kind, names[0], lines)

    def _gradient_lines(self, name: str) -> list[TraceLine]:
        """The lines of one gradient: the chain that leads to it, its shares, and their sum."""
        gradient = self.graph.gradients[name]
        leaf = Adjoint(name, shape=self.graph.nodes[name].shape)
        if self._arrives(gradient.parts):
            return [self._arriving(leaf, gradient.total)]
        formulas = [part.formula for part in gradient.parts]
        lines = [line for formula in formulas for line in self._chain_lines(formula)]
        if len(gradient.parts) > 1:
            for part in gradient.parts:
                share = replace(leaf, through=part.through)
                lines.append(
                    self._arriving(share, part.formula)
                    if self._arrives((part,))
                    else self._line(share, part.formula, "part", part.through)
                )
        elif gradient.per_case is not None:
            per_case = self._per_case(leaf, gradient.per_case, gradient.parts[0])
            if np.asarray(per_case.value).size <= PER_CASE_ENTRIES:
                lines.append(per_case)
        through = gradient.parts[0].through if len(gradient.parts) == 1 else ""
        return [*lines, self._line(leaf, gradient.total, "gradient", through)]

    def _arrives(self, parts: tuple[Line, ...]) -> bool:
        """Whether a gradient, or a share of one, is nothing but what is given upstream."""
        return not self.graph.has_loss and [p.through for p in parts] == [self.graph.loss]

    def _arriving(self, leaf: Leaf, formula: Expression) -> TraceLine:
        """A gradient that is given: its numbers are all that there is to say of it."""
        line = self._line(leaf, formula, "upstream")
        numbers = literal_of(line.value, line.batched, line.row)
        return replace(line, formula=numbers, substituted=numbers)

    def _per_case(self, leaf: Adjoint, formula: Expression, part: Line) -> TraceLine:
        values = {k: np.asarray(v, dtype=float) for k, v in self.run.numbers.items()}
        formula = annotated(formula, self.graph.shape)
        batched = set(self.graph.batched_leaves)
        value = value_of(formula, values, batched)
        if self.run.carry == "rounded":
            value = shown_figures(value, self.decimals)
        else:
            value = self._nearer(leaf, value, value_of(formula, values, batched, clean=True))
        return TraceLine(
            target=leaf,
            role="per_case",
            formula=formula,
            substituted=self.numbers.put_into(formula),
            value=value,
            shape=leaf.shape or (),
            batched=True,
            through=part.through,
        )

    def _nearer(self, leaf: Adjoint, floats: Array, clean: Array) -> Array:
        """Each case's gradient, without residues where that comes as near to the one over the cases, which is on paper."""
        total = np.asarray(self.run.numbers[leaf], dtype=float)
        over = np.mean if self.problem.reduction == "mean" else np.sum
        apart = [np.abs(over(each, axis=-1) - total) for each in (clean, floats)]
        return np.where((apart[0] <= apart[1])[..., None], clean, floats)

    def _chain_lines(self, formula: Expression) -> list[TraceLine]:
        """The adjoints of parts, and the parts themselves, that a formula needs and no step has shown."""
        lines: list[TraceLine] = []
        for leaf in leaves(formula):
            if leaf in self.shown or leaf.name not in self.graph.lets:
                continue
            self.shown.add(leaf)
            let = self.graph.lets[leaf.name]
            if isinstance(leaf, Adjoint):
                chain = self.chain[leaf]
                part = Name(let.name, shape=let.shape)
                lines += self._chain_lines(part) + self._chain_lines(chain.formula)
                lines.append(self._line(leaf, chain.formula, "chain", chain.through))
            else:
                lines += self._chain_lines(let.formula)
                lines.append(self._line(leaf, let.formula, "let", let.equation))
        return lines

    # -- update ---------------------------------------------------------------------------

    def _update(self, steps: int) -> tuple[dict[str, Array], list[TrainingStep]]:
        """The update steps; of many, the first `EXPLAINED` are written out."""
        if self.problem.update is None or not self.problem.parameters:
            return {}, []
        if not self.graph.has_loss and steps > 1:
            raise OptionError(
                "only one update can be made: the upstream gradients are those of the numbers given",
                where="--steps",
                mend="leave it out",
            )
        updating = Updating(self.problem, self.graph, self.plan, self.run, self.decimals)
        loss = np.asarray(self.run.total, dtype=float)
        history: list[TrainingStep] = []
        for number in range(1, steps + 1):
            lines = list(updating.lines())
            if not self.graph.has_loss:
                self._add(3, "update", "", lines)
                break
            before, loss = loss, updating.run_again()
            history.append(TrainingStep(number, before, loss))
            if number <= EXPLAINED:
                self._add(3, "update", "", lines)
                if loss.ndim == 0 and np.isfinite(loss):
                    self._add(3, "loss_after", self.graph.cost, updating.lines_again())
            diverged = updating.diverged(number)
            if diverged is not None:
                last = self.steps[-1]
                self.steps[-1] = replace(last, notes=(*last.notes, diverged))
                break
        return updating.parameters, history
