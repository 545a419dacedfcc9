"""Where a graph's activations stand."""

from __future__ import annotations

from handgrad.expression import Call, Expression
from handgrad.graph.remembered import of_graph
from handgrad.graph.structure import Graph
from handgrad.operations import operation_of
from handgrad.operations.gates import activations_in, splits_ties
from handgrad.record import record


@record
class Activation:
    """An activation in an equation.

    Arguments:
        equation: the equation that it stands in.
        call: the activation, applied.
        written: the same as the equation has it: max(0, z) for ReLU of z.
        alone: whether the equation is nothing else, such as h1 = relu(z1).
        fused: whether it is differentiated as one with the loss; its own slope then multiplies nothing.
    """

    equation: str
    call: Call
    written: Expression
    alone: bool
    fused: bool

    @property
    def pre_activation(self) -> Expression:
        """What it is applied to."""
        return self.call.arguments[0]

    @property
    def gate(self) -> bool:
        """Whether it lets gradient through where its input is positive, and none elsewhere."""
        return operation_of(self.call).gate

    @property
    def splits_ties(self) -> bool:
        """Whether it is a gate that lets half of the gradient through where its input is exactly 0."""
        return splits_ties(self.written)


@of_graph
def activations(graph: Graph) -> tuple[Activation, ...]:
    """The activations of a graph, in the order of the equations; in each, the outermost first."""
    fused = {shortcut.inner for shortcut in graph.shortcuts}
    found: list[Activation] = []
    for equation in graph.equations:
        written = graph.nodes[equation].written
        found += [
            Activation(equation, call, node, node is written, node is written and equation in fused)
            for node, call in activations_in(written)
        ]
    return tuple(found)
