"""What a worked solution comes to, in the three sentences that its page opens with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from handgrad.expression import Literal, Name
from handgrad.record import record
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.takeaways import GatesSeen, LossMoved, named_units
from handgrad.text import Inline, Text, joined

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

NAMED = 2
"""The most units that are named; more are counted."""


@record
class Abstract:
    """The loss, the gates that are shut and the zeros among the gradients, and what an update does.

    Arguments:
        cost: the name of the loss, over all the cases where there are several.
        value: its value; None where gradients are given upstream of it.
        gates: which units are off; None where there is no gate.
        blocked: the gradient that is stopped where a single unit is off, in a single case.
        zero: entries of the gradients of the parameters (of the data where there are none) that are 0.
        total: all of these entries.
        moved: the loss before and after the updates; None where there is none.
    """

    cost: str
    value: float | None
    gates: GatesSeen | None
    blocked: float | None
    zero: int
    total: int
    moved: LossMoved | None

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The abstract of a solution; None for several networks at once, and where a number is not finite."""
        value = trace.loss
        if trace.graph.has_loss and not isinstance(value, float):
            return None
        names = trace.problem.asked
        asked = [n for n in names if n in trace.graph.gradients]
        gradients = [np.asarray(trace.run.gradient(n), dtype=float) for n in asked]
        finite = value is None or np.isfinite(value)
        if not finite or not all(np.isfinite(g).all() for g in gradients):
            return None
        gates = GatesSeen.find(trace)
        stops = [n.blocked for s in trace.steps for n in s.notes if isinstance(n, GatedOff)]
        known = [b for b in stops if b is not None]
        alone = gates is not None and len(gates.units) == 1 and gates.case_count == 1
        return cls(
            cost=trace.graph.cost,
            value=value if isinstance(value, float) else None,
            gates=gates,
            blocked=known[0] if alone and len(known) == 1 else None,
            zero=sum(int((g == 0).sum()) for g in gradients),
            total=sum(g.size for g in gradients),
            moved=LossMoved.find(trace),
        )

    def text(self) -> Text:
        """The sentences."""
        words: list[Inline] = []
        if self.value is not None:
            words += [Name(self.cost), " = ", Literal(self.value), "."]
        if self.gates is not None:
            words += [" ", *self._gates(self.gates), "."]
        if self.zero:
            # A figure may end the sentence before.
            come = "comes" if self.zero == 1 else "come"
            entries = f"Of the {self.total} entries of the gradients {self.zero} {come} out zero."
            one = "The one entry of the gradients comes out zero."
            words.append(f" {entries if self.total > 1 else one}")
        if self.moved is not None:
            made = "an update" if self.moved.updates == 1 else f"{self.moved.updates} updates"
            rose = self.moved.after > self.moved.before
            comes = " has risen to " if rose else " = "
            words += [f" After {made} ", Name(self.cost), comes, Literal(self.moved.after), "."]
        return tuple(w.lstrip() if not i and isinstance(w, str) else w for i, w in enumerate(words))

    def _gates(self, gates: GatesSeen) -> Text:
        if not gates.units:
            return ("Every gate is open",)
        if gates.case_count == 1:
            stops: Text = ()
            if self.blocked:
                stops = (" and stops a gradient of ", Literal(abs(self.blocked)))
            one, named = len(gates.units) == 1, len(gates.units) <= NAMED
            what = "The gate of " if one else "The gates of " if named else ""
            units = named_units(gates.units, NAMED, "gates")
            return (what, *units, f" {'is' if one else 'are'} shut", *stops)
        parts: list[Text] = []
        for off, where in ((gates.always, "in every case"), (gates.sometimes, "in some cases")):
            if off:
                verb = "is" if len(off) == 1 else "are"
                parts.append((*named_units(off, NAMED), f" {verb} off {where}"))
        return joined(parts)
