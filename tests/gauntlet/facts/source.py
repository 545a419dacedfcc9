"""The numbers that statements are held against: PyTorch's, from the problem's own text; and 50 digits."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import mpmath
import numpy as np

import handgrad
from handgrad.discussion import questions_for
from handgrad.expression import Adjoint, Call, Expression, Literal, Name
from handgrad.solution import ShortcutTaken
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.rectifiers import Rectifying, halved
from tests.gauntlet.oracle import Evaluated, Oracle
from tests.gauntlet.precise import Precise


@dataclass(eq=False)
class Facts:
    """One problem: its text, PyTorch's numbers for it, and the worked solution whose statements are judged."""

    text: str
    oracle: Oracle
    trace: handgrad.Trace
    seed: int = 0
    parts: Mapping[str, Expression] = field(default_factory=dict)
    _whys: dict[str, Any] = field(default_factory=dict)
    _shares: dict[tuple[str, str], Any] = field(default_factory=dict)
    _exact: dict[Any, Any] = field(default_factory=dict)
    _moves: np.random.Generator | None = None

    @property
    def problem(self) -> handgrad.Problem:
        return self.trace.problem

    @cached_property
    def questions(self) -> tuple[Any, ...]:
        """The discussion questions of the solution."""
        return tuple(questions_for(self.trace))

    def why(self, entry: str) -> Any:
        """What leads to an entry; None where that is refused."""
        if entry not in self._whys:
            try:
                self._whys[entry] = handgrad.why(self.problem, entry)
            except handgrad.HandgradError:
                self._whys[entry] = None
        return self._whys[entry]

    @staticmethod
    def of(problem: handgrad.Problem, kind: type[Oracle] = Oracle) -> Facts:
        """A problem that is not read from a file, by the file that it would be written to."""
        text = problem.to_toml()
        return Facts(text, kind(text), handgrad.solve(problem))

    @cached_property
    def at(self) -> Evaluated:
        """PyTorch's values and gradients; those that floats have no number for, from many digits."""
        found = self.oracle.run()
        numbers = (found.values, found.gradients, found.case_gradients)
        if all(np.isfinite(a).all() for arrays in numbers for a in arrays.values()):
            return found
        many = Precise(self.text).run()
        for theirs, ours in zip(
            numbers, (many.values, many.gradients, many.case_gradients), strict=True
        ):
            theirs.update({n: ours[n] for n, a in theirs.items() if not np.isfinite(a).all()})
        return replace(found, loss=many.loss)

    def under(self, at: Evaluated) -> Facts:
        """The same problem with the numbers of another run."""
        other = Facts(self.text, self.oracle, self.trace, self.seed)
        other.__dict__["at"] = at
        return other

    def changed(self, name: str, array: Any) -> Facts:
        """The same problem with another number given."""
        at = self.oracle.run({name: array})
        if np.isfinite(at.loss):
            return self.under(at)
        text = problem_text(self.text, values={name: array})
        return Facts(text, type(self.oracle)(text), self.trace, self.seed)

    @property
    def is_finite(self) -> bool:
        """Whether all its numbers are, in as many digits as are carried."""
        numbers = (*self.at.values.values(), *self.at.gradients.values())
        return all(np.isfinite(np.asarray(a, dtype=float)).all() for a in numbers)

    @property
    def loss(self) -> float:
        """The loss, over all the cases."""
        return float(np.asarray(self.at.values[self.oracle.cost]).sum())

    @property
    def cases(self) -> int:
        return self.oracle.cases

    @cached_property
    def targets(self) -> tuple[str, ...]:
        return tuple(target for target, _ in self.oracle.equations)

    @property
    def uses(self) -> dict[str, frozenset[str]]:
        """By equation, the names in it."""
        return self.oracle.uses

    def users(self, name: str) -> list[str]:
        """The equations on the way to the loss that use a name."""
        return [t for t in self.targets if t in self.reaching and name in self.uses[t]]

    @cached_property
    def reaching(self) -> frozenset[str]:
        """The names from which a path leads to the loss."""
        found = {self.oracle.loss}
        for target in reversed(self.oracle.order):
            if target in found:
                found |= self.uses[target]
        return frozenset(found)

    def fused(self, names: Iterable[str]) -> set[str]:
        """The equations, with the loss in place of an activation that is taken as one with it."""
        notes = [n for s in self.trace._steps for n in s.notes]
        one = {n.inner: n.loss for n in notes if isinstance(n, ShortcutTaken)}
        return {one.get(name, name) for name in names}

    def rectified(self, name: str) -> Expression:
        """An equation's right side as a tree, with ReLU written out as a call of it."""
        return self.rectifying.of(self.written(name))

    @cached_property
    def rectifying(self) -> Rectifying:
        made = {t: self.written(t) for t in self.targets}
        return Rectifying(made, self.oracle.data, self.oracle.loss)

    @cached_property
    def _halved(self) -> frozenset[Expression]:
        return frozenset(
            self.rectifying.of(z) for t in self.targets for z in halved(self.written(t))
        )

    def opens(self, z: Expression, numbers: Any) -> Any:
        """Where ReLU of a formula's numbers is open: exactly at 0 max(0, z) lets half through."""
        numbers = np.asarray(numbers)
        return (numbers > 0) | (numbers == 0) if z in self._halved else numbers > 0

    def opens_at(self, entry: Expression, number: Any) -> bool:
        """The same of one entry of a formula."""
        whole = entry
        if isinstance(entry, Call) and entry.operation == "index":
            whole = entry.arguments[0]
        return bool(np.all(self.opens(whole, number)))

    def written(self, name: str) -> Expression:
        """An equation's right side as a tree."""
        found = self.trace.graph.nodes[name].written
        assert found is not None
        return found

    # -- numbers ----------------------------------------------------------------------------------

    def leaf(self, leaf: terms.Leaf, case: int) -> Any:
        """The number of a name, or of a gradient, in one case."""
        at, name = self.at, leaf.name
        if isinstance(leaf, Name):
            if name in at.values:
                return self._of_case(at.values[name], name, case)
            if name in self.parts:
                return self.value(self.parts[name], case)
            return self.value(self.trace.graph.lets[name].written, case)
        if leaf.through or name in self.trace.graph.lets or name not in at.gradients:
            return self.value(self._line(leaf), case)
        return self._of_case(at.gradients[name], name, case)

    def _of_case(self, array: Any, name: str, case: int) -> Any:
        if self._moves is not None:
            array = array * (1 + 2.2e-16 * self._moves.choice((-1, 1), np.shape(array)))
        return array[..., case] if name in self.oracle.batched else array

    def moved(self, seed: int) -> Facts:
        """The same with other last digits of every number that is looked up."""
        other = copy(self)
        other._moves = np.random.default_rng(seed)
        return other

    def _line(self, leaf: Adjoint) -> Expression:
        """How the solution computes a gradient that the problem has no name for."""
        for step in self.trace._steps:
            for line in step.lines:
                if line.target == leaf and line.role in ("chain", "part", "gradient"):
                    return line.formula
        for backward in self.trace.graph.backward:
            if backward.leaf == leaf:
                return backward.formula
        raise KeyError(leaf)

    def value(self, formula: Expression, case: int = 0) -> Any:
        """A formula's value in one case, with PyTorch's numbers."""
        return terms.value(formula, self.leaf, case, self.cases)

    def values(self, formula: Expression, batched: bool) -> Any:
        """A formula's value; the cases on the last axis where it differs from case to case."""
        if not batched:
            return self.value(formula)
        return np.stack([self.value(formula, case) for case in range(self.cases)], axis=-1)

    def differs(self, formula: Expression) -> bool:
        """Whether a formula's value differs from case to case."""
        match formula:
            case Call(operation="mean_over_cases" | "sum_over_cases"):
                return False
            case Call():
                return any(self.differs(a) for a in formula.arguments)
            case Literal():
                return formula.batched
            case Name() | Adjoint() if formula.name in self.trace.graph.lets:
                return self.differs(self.trace.graph.lets[formula.name].written)
            case Name() | Adjoint():
                return formula.name in self.oracle.batched
            case _:
                return False

    def unit(self, formula: Expression, unit: tuple[int, ...]) -> list[float]:
        """One entry of a formula in every case; a single number where it has no cases."""
        cases = range(self.cases) if self.differs(formula) else (0,)
        return [float(self.value(formula, case)[unit]) for case in cases]

    def share(self, name: str, through: str) -> Any:
        """What reaches a name through one equation: the name there put by another with the same numbers."""
        key = name, through
        if key not in self._shares:
            other = "twin_of_this_name"
            equations = [
                (t, renamed(e, name, other) if t == through else e)
                for t, e in self.oracle.equations
            ]
            given: Any = self.at.values[name]
            twin = type(self.oracle)(
                problem_text(self.text, equations, {other: (given, name in self.oracle.batched)})
            )
            self._shares[key] = twin.run().gradients[other]
        return self._shares[key]

    # -- 50 digits --------------------------------------------------------------------------------

    @cached_property
    def exactly_given(self) -> dict[str, Any]:
        """The numbers as they are written: 0.1 is a tenth."""
        table = tomllib.loads(self.text, parse_float=Decimal)
        found = {}
        for part in ("parameters", "data", "given"):
            for key, value in table.get(part, {}).items():
                batched = isinstance(value, Mapping)
                array = _long(value["cases"] if batched else value)
                found[self._plain(key)] = np.moveaxis(array, 0, -1) if batched else array
        return found

    def _plain(self, key: str) -> str:
        if key in self.at.values:
            return key
        spelled = unicodedata.normalize("NFKC", key.replace("ŷ", "yhat"))
        plain = spelled.replace("(", "").replace(")", "")  # W⁽¹⁾ is W1
        return plain if plain in self.oracle.parameters | self.oracle.data else key

    def exact(self, formula: Expression, case: int = 0) -> Any:
        """A formula's value in 50 digits, the names in it computed by their own formulas."""
        with mpmath.workdps(terms.DIGITS):
            return terms.value(formula, self._exact_leaf, case, self.cases, terms.as_written)

    def _exact_leaf(self, leaf: terms.Leaf, case: int) -> Any:
        key = leaf, case
        if key not in self._exact:
            self._exact[key] = self._exactly(leaf, case)
        return self._exact[key]

    def _exactly(self, leaf: terms.Leaf, case: int) -> Any:
        graph = self.trace.graph
        if isinstance(leaf, Name):
            if leaf.name in self.exactly_given:
                return self._of_case(self.exactly_given[leaf.name], leaf.name, case)
            if leaf.name in graph.lets:
                return self.exact(graph.lets[leaf.name].written, case)
            node = graph.nodes[leaf.name]
            formula = node.written if node.written is not None else node.computed
            assert formula is not None
            return self.exact(formula, case)
        if leaf.name == self.oracle.cost or (leaf.name == self.oracle.loss and not leaf.through):
            return np.asarray(mpmath.mpf(1), dtype=object)
        return self.exact(self._line(leaf), case)


