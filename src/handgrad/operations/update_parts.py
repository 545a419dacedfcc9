"""What the formulas of an update are made of, as far as mistakes are made with it."""

from __future__ import annotations

from collections.abc import Mapping

from handgrad.expression import Expression, Leaf, Name, leaves
from handgrad.record import record


@record
class UpdateParts:
    """The names in the formulas of a parameter's update, by what they are.

    Arguments:
        rates: what it has as the rate, such as η, or η with a schedule's and Adagrad's decay.
        other_rates: the rates of other parameters.
        settings: the names of the settings, and of what clips the gradients.
        corrected: by a running mean that is corrected for its start at 0, the mean itself.
        plain: the steps of plain gradient descent, where the rule is not one that adds up gradients.
    """

    rates: frozenset[Name]
    other_rates: tuple[Name, ...]
    settings: Mapping[str, Name]
    corrected: Mapping[Leaf, Leaf]
    plain: tuple[Expression, ...]

    def factor_forgotten(self, factor: Expression) -> str:
        """The rule by which a factor is left out; empty for one like any other."""
        if factor in self.rates:
            return "rate_forgotten"
        return "clipping_forgotten" if factor == self.settings["factor"] else ""

    def term_forgotten(self, term: Expression) -> str:
        """The rule by which a term is left out, or what decay takes away; empty for one like any other."""
        found = leaves(term)
        if self.settings["weight_decay"] in found:
            return "decay_forgotten"
        return "velocity_forgotten" if self.settings["momentum"] in found else ""
