"""Numbers that a gradient is multiplied by one after the other, and that are shown as one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as Ratio
from math import prod

from handgrad.expression import Call, Expression, leaves, number
from handgrad.graph import Graph
from handgrad.notation import Sum
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import constant_of, divide, multiply, power
from handgrad.operations.functions import square
from handgrad.operations.reductions import mean, sum_
from handgrad.solution.structure import TraceLine


def numbers_together(graph: Graph, lines: Sequence[TraceLine]) -> str:
    """What the numbers met on the way back come to, where they are shown as one: 2/6 = 1/3, 0.5 × 2 = 1."""
    shown = {constant_of(line.formula) for line in lines}
    for line in lines:
        node = graph.nodes.get(line.through)
        if node is None or node.written is None or line.role not in ("gradient", "part"):
            continue
        above, below = _numbers_met(node.written, line.target.name)
        top, bottom = (prod(some, start=Ratio(1)) for some in (above, below))
        if len(above) + len(below) < 2 or top / bottom not in shown:
            continue
        written = " × ".join(f"{float(x):.12g}" for x in above or [Ratio(1)])
        if below:
            over = " × ".join(f"{float(x):.12g}" for x in below)
            written += f"/({over})" if len(below) > 1 else f"/{over}"
        whole = top / bottom
        short = 1000 % whole.denominator == 0 and below == []
        said = f"{float(whole):.12g}" if short else str(whole)
        return f"The numbers come to {written} = {said}." if written != said else ""
    return ""


def _numbers_met(written: Expression, name: str) -> tuple[list[Ratio], list[Ratio]]:
    """The numbers by which a gradient is multiplied, and divided, on the way back from an equation to a name.

    Those of means, of powers and of products with numbers; none where something else multiplies as well.
    """
    above: list[Ratio] = []
    below: list[Ratio] = []
    at = written
    while isinstance(at, Call):
        after = [a for a in at.arguments if any(leaf.name == name for leaf in leaves(a))]
        numbers = [x for a in at.arguments if (x := number(a)) is not None]
        if len(after) != 1:
            return [], []
        match at.operation:
            case square.name:
                above.append(Ratio(2))
            case power.name if len(numbers) == 1 and after[0] is at.arguments[0]:
                above.append(Ratio(repr(numbers[0])))
            case multiply.name | divide.name if numbers and after[0] is at.arguments[0]:
                (below if at.operation == divide.name else above).append(Ratio(repr(numbers[0])))
            case multiply.name if numbers:
                above.append(Ratio(repr(numbers[0])))
            case _ if operation_of(at).family == "reduction":
                if at.operation == mean.name:
                    whole, out = (prod(a.shape or ()) for a in (at.arguments[0], at))
                    below.append(Ratio(whole // max(1, out)))
                elif at.operation != sum_.name:
                    return [], []
            case _ if not isinstance(operation_of(at).notation, Sum):
                return [], []
        (at,) = after
    return above, below