def _long(value: Any) -> Any:
    """Nested numbers as an array of long ones."""
    with mpmath.workdps(terms.DIGITS):
        return np.asarray(_nested(value), dtype=object)


def _nested(value: Any) -> Any:
    if isinstance(value, list):
        return [_nested(v) for v in value]
    if isinstance(value, str):
        above, _, below = value.replace("−", "-").partition("/")
        value = Fraction(above.strip()) / Fraction(below.strip() or "1")
    fraction = Fraction(value)
    return mpmath.mpf(fraction.numerator) / fraction.denominator


# -- text -----------------------------------------------------------------------------------------


def renamed(formula: str, name: str, other: str) -> str:
    """The formula with a name replaced wherever it stands alone."""
    return re.sub(rf"(?<![\w.]){re.escape(name)}(?![A-Za-z0-9_]|\s*\()", other, formula)


def problem_text(
    text: str,
    equations: list[tuple[str, str]] | None = None,
    data: Mapping[str, tuple[Any, bool]] = {},
    values: Mapping[str, Any] = {},
    loss: str = "",
) -> str:
    """The problem file with other equations, further data (with whether they have cases), other numbers."""
    table = tomllib.loads(text)
    if loss:
        table["loss"] = loss
    if equations is not None:
        table["equations"] = [f"{t} = {e}" for t, e in equations]
    for part in ("parameters", "data", "given"):
        given = table.setdefault(part, {})
        for name in given:
            if name in values:
                batched = isinstance(given[name], Mapping)
                given[name] = _plainly(values[name], batched)
    for name, (array, batched) in data.items():
        table["data"][name] = _plainly(array, batched)
    if not table["parameters"]:
        del table["parameters"]
    return "\n".join(
        [*(f"{k} = {_toml(v)}" for k, v in table.items() if k not in _TABLES), *_tables(table)]
    )


_TABLES = ("parameters", "data", "given", "upstream", "update", "display")


def _tables(table: Mapping[str, Any]) -> list[str]:
    lines = []
    for part in _TABLES:
        if table.get(part):
            lines += [
                f"[{part}]",
                *(
                    f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}"
                    for k, v in table[part].items()
                ),
            ]
    return lines


def _plainly(array: Any, batched: bool) -> Any:
    array = np.asarray(array, dtype=float)
    return {"cases": np.moveaxis(array, -1, 0).tolist()} if batched else array.tolist()


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{ "
            + ", ".join(
                f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}" for k, v in value.items()
            )
            + " }"
        )
    if isinstance(value, list):
        return f"[{', '.join(_toml(v) for v in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)
