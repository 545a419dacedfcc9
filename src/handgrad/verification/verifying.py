"""Checks every gradient from outside: central finite differences, and PyTorch's autograd."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import HandgradError, MissingExtraError
from handgrad.expression import Name
from handgrad.graph import Graph, build
from handgrad.problem import Problem
from handgrad.problem.given import Given
from handgrad.record import JsonForm
from handgrad.running import Plan, Run, run
from handgrad.saving import Page, Result
from handgrad.verification.differences import CLOSER, averages, loss_of, slopes_beside, two_sides

DIFFERENCE_TOLERANCE = 1e-5
"""Largest relative difference from finite differences that passes: their own error is near
ε^(2/3) ≈ 4e-11 of the function's scale, and grows with its third derivative."""

AUTOGRAD_TOLERANCE = 1e-9
"""Largest relative difference from autograd that passes, in float64."""

BESIDE = 1e-6
"""How far beside a number autograd is asked again, relative to its scale: where the function is smooth,
the mean of the slopes on the two sides is off by some BESIDE² of its third derivative."""

A_HAIR = 1e-4
"""How far numbers are moved, relative to their scale, off kinks at which the slopes taken are those of no side."""

MOVES = 3
"""Times that they are moved, where they come upon other kinks."""

ASKED_AGAIN = 64
"""Entries of one name for which autograd is asked again, at most."""


Lost: TypeAlias = Literal["none", "some", "all"]
"""How many entries of a gradient floats do not tell."""


@dataclass(frozen=True, slots=True)
class MethodComparison:
    """One gradient against one method: the largest difference, relative to the larger of 1 and its size.

    `at_kink`: the slopes on the two sides of some entry differ; any slope between them counts
    as right there. `lost`: entries that are smaller than what rounding of the loss makes of a difference
    were not compared. `beside`: several kinks are met at once, and the slopes taken there do not add up
    to that on either side, as in relu(x) − relu(−x) at 0; what is compared are the gradients a hair beside.
    `cancels`: in floats numbers on the way cancel, and what is compared are differences in many digits.
    """

    method: str
    name: str
    difference: float
    tolerance: float
    entry: tuple[int, ...]
    ours: float
    theirs: float
    at_kink: bool = False
    lost: Lost = "none"
    beside: bool = False
    cancels: bool = False
    json: ClassVar = JsonForm(also=("agrees",))

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance


@dataclass(frozen=True, slots=True, repr=False)
class Verification(Result):
    """Every comparison, and the methods that could not be used with the reason.

    `not_finite` has the entries of gradients that are infinite or undefined, which are compared with
    nothing; `numbers_of_entries` are those of entries and classes, which have no slope; `loss` names what is differentiated, and `display` is the problem's.
    """

    comparisons: tuple[MethodComparison, ...]
    skipped: Mapping[str, str]
    not_finite: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    numbers_of_entries: tuple[str, ...] = ()
    loss: str = "L"
    display: Mapping[str, str] = field(default_factory=dict)
    json: ClassVar = JsonForm("verify", without=("display",), also=("agrees", "largest_difference"))

    @property
    def agrees(self) -> bool:
        """Whether every comparison is within its tolerance."""
        return all(c.agrees for c in self.comparisons)

    @property
    def largest_difference(self) -> Mapping[str, float]:
        """By method, its largest difference."""
        return {c.method: self.largest(c.method) for c in self.comparisons}

    def largest(self, method: str) -> float:
        """The largest difference of a method; NaN where it was not used."""
        return max(
            (c.difference for c in self.comparisons if c.method == method), default=float("nan")
        )

    def page(self) -> Page:
        """A table of the largest differences."""
        from handgrad.verification.page import verification_page

        return verification_page(self)

    def __repr__(self) -> str:
        return f"<Verification: {'all gradients agree' if self.agrees else 'gradients differ'}>"


