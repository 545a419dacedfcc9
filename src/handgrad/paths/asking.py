"""Asking why: the entry read, its paths found in every case, the factors told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import NumberError, OptionError
from handgrad.expression import Adjoint, Expression, Leaf, Name, leaves, substitute
from handgrad.graph import Graph, build
from handgrad.graph.structure import Shortcut
from handgrad.paths.answer import WhyGradient, WhyValue
from handgrad.paths.blaming import Blaming
from handgrad.paths.local import Local, Matrix, size
from handgrad.paths.paths import Edge, FoundPaths, Place, Step, paths_from
from handgrad.paths.stepwise import WhyStepwise, why_stepwise
from handgrad.paths.structure import Blame, Entry, Factor, Path, ZeroGroup
from handgrad.paths.target import Target, read_target, read_whole
from handgrad.paths.terms import why_value
from handgrad.paths.whole import WhyWhole, why_whole
from handgrad.paths.zeros import grouped
from handgrad.problem import Problem
from handgrad.problem.parts import Part, with_named_activations
from handgrad.running import Run, run
from handgrad.running.cleaning import NOISE
from handgrad.solution.grouping import forward_steps
from handgrad.solution.residues import rounded_once, without_residues

if TYPE_CHECKING:
    from handgrad.numbers import OtherRun

TOP = 10
"""Paths that are listed."""

MOST = 10_000
"""Paths that can be listed."""

HELD = 15_000_000
"""Derivatives between entries that are held to follow every path."""

HELD_EXACTLY = 10_000
"""The same where floats lose digits and exact numbers do not; one takes some 10 µs for each operation."""

Why: TypeAlias = WhyGradient | WhyValue | WhyWhole | WhyStepwise

UNCOUNTED = 10**4000
"""More paths than this have a number too long to be written."""


def why(problem: Problem, entry: str, top: int = TOP) -> Why:
    """Why an entry of a gradient, such as `dW2[1,0]`, or of a value, such as `h2[1]`, is what it is.

    A gradient is the sum over all paths from the entry to the loss of the products of the local
    derivatives on the way, which come from the operations' pull-backs; the `top` largest are
    listed. Of many cases a value that differs from case to case takes the case as its last index.
    A parameter, or `dW2`, without an index is asked about as a whole: its largest entries, or why all are 0.
    Raises `OptionError` for an entry that the problem does not have, and where parameters are given in cases.

        >>> handgrad.why(handgrad.load("lab9"), "dW2[0,1]").path_count
        1
    """
    if not 1 <= top <= MOST:
        raise OptionError(f"{top} paths cannot be listed", where="top", mend=f"from 1 to {MOST}")
    steps = forward_steps(build(problem))
    if any(given.batched for given in problem.parameters.values()):
        what = "the problem's parameters have cases: many networks, not one"
        raise OptionError(what, where=entry, mend="ask about one network at a time")
    opened, parts = with_named_activations(problem)
    graph = build(opened)
    floats = run(opened, graph)
    result = without_residues(opened, graph, floats)[0]
    if whole := read_whole(problem.respelled(entry), graph):
        formulas = {name: part.formula for name, part in parts.items()}
        return why_whole(problem, graph, result, whole, formulas, top)
    target = read_target(problem.respelled(entry), graph, _case_count(problem))
    asking = _Asking(problem, graph, result, parts, steps)
    if target.gradient and asking.held(target) > HELD:
        formulas = {name: part.formula for name, part in parts.items()}
        return why_stepwise(problem, graph, result, target.entry, target.case, formulas, top)
    if target.gradient:
        if result is not floats and asking.held(target) <= HELD_EXACTLY:
            from handgrad.numbers import run_exact

            asking.exact = run_exact(opened, graph)
        return asking.gradient(target, top)
    return why_value(problem, asking.blaming(target.case), target, asking.formulas, top)


def _case_count(problem: Problem) -> int:
    givens = problem.inputs.values()
    return next((int(g.array.shape[-1]) for g in givens if g.batched), 1)


NOTHING = FoundPaths(0.0, 0.0, 0, (), {})


@dataclass
class _Asking:
    problem: Problem
    graph: Graph
    run: Run
    parts: Mapping[str, Part]
    steps: Mapping[str, str]
    exact: OtherRun | None = None
    locals: dict[str, Local] = field(default_factory=dict)
    passed_by: dict[str, bool] = field(default_factory=dict)
    formulas_found: dict[tuple[Entry, Entry], Expression | None] = field(default_factory=dict)

    @property
    def formulas(self) -> dict[str, Expression]:
        return {name: part.formula for name, part in self.parts.items()}

    def blaming(self, case: int | None) -> Blaming:
        steps = {**self.steps, **{n: self.steps[p.equation] for n, p in self.parts.items()}}
        return Blaming(self.graph, self.values(case), steps)

    def values(self, case: int | None) -> dict[Leaf, Array]:
        """The numbers of one case."""
        return self._of_case(self.run.numbers, case)

    def _of_case(self, numbers: Mapping[Leaf, Any], case: int | None) -> dict[Leaf, Any]:
        batched = self.graph.batched_leaves
        return {
            leaf: np.asarray(a)[..., case] if case is not None and leaf in batched else a
            for leaf, a in numbers.items()
            if not isinstance(leaf, Adjoint)
        }

    def _jacobians(self, name: str, case: int | None) -> dict[str, Matrix]:
        """An equation's derivatives; as on paper where the run is."""
        local = self.locals[name]
        floats = local.jacobians(self.values(case))
        if self.exact is None:
            return floats
        exactly = replace(local, exact=self.exact).jacobians(
            self._of_case(self.exact.numbers, case)
        )
        return {used: rounded_once(exactly[used], matrix) for used, matrix in floats.items()}

    def held(self, target: Target) -> int:
        """How many derivatives there are between all entries on the way."""
        if target.entry.name in (self.graph.loss, self.graph.cost):
            return 0
        self._find_locals(target.entry)
        held = 0
        for name, local in self.locals.items():
            rows = size(self.graph.nodes[name].shape)
            used = {n for n in _names(local.expression) if n in local.wanted}
            of = sum(1 if n == target.entry.name else size(self.graph.nodes[n].shape) for n in used)
            held += rows * max(of, rows)
        return held

    def gradient(self, target: Target, top: int) -> WhyGradient:
        graph = self.graph
        name = target.entry.name
        if name == graph.cost and name != graph.loss:
            raise OptionError(f"{name} is the loss itself", mend="ask about what leads to it")
        if not self.locals:
            self._find_locals(target.entry)
        with np.errstate(all="ignore"):
            structure = {n: local.structure() for n, local in self.locals.items()}
        count = _case_count(self.problem)
        averaged = graph.cost != graph.loss and target.case is None
        cases = range(count) if averaged else [target.case]
        share = 1.0 / count if averaged and self.problem.reduction == "mean" else 1.0
        several = averaged and count > 1
        alike = self._alike() if several else frozenset()
        same = self._case(target, cases[0], structure, top, alike) if alike else NOTHING
        if same.count > MOST:
            alike, same = frozenset(), NOTHING
        results = [self._case(target, case, structure, top + same.count) for case in cases]
        found: list[tuple[float, float, int | None, tuple[Place, ...], tuple[float, ...]]] = [
            (product * share, share, number, places, factors)
            for number, one in enumerate(results)
            for product, places, factors in one.paths
            if not _goes_by(places, alike)
        ]
        # What is the same in every case is one path, for all of them.
        every = share * count
        found += [
            (product * every, every, None, places, factors)
            for product, places, factors in same.paths
        ]
        found.sort(key=lambda path: (-abs(path[0]), path[2] or 0))
        paths = tuple(
            self._path(
                target.entry,
                places,
                factors,
                product,
                (number if several else None, cases[0]),
                weight if several else 1.0,
            )
            for product, weight, number, places, factors in found[:top]
        )
        size = sum(f.size for f in results) * share
        listed = sum(abs(p.product) for p in paths)
        count_all = sum(f.count for f in results) - (len(results) - 1) * same.count
        if count_all >= UNCOUNTED:
            raise OptionError("there are more than 10**4000 paths", mend="ask nearer the loss")
        value = sum(f.total for f in results) * share
        if self._is_rest(target, value, size):
            value = 0.0
        if not np.isfinite(value):
            raise NumberError(
                f"the gradient with respect to {target.entry} is not finite",
                mend="a local derivative on the way is infinite or undefined at these numbers",
            )
        return WhyGradient(
            problem=self.problem,
            entry=target.entry,
            value=value + 0.0,  # −0 as 0
            paths=paths,
            path_count=count_all,
            covered=min(1.0, listed / size) if size else float(len(paths) == count_all),
            zeros=self._zeros(target.entry, cases, results, same, several),
            loss=graph.cost if averaged else graph.loss,
            case_count=count if several else 1,
            parts=self.formulas,
        )

    def _is_rest(self, target: Target, value: float, size: float) -> bool:
        """Whether floats leave a rest of a gradient that is 0 in the worked solution."""
        if not abs(value) < NOISE * size:
            return False
        index = target.entry.index
        batched = self.graph.nodes[target.entry.name].batched
        case: tuple[int, ...] = () if target.case is None or not batched else (target.case,)
        return not self.run.gradient(target.entry.name)[(*index, *case)].any()

    # -- the graph of entries -----------------------------------------------------------------------

    def _find_locals(self, entry: Entry) -> None:
        """The equations on the way from the entry to the loss, each with its local derivatives."""
        reached = {entry.name}
        order = [n for n in self.graph.way if n != entry.name]
        for name in order:
            expression = self._expression(name, entry.name)
            if any(n in reached for n in _names(expression)):
                reached.add(name)
        useful = {self.graph.loss}
        for name in reversed(order):
            if name in useful and name in reached:
                useful |= set(_names(self._expression(name, entry.name)))
        wanted = frozenset(useful & reached)
        named = {
            node.written: node.name
            for node in self.graph.nodes.values()
            if node.written is not None
        }
        for name in order:
            expression = self._expression(name, entry.name)
            if name in wanted and any(n in wanted for n in _names(expression)):
                one = (entry.name, entry.index)
                self.locals[name] = Local(self.graph, name, expression, one, wanted, named)

    def _expression(self, name: str, asked: str) -> Expression:
        """The formula that is differentiated: the loss and its activation as one, unless it is asked
        about a value that this passes by."""
        node = self.graph.nodes[name]
        assert node.computed is not None
        assert node.written is not None
        shortcut = self._shortcut(name)
        if shortcut is not None and asked in shortcut.aside:
            return shortcut.plain
        return node.written if self._passed_by(asked) else node.computed

    def _passed_by(self, asked: str) -> bool:
        """Whether a value leads to the loss by the equations as they are written, and not as they are computed."""
        if asked not in self.passed_by:
            written, computed = (self._reaches(asked, form) for form in (False, True))
            self.passed_by[asked] = written and not computed
        return self.passed_by[asked]

    def _reaches(self, asked: str, computed: bool) -> bool:
        reached = {asked}
        for name in self.graph.way:
            node = self.graph.nodes[name]
            formula = node.computed if computed else node.written
            if formula is not None and reached & set(_names(formula)):
                reached.add(name)
        return self.graph.loss in reached

    def _shortcut(self, name: str) -> Shortcut | None:
        return next((s for s in self.graph.shortcuts if s.loss == name), None)

    def _alike(self) -> frozenset[tuple[str, str]]:
        """The pairs of names between which the derivatives are the same in every case."""
        return frozenset(
            (used, name)
            for name, local in self.locals.items()
            for used in dict.fromkeys(_names(local.expression))
            if used in local.wanted and local.alike_in_cases(used)
        )

    def _case(
        self,
        target: Target,
        case: int | None,
        structure: Mapping[str, Mapping[str, np.ndarray]],
        top: int,
        by: frozenset[tuple[str, str]] | None = None,
    ) -> FoundPaths:
        """The paths in one case; of those alone that go `by` some pairs of names, where they are given."""
        source = target.entry.name
        edges: dict[str, list[Edge]] = {self.graph.loss: []}
        with np.errstate(all="ignore"):
            for name in reversed(self.locals):
                if by is not None and not edges.get(name) and name != self.graph.loss:
                    continue
                for used, derivatives in self._jacobians(name, case).items():
                    if by is not None and (used, name) not in by:
                        continue
                    edge = Edge(used, name, derivatives, structure[name][used])
                    edges.setdefault(used, []).append(edge)
        ordered = {n: edges[n] for n in (*reversed(self.graph.way), source) if n in edges}
        return paths_from(source, self.graph.loss, ordered, top)

    # -- telling -------------------------------------------------------------------------------------

    def _path(
        self,
        entry: Entry,
        places: tuple[Place, ...],
        factors: tuple[float, ...],
        product: float,
        cases: tuple[int | None, int | None],
        share: float,
    ) -> Path:
        case = cases[0] if cases[0] is not None else cases[1]
        blaming = self.blaming(case)
        through = tuple(
            entry if number == 0 else self._entry(name, position)
            for number, (name, position) in enumerate(places)
        )
        told = [
            self._factor(of, by, value, blaming)
            for (of, by), value in zip(pairwise(through), factors, strict=True)
        ]
        return Path(through, tuple(told), product + 0.0, cases[0], share)

    def _factor(self, of: Entry, by: Entry, value: float, blaming: Blaming) -> Factor:
        local = self.locals[by.name]
        shortcut = self._shortcut(by.name)
        fused = shortcut is not None and shortcut.pre_activation == of.name
        if (of, by) not in self.formulas_found:
            formula = local.formula(of.name, of.index, by.index)
            self.formulas_found[of, by] = self._told(formula)
        factor = Factor(
            of=of,
            by=by,
            value=value,
            formula=self.formulas_found[of, by],
            step=blaming.steps.get(by.name, ""),
            shortcut=shortcut.operation if shortcut is not None and fused else "",
        )
        return replace(factor, blame=blaming.factor(factor, local.expression))

    def _zeros(
        self,
        entry: Entry,
        cases: Sequence[int | None],
        results: Sequence[FoundPaths],
        same: FoundPaths,
        several: bool,
    ) -> tuple[ZeroGroup, ...]:
        """The paths that are 0, by reason; those that are the same in every case once."""
        found: list[tuple[int | None, Blame, int]] = []
        for case, one in zip(cases, results, strict=True):
            blaming = self.blaming(case)
            for step, count in one.zeros.items():
                if own := count - same.zeros.get(step, 0):
                    blame = self._zero(entry, step, blaming)
                    found.append((case if several else None, blame, own))
        blaming = self.blaming(cases[0])
        found += [(None, self._zero(entry, s, blaming), n) for s, n in same.zeros.items()]
        return grouped(found)

    def _zero(self, entry: Entry, step: Step, blaming: Blaming) -> Blame:
        (name, row), (by, column) = step
        of = entry if name == entry.name else self._entry(name, row)
        blame = self._factor(of, self._entry(by, column), 0.0, blaming).blame
        assert blame is not None
        return blame

    def _told(self, formula: Expression | None) -> Expression | None:
        """A local derivative; where the loss has none that could be computed, the gradient that is given."""
        if formula is None or self.graph.has_loss:
            return formula
        given = {seed: name for name, seed in self.graph.upstream.items()}

        def gradient(node: Expression) -> Expression | None:
            if isinstance(node, Name) and node.name in given:
                return Adjoint(given[node.name], shape=node.shape, of=self.graph.loss)
            return None

        return substitute(formula, gradient)

    def _entry(self, name: str, position: int) -> Entry:
        shape = self.graph.nodes[name].shape
        index = np.unravel_index(position, shape) if shape else ()
        return Entry(name, tuple(int(i) for i in index))


def _goes_by(places: tuple[Place, ...], pairs: frozenset[tuple[str, str]]) -> bool:
    """Whether a path leads by nothing but these pairs of names."""
    return len(places) > 1 and all((of, by) in pairs for (of, _), (by, _) in pairwise(places))


def _names(expression: Expression) -> list[str]:
    return [leaf.name for leaf in leaves(expression) if isinstance(leaf, Name)]
