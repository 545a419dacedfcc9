"""Steps that were not entered: what they come to where some of them are done wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity
from handgrad.checking.sheets import Sheets
from handgrad.expression import Leaf


def value_of(
    numbers: Mapping[Leaf, Array],
    formula: CompiledFormula,
    sheets: Sheets,
    *,
    in_cases: bool = False,
) -> Array | None:
    """The value of a wrong formula, for each case where what it stands for is in cases.

    None where its shapes fit in one case but not in many, or where nothing differs from case to case in what it
    reduces over the cases.
    """
    try:
        value: Array = sheets.run(formula, numbers, clean=formula.chooses)
    except (ValueError, IndexError, ArithmeticError):
        return None
    if in_cases and not formula.batched:
        return sheets.in_cases(value)
    return value


class Unentered:
    """Steps that were not entered, from the numbers of a base: each is done right once, for all that is tried in others.

    Arguments:
        base: the numbers that they begin with.
        sites: the steps, in their order.
        exact: what they come to exactly, for the shapes.
    """

    def __init__(
        self,
        base: Mapping[Leaf, Array],
        sheets: Sheets,
        sites: Sequence[Quantity],
        exact: Mapping[Leaf, Array],
    ) -> None:
        self._base, self._sheets, self._sites, self._exact = base, sheets, sites, exact
        self._right: dict[Leaf, Array | None] = {}
        numbers = {n: v for n, v in base.items() if n not in {site.leaf for site in sites}}
        for site in sites:
            value = self._right[site.leaf] = self._value(site, site.formula, numbers)
            if value is not None:
                numbers[site.leaf] = value

    def with_wrong(self, wrong: Mapping[Leaf, CompiledFormula]) -> dict[Leaf, Array] | None:
        """All numbers where some of the steps are done by other formulas; None where one of them cannot be done."""
        numbers = dict(self._base)
        differs: set[Leaf] = set()
        for site in self._sites:
            formula = wrong.get(site.leaf, site.formula)
            if site.leaf in wrong or not differs.isdisjoint(formula.leaves):
                value = self._value(site, formula, numbers)
                differs.add(site.leaf)
            else:
                value = self._right[site.leaf]
            if value is None:
                return None
            numbers[site.leaf] = value
        return numbers

    def _value(
        self, site: Quantity, formula: CompiledFormula, numbers: Mapping[Leaf, Array]
    ) -> Array | None:
        if any(leaf not in numbers for leaf in formula.leaves):
            return None
        value = value_of(numbers, formula, self._sheets, in_cases=site.batched)
        fits = value is not None and self._sheets.entries(value) == np.shape(self._exact[site.leaf])
        return value if fits else None