def verify(problem: Problem, *, torch: bool | None = None) -> Verification:
    """Compares the gradient of every parameter and datum with methods that share no rule with it.

    Arguments:
        problem: what is solved.
        torch: compare with PyTorch's autograd besides finite differences. None: where the program has
            imported PyTorch already, for its import takes ten times as long as all the rest.

    The gradients are those of the loss over all the cases. Raises `HandgradError` where the
    problem cannot be solved, and `MissingExtraError` where PyTorch is asked for and not installed.

        >>> handgrad.verify(handgrad.load("lab9")).agrees
        True
    """
    installed = all(importlib.util.find_spec(name) for name in ("torch", "array_api_compat"))
    if torch and not installed:
        raise MissingExtraError(
            "PyTorch's autograd needs PyTorch", mend="pip install 'handgrad[torch]'"
        )
    graph = build(problem)
    result = run(problem, graph)
    plan = Plan(graph, lines=graph.forward)
    givens: dict[str, Array] = {n: g.array for n, g in problem.inputs.items()}
    places = _numbers_of_entries(graph)
    names = [n for n in (*problem.parameters, *problem.data) if n not in places]
    ours = {name: total_gradient(problem, graph, result, name) for name in names}
    comparisons = [_by_differences(plan, graph, givens, name, ours[name]) for name in names]
    skipped: dict[str, str] = {}
    if torch or (torch is None and installed and "torch" in sys.modules):
        theirs = _autograd(plan, graph, givens)
        comparisons += [
            _by_autograd(plan, graph, givens, name, ours[name], theirs[name]) for name in names
        ]
    else:
        skipped["torch autograd"] = (
            "it was not asked for (--torch)"
            if installed
            else "PyTorch is not installed (pip install 'handgrad[torch]')"
        )
    comparisons = [c if c.agrees else _in_decimals(problem, graph, c) for c in comparisons]
    comparisons = [c if c.agrees else _a_hair_beside(problem, plan, graph, c) for c in comparisons]
    not_finite = {
        name: tuple(tuple(int(i) for i in entry) for entry in np.argwhere(~np.isfinite(gradient)))
        for name, gradient in ours.items()
        if not np.isfinite(gradient).all()
    }
    return Verification(
        tuple(comparisons), skipped, not_finite, tuple(places), graph.cost, problem.display
    )


def _numbers_of_entries(graph: Graph) -> list[str]:
    """The numbers that say which entry or class is meant: nothing lies between two of them, so they have no slope."""
    told = {
        call.arguments[1]
        for node in graph.nodes.values()
        for call in node.held
        if len(call.arguments) > 1
    }
    return [
        n
        for n, node in graph.nodes.items()
        if Name(n, shape=node.shape) in told
        and node.kind == "data"
        and not graph.gradients[n].reached
    ]


def _a_hair_beside(
    problem: Problem, plan: Plan, graph: Graph, found: MethodComparison
) -> MethodComparison:
    """What disagrees, compared at numbers that are off any kink; as it is where it still disagrees.

    At a kink our own gradient jumps; where it hardly moves, no kink is the cause.
    """
    for seed in range(MOVES):
        draws = np.random.default_rng(seed)
        moved = {
            name: given.array
            + A_HAIR
            * np.maximum(1.0, np.abs(given.array))
            * draws.uniform(-1, 1, given.array.shape)
            for name, given in (*problem.parameters.items(), *problem.data.items())
            if name in problem.parameters or name == found.name
        }
        givens = {n: g.array for n, g in problem.inputs.items()} | moved
        near = {name: Given(a, problem.inputs[name].batched) for name, a in moved.items()}
        try:
            ours = total_gradient(problem, graph, run(problem.with_values(near), graph), found.name)
        except HandgradError:
            continue
        jump = abs(float(ours[found.entry]) - found.ours)
        if not jump > abs(found.theirs - found.ours) / 2:
            continue
        if found.method == "finite differences":
            beside = _by_differences(plan, graph, givens, found.name, ours)
        else:
            theirs = _autograd(plan, graph, givens)[found.name]
            beside = _by_autograd(plan, graph, givens, found.name, ours, theirs)
        if beside.agrees:
            return replace(beside, at_kink=False, beside=True)
    return found


def _in_decimals(problem: Problem, graph: Graph, found: MethodComparison) -> MethodComparison:
    """What disagrees, compared with differences in many digits; as it is where it still disagrees.

    Where a layer norm of two numbers gives ±(1 − 1e-9), floats keep few digits of what passes back through it,
    and a solution shows what is there on paper.
    """
    if np.size(problem.inputs[found.name].array) > ASKED_AGAIN:
        return found
    from handgrad.numbers import slopes_in_decimals
    from handgrad.solution import as_on_paper

    try:
        ours = total_gradient(problem, graph, as_on_paper(problem, graph), found.name)
        slopes = slopes_in_decimals(problem, graph, found.name)
    except HandgradError:
        return found
    again = _compared(found.method, found.name, ours, slopes, AUTOGRAD_TOLERANCE)
    return replace(again, cancels=True) if again.agrees else found


def total_gradient(problem: Problem, graph: Graph, result: Run, name: str) -> Array:
    """The gradient of the loss over all the cases with respect to a given.

    What differs from case to case has the gradient of its own case's loss; its share in
    the mean over the cases is that divided by their number. Of many networks, each with a loss of its own,
    it is that of the sum of them.
    """
    gradient = result.gradient(name)
    if np.ndim(result.total) and not graph.nodes[name].batched and problem.reduction == "mean":
        return np.asarray(gradient * np.shape(result.total)[-1])
    if graph.nodes[name].batched and graph.cost != graph.loss:
        return gradient / gradient.shape[-1] if averages(graph) else gradient
    return gradient


