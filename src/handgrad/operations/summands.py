"""A formula of one number as a sum: its terms with their signs."""

from __future__ import annotations

from handgrad.expression import Call, Expression
from handgrad.operations.arithmetic import add, divide, negate, subtract


def summands(formula: Expression, sign: int = 1) -> list[tuple[int, Expression]]:
    """The terms that add up to a formula, in order, each 1 or −1 times its own formula.

    A sum that is divided by a number has terms that are divided by it.
    """
    terms: list[tuple[int, Expression]] = []
    stack = [(sign, formula)]
    while stack:
        sign, formula = stack.pop()
        match formula:
            case Call(operation=add.name, arguments=(a, b)):
                stack += [(sign, b), (sign, a)]
            case Call(operation=subtract.name, arguments=(a, b)):
                stack += [(-sign, b), (sign, a)]
            case Call(operation=negate.name, arguments=(a,)):
                stack.append((-sign, a))
            case Call(operation=divide.name, arguments=(a, b)) if _is_sum(a):
                stack += [(s, t / b) for s, t in reversed(summands(a, sign))]
            case _:
                terms.append((sign, formula))
    return terms


def _is_sum(formula: Expression) -> bool:
    return isinstance(formula, Call) and (
        formula.operation in (add.name, subtract.name)
        or (formula.operation == negate.name and _is_sum(formula.arguments[0]))
    )
