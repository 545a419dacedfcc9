"""+ − · / powers and signs, and the identities a reader expects to be applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction as Ratio
from math import isfinite, prod

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, number
from handgrad.notation import As, Fraction, Negation, Power, Product, Sum
from handgrad.operations.constants import is_e
from handgrad.operations.operation import Domain, Operation, elementwise
from handgrad.operations.words import Words


def _negated(e: Expression) -> Expression | None:
    """The argument of a negation, or the absolute value of a negative number."""
    if isinstance(e, Call) and e.operation == negate.name:
        return e.arguments[0]
    value = number(e)
    return Literal(-value) if value is not None and value < 0 else None


def _unfilled(e: Expression, other: Expression) -> Expression:
    """A scalar spread over a shape, as the scalar, where `other` has that shape already."""
    if isinstance(e, Call) and e.operation == "fill" and e.shape == other.shape:
        return e.arguments[0] if e.arguments[0].shape == () else e
    return e


def _simplify_add(call: Call) -> Expression | None:
    a, b = call.arguments
    if number(a) == 0 and b.shape == call.shape:
        return b
    if number(b) == 0 and a.shape == call.shape:
        return a
    if isinstance(b, Call) and (positive := _negated(b)) is not None:
        return subtract(a, positive)
    return None


def _simplify_subtract(call: Call) -> Expression | None:
    a, b = call.arguments
    if number(b) == 0 and a.shape == call.shape:
        return a
    if isinstance(b, Call) and (positive := _negated(b)) is not None:
        return add(a, positive)
    if number(a) == 0 and b.shape == call.shape:
        return negate(b)
    return None


def _simplify_multiply(call: Call) -> Expression | None:
    a, b = call.arguments
    plain_a, plain_b = _unfilled(a, b), _unfilled(b, a)
    if plain_a is not a:
        return multiply(plain_a, b)
    if plain_b is not b:
        return multiply(plain_b, a)
    x, y = number(a), number(b)
    if x is not None and isinstance(b, Call) and b.operation == "fill":
        return replace(b, arguments=(multiply(x, b.arguments[0]),), shape=None)
    if x == 1 and b.shape == call.shape:
        return b
    if y == 1 and a.shape == call.shape:
        return a
    if x is not None and y is not None:
        return Literal(x * y)
    if x == -1 and b.shape == call.shape:
        return negate(b)
    if y == -1 and a.shape == call.shape:
        return negate(a)
    for one, other in ((b, a), (a, b)):
        if isinstance(one, Call) and one.operation == divide.name and number(one.arguments[0]) == 1:
            return divide(other, one.arguments[1])
    if y is not None:
        return multiply(b, a)
    if x is not None and isinstance(b, Call) and b.operation == multiply.name:
        inner = number(b.arguments[0])
        if inner is not None:
            return multiply(x * inner, b.arguments[1])
    if isinstance(a, Call) and (positive := _negated(a)) is not None:
        return negate(multiply(positive, b))
    if isinstance(b, Call) and (positive := _negated(b)) is not None:
        return negate(multiply(a, positive))
    return _numbers_folded(call)


def _factors(e: Expression, below: bool = False) -> Iterator[tuple[Expression, bool]]:
    """The factors of products and of quotients by scalars; those that divide are `below`."""
    if isinstance(e, Call) and e.operation == multiply.name:
        for factor in e.arguments:
            yield from _factors(factor, below)
    elif isinstance(e, Call) and e.operation == divide.name and e.arguments[1].shape == ():
        yield from _factors(e.arguments[0], below)
        yield from _factors(e.arguments[1], not below)
    else:
        yield e, below


def constant_of(formula: Expression) -> Ratio:
    """The number that a formula is a multiple of: 1/3 of (a − b)/3, 1 of what has none."""
    quotient = Ratio(1)
    for factor, divides in _factors(formula):
        value = number(factor)
        if value is not None and isfinite(value) and value != 0:
            quotient = quotient / _as_written(value) if divides else quotient * _as_written(value)
        elif isinstance(factor, Call) and factor.operation == negate.name:
            inner = constant_of(factor.arguments[0])
            quotient = quotient / inner if divides else quotient * inner
    return quotient


def _numbers_folded(call: Call) -> Expression | None:
    """A product whose numbers are multiplied and cancelled, λ/2 · 2W = λW; None where nothing is to do.

    The number comes before the scalars that are given, and after gradients.
    """
    above: list[Expression] = []
    below: list[Expression] = []
    numbers: tuple[list[float], list[float]] = ([], [])
    late = False
    for factor, divides in _factors(call):
        value = number(factor)
        if value is None:
            (below if divides else above).append(factor)
        elif not isfinite(value) or value == 0:
            return None
        elif value != 1:
            numbers[divides].append(value)
            late = late or any(isinstance(e, Name) and e.shape == () for e in above)
    if not above or not any(numbers):
        return None
    # As they are written: 0.1 is one tenth.
    top, bottom = (prod(map(_as_written, some), start=Ratio(1)) for some in numbers)
    quotient = top / bottom
    if top.denominator == bottom.denominator == 1:
        top, bottom = Ratio(quotient.numerator), Ratio(quotient.denominator)
    elif _is_short_decimal(quotient):
        top, bottom = quotient, Ratio(1)
    left = (top != 1) + (bottom != 1)
    if len(numbers[0]) + len(numbers[1]) == left and not (late and numbers[0]):
        return None
    try:
        over, under = float(top), float(bottom)
    except OverflowError:
        return None
    if not (over and under):
        return None  # too small for a float
    number_above = [] if top == 1 else [Literal(over)]
    divisors = [*([] if bottom == 1 else [Literal(under)]), *below]
    gradients: list[Expression] = [e for e in above if isinstance(e, Adjoint) and e.shape == ()]
    scalars = [e for e in above if e.shape == () and not isinstance(e, Adjoint)]
    arrays = [e for e in above if e.shape != ()]
    if divisors and (scalars or number_above or not arrays):
        scalars = [divide(_product([*number_above, *scalars]), _product(divisors))]
    elif divisors:
        arrays = [divide(_product(arrays), _product(divisors))]
    elif scalars:
        scalars = [_product([*number_above, *scalars])]
    elif arrays:
        arrays = [_product([*number_above, _product(arrays)])]
    else:
        gradients = [*number_above, *gradients]
    return _product([*gradients, *scalars, *arrays])


def _product(factors: list[Expression]) -> Expression:
    """The factors multiplied; 1 where there are none."""
    if not factors:
        return Literal(1.0)
    product = factors[0]
    for factor in factors[1:]:
        product = multiply(product, factor)
    return product


def _as_written(value: float) -> Ratio:
    return Ratio(repr(value))


def _is_short_decimal(ratio: Ratio) -> bool:
    """Whether it has at most twelve digits after the point."""
    return bool(10**12 % ratio.denominator == 0)


def _simplify_divide(call: Call) -> Expression | None:
    a, b = call.arguments
    if number(b) == 1 and a.shape == call.shape:
        return a
    if isinstance(a, Call) and (positive := _negated(a)) is not None:
        return negate(divide(positive, b))
    return _numbers_folded(call) if b.shape == () else None


def _simplify_power(call: Call) -> Expression | None:
    a, b = call.arguments
    return a if number(b) == 1 and a.shape == call.shape else None


def _simplify_negate(call: Call) -> Expression | None:
    return _negated(call.arguments[0]) or (
        Literal(-value) if (value := number(call.arguments[0])) is not None else None
    )


add: Operation = elementwise(
    "add",
    lambda xp, a, b: a + b,
    (1, 1),
    family="arithmetic",
    words=Words(
        "the sum", "Add entry by entry.", "A sum passes its gradient on unchanged to every term."
    ),
    notation=Sum("+", "+"),
    carries=(0, 1),
    keeps_positive=True,
    sizes=lambda _: lambda xp, a, b: a + b,
    commutative=True,
    simplify=_simplify_add,
)
subtract: Operation = elementwise(
    "subtract",
    lambda xp, a, b: a - b,
    (1, -1),
    family="arithmetic",
    spellings=("sub",),
    words=Words(
        "the difference",
        "Subtract entry by entry.",
        "A difference passes its gradient on to the first term, and with the opposite sign to the second.",
    ),
    notation=Sum("-", "−"),
    carries=(0, 1),
    sizes=lambda _: lambda xp, a, b: a + b,
    simplify=_simplify_subtract,
)
multiply: Operation = elementwise(
    "multiply",
    lambda xp, a, b: a * b,
    (lambda out, a, b: b, lambda out, a, b: a),
    family="arithmetic",
    spellings=("mul",),
    words=Words(
        "the product",
        "Multiply entry by entry.",
        "In a product each factor's gradient is the incoming gradient times the other factor.",
    ),
    notation=Product(),
    carries=(0, 1),
    keeps_positive=True,
    commutative=True,
    simplify=_simplify_multiply,
)
divide: Operation = elementwise(
    "divide",
    lambda xp, a, b: a / b,
    (lambda out, a, b: 1 / b, lambda out, a, b: -(a / b**2)),
    family="arithmetic",
    spellings=("div", "true_divide"),
    words=Words(
        "the quotient",
        "Divide entry by entry.",
        "In a quotient a/b the numerator receives the gradient times 1/b, the denominator times −a/b².",
        by_argument=(
            "In a quotient a/b the numerator receives the gradient times 1/b.",
            "In a quotient a/b the denominator receives the gradient times −a/b².",
        ),
    ),
    notation=Fraction(),
    carries=(0,),
    keeps_positive=True,
    domain=(Domain(1, lambda xp, b, shapes: b != 0, "other than zero"),),
    simplify=_simplify_divide,
)
negate: Operation = elementwise(
    "negate",
    lambda xp, a: -a,
    (-1,),
    family="arithmetic",
    spellings=("neg", "negative"),
    words=Words(
        "the minus sign", "Change the sign.", "A minus sign changes the sign of the gradient."
    ),
    notation=Negation(),
    carries=(0,),
    simplify=_simplify_negate,
)


def _power_slope(out: Expression, a: Expression, b: Expression) -> Expression:
    exponent = number(b)
    if exponent is None:
        return power_slope(a, b)
    return exponent * a ** (exponent - 1)


power: Operation = elementwise(
    "power",
    lambda xp, a, b: a**b,
    (_power_slope, lambda out, a, b: scaled_log(out, a)),
    family="arithmetic",
    spellings=("pow",),
    words=Words(
        "the power",
        "Raise to the power.",
        "Power rule: bring the exponent down and lower it by one.",
    ),
    notation=Power(),
    simplify=_simplify_power,
)
power_slope: Operation = elementwise(
    "power_slope",
    lambda xp, a, b: xp.where(b == 0, 0.0, b * xp.where(b == 0, 1.0, a) ** (b - 1)),
    (None, None),
    family="helper",
    words=Words(
        "the slope of the power", "b · a^(b−1), and 0 where b is 0: the slope of a constant."
    ),
    notation=As(lambda a, b: b * a ** (b - 1)),
)

scaled_log: Operation = elementwise(
    "scaled_log",
    lambda xp, c, a: xp.where(c == 0, 0.0, c * xp.log(xp.where(c == 0, 1.0, a))),
    (None, None),
    family="helper",
    words=Words("the scaled logarithm", "c · ln a, and 0 where c is 0: entropy's 0 ln 0 = 0."),
    notation=As(lambda c, a: c * Call("log", (a,))),
    simplify=lambda call: call.arguments[0] if is_e(call.arguments[1]) else None,
)

ratio: Operation = elementwise(
    "ratio",
    lambda xp, a, b: xp.where(a == 0, 0.0, a / xp.where(a == 0, 1.0, b)),
    (None, None),
    family="helper",
    words=Words("the ratio", "a / b, and 0 where a is 0: the slope of y ln p at y = 0."),
    notation=Fraction(),
)

OPERATIONS: tuple[Operation, ...] = (
    add,
    subtract,
    multiply,
    divide,
    negate,
    power,
    power_slope,
    scaled_log,
    ratio,
)