def _by_differences(
    plan: Plan, graph: Graph, givens: Mapping[str, Array], name: str, ours: Array
) -> MethodComparison:
    below, above, rounding = slopes_beside(plan, graph, givens, name)
    # Of a loss of 1e65 a difference has no digit of a gradient of 50.
    lost = rounding > DIFFERENCE_TOLERANCE * np.maximum(1.0, np.abs(ours))
    theirs = np.where(lost, ours, _nearest_slope(ours, below, above))
    at_kink = bool(np.any((below < above) & ~lost))
    return _compared(
        "finite differences", name, ours, theirs, DIFFERENCE_TOLERANCE, at_kink=at_kink,
        lost="all" if lost.all() else "some" if lost.any() else "none",
    )  # fmt: skip


def _nearest_slope(ours: Array, below: Array, above: Array) -> Array:
    """The central difference; at a kink, the slope between those on its two sides nearest to ours."""
    central = (below + above) / 2
    between = np.clip(ours, np.minimum(below, above), np.maximum(below, above))
    return np.where(below < above, between, central)


def _autograd(plan: Plan, graph: Graph, givens: Mapping[str, Array]) -> dict[str, Array]:
    """Runs the forward functions on PyTorch tensors and lets autograd differentiate them."""
    torch = importlib.import_module("torch")
    xp = importlib.import_module("array_api_compat.torch")
    tensors = {
        n: torch.tensor(np.asarray(g), dtype=torch.float64, requires_grad=True)
        for n, g in givens.items()
    }
    known = torch.get_default_dtype()
    # Numbers that a function makes of none, as a comparison makes 1 and 0, are as precise as the others.
    torch.set_default_dtype(torch.float64)
    try:
        loss = loss_of(plan, graph, tensors, xp)
    finally:
        torch.set_default_dtype(known)
    if getattr(loss, "requires_grad", False):
        loss.backward()
    return {
        n: np.zeros(np.shape(givens[n])) if t.grad is None else t.grad.numpy()
        for n, t in tensors.items()
    }


def _by_autograd(
    plan: Plan,
    graph: Graph,
    givens: Mapping[str, Array],
    name: str,
    ours: Array,
    theirs: Array,
) -> MethodComparison:
    theirs = _asked_beside(plan, graph, givens, name, ours, theirs)
    return _compared("torch autograd", name, ours, theirs, AUTOGRAD_TOLERANCE)


def _asked_beside(
    plan: Plan,
    graph: Graph,
    givens: Mapping[str, Array],
    name: str,
    ours: Array,
    theirs: Array,
) -> Array:
    """Autograd's gradient; where it differs from ours, from its slopes on the two sides of the entry.

    A forward function may be put together from parts that have kinks where the whole has none:
    softplus(z) = max(z, 0) + ln(1 + exp(−|z|)), of which autograd makes a slope of 0 at 0. At a kink
    of the function itself, any slope between the two sides counts as right.
    """
    theirs = np.array(theirs, dtype=float)
    gap = _gap(ours, theirs)
    for entry in map(tuple, np.argwhere(gap > AUTOGRAD_TOLERANCE)[:ASKED_AGAIN]):

        def sides(step: float, at: tuple[int, ...] = entry) -> tuple[float, float]:
            slopes = []
            for sign in (1, -1):
                moved = np.array(givens[name], dtype=float)
                moved[at] += sign * step * max(1.0, abs(float(moved[at])))
                slopes.append(float(_autograd(plan, graph, {**givens, name: moved})[name][at]))
            return min(slopes), max(slopes)

        low, high = two_sides(sides(BESIDE), partial(sides, BESIDE / CLOSER))
        theirs[entry] = min(max(float(ours[entry]), low), high)
    return theirs


def _gap(ours: Array, theirs: Array) -> Array:
    """The difference relative to the larger of 1 and the largest entry; 0 where ours has no number."""
    finite = np.isfinite(ours)
    scale = max(1.0, float(np.abs(np.where(finite, ours, 0.0)).max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        gap = np.abs(ours - theirs) / scale
    return np.where(finite, np.where(np.isnan(gap), np.inf, gap), 0.0)


def _compared(
    method: str,
    name: str,
    ours: Array,
    theirs: Array,
    tolerance: float,
    *,
    at_kink: bool = False,
    lost: Lost = "none",
) -> MethodComparison:
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    gap = _gap(ours, theirs)
    entry = np.unravel_index(int(np.argmax(gap)), gap.shape) if gap.ndim else ()
    index = tuple(int(i) for i in entry)
    return MethodComparison(
        method=method,
        name=name,
        difference=float(gap[index]),
        tolerance=tolerance,
        entry=index,
        ours=float(ours[index]),
        theirs=float(theirs[index]),
        at_kink=at_kink,
        lost=lost,
    )
