"""The units of a run: what every activation makes of its pre-activation, and what its slope passes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.expression import Call, Expression, Name, walk
from handgrad.graph import Activation, Graph, activations
from handgrad.operations import operation_of
from handgrad.running import Run
from handgrad.solution.slopes import slopes_of

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace


@dataclass(frozen=True, slots=True)
class Units:
    """All the units of one activation; arrays are in the pre-activation's shape, cases last.

    Arguments:
        activation: the name of the activation's value, such as h2.
        pre_activation: what it is applied to, such as z2.
        operation: the activation, such as relu.
        gate: whether it lets gradient through where its input is positive, and none elsewhere.
        z, slope: the pre-activation and the local derivative there.
        arriving: the gradient with respect to the activation's value.
        step, layer, time_step: the forward step that computes it, and the number of the layer, or of
            a recurrent network's time step, 0 for none.
    """

    activation: str
    pre_activation: Expression
    operation: str
    gate: bool
    z: Array
    slope: Array
    arriving: Array
    batched: bool
    step: str
    layer: int
    time_step: int

    @property
    def shut(self) -> Mask:
        """Where the gate is shut: nowhere for an activation that is no gate."""
        shut: Mask = (self.z <= 0) & (self.slope == 0) & self.gate
        return shut

    @property
    def passing(self) -> Array:
        """The gradient that gets through to the pre-activation along this path."""
        return self.arriving * self.slope


def slides(graph: Graph, pre_activation: Expression) -> bool:
    """Whether a pre-activation is made by a convolution, whose entries are places and whose units are channels."""
    made = pre_activation
    if isinstance(made, Name) and made.name in graph.equations:
        made = graph.nodes[made.name].written or made
    return any(isinstance(n, Call) and operation_of(n).slides for n in walk(made))


def units(trace: Trace) -> tuple[Units, ...]:
    """The units of every equation that is an activation, entry by entry, of something.

    An activation whose derivative is taken together with the loss is not among them: no
    local slope of its own stands in the way back.
    """
    return tuple(
        units_of(trace, activation, _arriving(trace.graph, trace.run, activation.equation))
        for activation in activations(trace.graph)
        if activation.alone and not activation.fused and operation_of(activation.call).elementwise
    )


def units_of(trace: Trace, activation: Activation, arriving: Array) -> Units:
    """The units of one activation, entry by entry; `arriving` is the gradient with respect to its value."""
    graph, run = trace.graph, trace.run
    call, argument = activation.call, activation.pre_activation
    z, batched = run.of(argument), graph.batched(argument)
    others = [(run.of(a), graph.batched(a)) for a in call.arguments[1:]]
    cases = [value.shape[-1] for value, with_cases in others if with_cases]
    if cases and not batched:
        # A slope that differs from case to case, at numbers that are the same in each.
        z, batched = np.broadcast_to(np.asarray(z)[..., None], (*np.shape(z), cases[0])), True
    if batched and arriving.ndim < z.ndim:
        arriving = arriving[..., None]
    slope = slopes_of(call, z, others, batched=batched)
    step = _forward_step(trace, activation.equation)
    return Units(
        activation=activation.equation,
        pre_activation=argument,
        operation=call.operation,
        gate=activation.gate,
        z=z,
        slope=np.where(z == 0, 0.5, slope) if activation.splits_ties else slope,
        arriving=np.broadcast_to(arriving, z.shape),
        batched=batched,
        step=step.id if step else "",
        layer=step.layer if step else 0,
        time_step=step.time_step if step else 0,
    )


def _forward_step(trace: Trace, name: str) -> Step | None:
    """The step of the forward pass that computes a value."""
    forward = (step for step in trace.steps if step.phase == "forward")
    return next((s for s in forward if any(line.target.name == name for line in s.lines)), None)


def _arriving(graph: Graph, run: Run, name: str) -> Array:
    if not graph.gradients[name].reached and name != graph.cost:
        return np.zeros(np.shape(run.value(name)))
    return np.asarray(run.gradient(name), dtype=float)
