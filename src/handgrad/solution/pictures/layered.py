"""Pictures for slides: the plan of the network, and of each step the layer that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handgrad.expression import Adjoint
from handgrad.page.blocks import Figure, Text
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.pictures.graph import graph_picture
from handgrad.solution.pictures.layers import network_of
from handgrad.solution.pictures.network import network_picture
from handgrad.solution.pictures.numbers import case_count

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace


@dataclass
class Pictures:
    """The pictures of a deck; each layer's is shown once, and again where gates are told of."""

    trace: Trace
    last: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.network = network_of(self.trace.graph)
        shut = [
            (s.id, any(len(n.cases) == n.case_count or n.case_count == 1 for n in notes))
            for s in self.trace.steps
            if s.phase == "backward" and (notes := [n for n in s.notes if isinstance(n, GatedOff)])
        ]
        # Where it tells most: at a unit that is off in every case.
        self.first_shut = next((step for step, dead in shut if dead), shut[0][0] if shut else "")

    @property
    def plan(self) -> Figure:
        """The network with the names of its units, or the graph of the equations."""
        if self.network is None:
            return Figure(graph_picture(self.trace, "given", plan=True))
        return Figure(network_picture(self.trace, "given", plan=True))

    @property
    def way_back(self) -> Figure | None:
        """The network with the names of its error signals: which way the gradient goes, and where it is stopped."""
        if self.network is None:
            return None
        return Figure(network_picture(self.trace, "backward", plan=True), self._said())

    def of(self, step: Step) -> Figure | None:
        """The layer that a backward step is about, with what it is connected to."""
        layer = self._layer(step)
        if not layer:
            return None
        return Figure(network_picture(self.trace, "backward", layer), self._said())

    def _said(self) -> Text:
        """Which of several cases or examples a picture is of."""
        if self.network is not None and self.network.examples != "none":
            return ("The first example’s part.",)
        count = case_count(self.trace)
        return (f"Case 1 of {count}, by itself.",) if count > 1 else ()

    def next_of(self, step_id: str) -> Figure | None:
        """The picture of a step, unless the one of the same layer was the last."""
        step = self.trace.step(step_id)
        if step is None or self._layer(step) in (0, self.last):
            return None
        return self.of(step)

    def shown(self, step_id: str) -> None:
        """Remembers that the picture of a step has been put on a slide."""
        step = self.trace.step(step_id)
        self.last = self._layer(step) if step is not None else 0

    def _layer(self, step: Step) -> int:
        """The layer whose weights the gradient comes back along in a step, counted from 1; 0 for none.

        It is the layer after the units of an error signal, or of what is passed back.
        """
        if self.network is None or step.phase != "backward":
            return 0
        layers = self.network.layers
        names = {x.target.name for x in step.lines if isinstance(x.target, Adjoint)}
        for position, layer in enumerate(layers, start=1):
            if {layer.sum.weights, layer.sum.bias} & names:
                return position
            if {layer.pre, layer.out} & names:
                return min(position + 1, len(layers))
        return 0
