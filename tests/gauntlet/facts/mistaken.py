"""The wrong rules by what they do to a formula, told from the right formula and the wrong one alone.

A rule takes one part of a formula for another. Whatever part `n` that is, putting `x` in its place has to
give the wrong formula from the right one, and `n` and `x` have to stand to each other as the rule's name says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, substitute
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.rectifiers import Rectifying


@dataclass(frozen=True)
class About:
    """What a problem has that a rule may be about.

    Arguments:
        target: what is computed.
        parameters, data: the names of what is given; `scalars` those of single numbers among the data.
        activations: by an activation's value, what it is applied to.
        rates: the names of learning rates in formulas: all there may be.
        settings: by setting of the update, its name in formulas.
        penalties: the equations that are a sum with a term of parameters and single numbers alone.
        inner: single numbers, given or parameters, that a term in the argument of a function has as a factor.
    """

    target: Expression
    parameters: frozenset[str]
    data: frozenset[str]
    scalars: frozenset[str]
    activations: Mapping[str, Expression]
    rates: frozenset[Expression]
    settings: Mapping[str, Expression]
    penalties: frozenset[str] = frozenset()
    inner: frozenset[Expression] = frozenset()


def parts(formula: Expression) -> Iterator[Expression]:
    """A formula and all that stands in it."""
    yield formula
    if isinstance(formula, Call):
        for argument in formula.arguments:
            yield from parts(argument)


def replacing(right: Expression, wrong: Expression) -> Iterator[tuple[Expression, Expression]]:
    """The parts of a formula that something was put in the place of, each with what: as far as that explains all."""
    for part in dict.fromkeys(parts(right)):
        found: list[Expression] = []
        if _unified(right, wrong, part, found) and found and all(x == found[0] for x in found):
            yield part, found[0]


def _unified(
    right: Expression, wrong: Expression, part: Expression, found: list[Expression]
) -> bool:
    if right == part:
        found.append(wrong)
        return True
    if isinstance(right, Call) and isinstance(wrong, Call):
        alike = right.operation == wrong.operation and right.options == wrong.options
        if not alike or len(right.arguments) != len(wrong.arguments):
            return False
        pairs = zip(right.arguments, wrong.arguments, strict=True)
        return all(_unified(a, b, part, found) for a, b in pairs)
    return right == wrong


def explains(rule: str, rights: Iterable[Expression], wrong: Expression, about: About) -> bool:
    """Whether a rule leads from one of the right formulas to the wrong one."""
    return any(
        RULES[rule](n, x, about) for right in rights for n, x in replacing(right, wrong)
    ) or (rule == "result_transposed" and wrong in rights)


# -- what stands in formulas ----------------------------------------------------------------------


def _is(formula: Expression, *operations: str) -> bool:
    return isinstance(formula, Call) and formula.operation in operations


def _arguments(formula: Expression) -> tuple[Expression, ...]:
    return formula.arguments if isinstance(formula, Call) else ()


def _number(formula: Expression) -> float | None:
    value = formula.value if isinstance(formula, Literal) else None
    return float(value) if isinstance(value, int | float) else None


def _carries(formula: Expression) -> bool:
    return any(isinstance(leaf, Adjoint) for leaf in terms.leaves_of(formula))


def _names(formula: Expression) -> set[str]:
    return {leaf.name for leaf in terms.leaves_of(formula)}


# A leaky ReLU lets gradient through everywhere: it has slopes, and is no gate.
GATES = frozenset(["step", "greater", "greater_equal", "less", "less_equal", "larger"])
GATES_OF = frozenset(["relu", "leaky_relu", "maximum", "minimum", "abs", "where"])


def _gated(formula: Expression) -> bool:
    """Whether a factor is 0 or 1 by a gate: hard swish has slopes, of which 1[z ≥ 3] is but a term."""
    if _is(formula, "multiply"):
        return any(_gated(factor) for factor in _arguments(formula))
    return _is(formula, *GATES)


def _dropped(n: Expression, x: Expression, *operations: str) -> list[Expression]:
    """What is left out where one of the two arguments stands for both."""
    if not _is(n, *operations) or len(_arguments(n)) != 2:
        return []
    a, b = _arguments(n)
    return [b] * (x == a) + [a] * (x == b)


def _constant(formula: Expression, about: About) -> bool:
    return all(
        isinstance(leaf, Name) and leaf.name in about.scalars for leaf in terms.leaves_of(formula)
    )


def _swapped(n: Expression, x: Expression, *operations: str) -> bool:
    if not (_is(n, *operations) and _is(x, *operations)):
        return False
    return _arguments(x) == tuple(reversed(_arguments(n)))


def _times(x: Expression, n: Expression, *factors: float) -> bool:
    """Whether `x` is `n` multiplied by one of the numbers; by any over 1 where none is given."""
    if not _is(x, "multiply"):
        return False
    for factor, rest in (_arguments(x), _arguments(x)[::-1]):
        number = _number(factor)
        if rest == n and number is not None:
            return number in factors if factors else number > 1 and number == int(number)
    return False


def _divided(x: Expression, n: Expression) -> bool:
    number = _number(_arguments(x)[1]) if _is(x, "divide") else None
    return number is not None and number > 1 and number == int(number) and _arguments(x)[0] == n


def _one_leaf(n: Expression, x: Expression) -> bool:
    """Whether two formulas are the same but for one of the names."""
    leaf = Name | Adjoint
    return any(isinstance(a, leaf) and isinstance(b, leaf) and a != b for a, b in replacing(n, x))


# -- the rules ------------------------------------------------------------------------------------

Meaning: TypeAlias = Callable[[Expression, Expression, About], bool]


def _slope_left_out(gate: bool) -> Meaning:
    def meaning(n: Expression, x: Expression, about: About) -> bool:
        return any(
            _carries(x) and not _carries(d) and terms.leaves_of(d) and _gated(d) == gate
            for d in _dropped(n, x, "multiply")
        )

    return meaning


def _elsewhere(gate: bool) -> Meaning:
    def meaning(n: Expression, x: Expression, about: About) -> bool:
        if not (_is(n, "multiply") and _is(x, "multiply")):
            return False
        pairs = [(a, b) for a in (_arguments(n), _arguments(n)[::-1]) for b in [_arguments(x)]]
        return _gated(n) == gate and any(
            (kept == same and _one_leaf(taken, other)) or (taken == other and _one_leaf(kept, same))
            for (kept, taken), (same, other) in pairs
        )

    return meaning


def _wrong_side(gate: bool) -> Meaning:
    def meaning(n: Expression, x: Expression, about: About) -> bool:
        inside = [a for a in _arguments(x) if _is(a, "multiply")]
        slopes = [s for s in _arguments(n) if not _carries(s)]
        return (
            _is(n, "multiply")
            and _is(x, "matmul")
            and any(s in _arguments(a) and _gated(s) == gate for a in inside for s in slopes)
        )

    return meaning


def _softmax_diagonal(n: Expression, x: Expression, about: About) -> bool:
    if not (_is(n, "multiply") and _is(x, "multiply")):
        return False
    for p, rest in (_arguments(n), _arguments(n)[::-1]):
        if _is(rest, "subtract"):
            g = _arguments(rest)[0]
            return x == Call("multiply", (g, Call("multiply", (p, 1 - p))))
    return False


def _before_gate(n: Expression, x: Expression, about: About) -> bool:
    if not (isinstance(n, Adjoint) and isinstance(x, Adjoint)):
        return False
    return about.activations.get(x.name) == Name(n.name)


def _preactivation(n: Expression, x: Expression, about: About) -> bool:
    return isinstance(n, Name) and about.activations.get(n.name) == x


def _along_other_axis(n: Expression, x: Expression) -> bool:
    """Whether a vector is repeated along one axis of a square matrix for the other."""
    match n, x:
        case Call("fill", (of,)), Call("fill", (same,)):
            lengths, axes = set(n.shape or ()), {n.option("axis"), x.option("axis")}
            return of == same and len(lengths) == 1 and axes == {0, 1}
        case _:
            return False


def _transpose(n: Expression, x: Expression, taken: bool) -> bool:
    """Whether one factor of a product of matrices has its transpose taken, or left out, as that of a term may be."""
    if not taken and n == x.T:
        return True
    if not (_is(n, "matmul") and _is(x, "matmul")):
        return False
    pairs = [p for p in zip(_arguments(n), _arguments(x), strict=True) if p[0] != p[1]]
    if len(pairs) != 1:
        return False
    a, b = pairs[0]
    return (b == a.T) if taken else (a == b.T)


def _by_gradient(n: Expression, x: Expression, about: About) -> bool:
    return _is(n, "multiply") and any(_is(p, *GATES) and _carries(p) for p in parts(x))


def _inner(n: Expression, x: Expression, about: About) -> bool:
    left = _dropped(n, x, "multiply")
    left += [_arguments(n)[1]] if _is(n, "divide") and _arguments(n)[0] == x else []
    return any(_constant(d, about) or d in about.inner for d in left)


def _softmax_axis(n: Expression, x: Expression, about: About) -> bool:
    z = _arguments(n)
    if not _is(n, "softmax"):
        return False
    if _is(x, "softmax"):
        return _arguments(x) == z and x != n
    e = Call("exp", z)
    return x == Call("divide", (e, Call("sum_over_cases", (e,))))


def _reduced_otherwise(n: Expression, x: Expression, about: About) -> bool:
    whole = _arguments(x)[0] if _is(x, "divide") else x
    reductions = ("sum", "mean", "sum_to", "mean_over_cases", "sum_over_cases")
    return _is(n, *reductions) and _is(whole, *reductions) and _arguments(whole) == _arguments(n)


def _mean_forgotten(n: Expression, x: Expression, about: About) -> bool:
    if _is(n, "mean_over_cases") and x == Call("sum_over_cases", _arguments(n)):
        return True
    return _divided(n, x) or _times(x, n)


def _sum_taken_as_mean(n: Expression, x: Expression, about: About) -> bool:
    if _is(n, "sum_over_cases") and x == Call("mean_over_cases", _arguments(n)):
        return True
    return _divided(x, n)


def _penalty(meaning: Callable[[Expression, Expression], bool]) -> Meaning:
    """Of a term that is made of parameters and constants."""

    def of(n: Expression, x: Expression, about: About) -> bool:
        known = about.parameters | about.scalars
        spelled = not _carries(n) and bool(_names(n) & about.parameters) and _names(n) <= known
        share = isinstance(n, Adjoint) and n.through in about.penalties
        return (spelled or share) and meaning(n, x)

    return of


def _plain_step(n: Expression, x: Expression, about: About) -> bool:
    if not isinstance(about.target, Name):
        return False
    given = (Adjoint(about.target.name), Name(f"g_{about.target.name}"))
    steps = (Call("multiply", (rate, g)) for rate in about.rates for g in given)
    return any(x == Call("subtract", (about.target, step)) for step in steps)


def _kept(formula: Expression, about: About) -> bool:
    """Whether it is the parameter that is updated, or what decay leaves of it."""
    return about.target in (formula, *(_arguments(formula)[:1] if _is(formula, "subtract") else ()))


def _clipping(n: Expression, x: Expression, about: About) -> bool:
    if _is(n, "maximum") and _is(_arguments(n)[0], "minimum"):
        return bool(_arguments(_arguments(n)[0])[0] == x)
    return about.settings["factor"] in _dropped(n, x, "multiply")


def _without(setting: str) -> Meaning:
    """Of a term with a setting of the update in it that is left out."""

    def of(n: Expression, x: Expression, about: About) -> bool:
        terms_ = _dropped(n, x, "add")
        if _is(n, "subtract") and _arguments(n)[0] == x:
            terms_ = [_arguments(n)[1]]
        return any(about.settings[setting] in parts(term) for term in terms_)

    return of


def _uncorrected(n: Expression, x: Expression, about: About) -> bool:
    """Some of m̂ and v̂ as m and v after the update."""
    hats = {p.name for p in parts(n) if isinstance(p, Name) and p.name[1:5] == "hat_"}
    pairs: list[tuple[Expression, Expression]] = [
        (Name(hat), Name(f"{hat[0]}{hat[4:]}′")) for hat in sorted(hats)
    ]
    some = (dict(c) for size in (1, 2) for c in combinations(pairs, size))
    return any(x == substitute(n, raw.get) for raw in some)


def _other_label(n: Expression, x: Expression, about: About) -> bool:
    pairs = [p for p in zip(_arguments(n), _arguments(x), strict=False) if p[0] != p[1]]
    return _is(n, "bce") and _is(x, "bce") and len(pairs) == 1 and pairs[0][1] == 1 - pairs[0][0]


def _target_minus(n: Expression, x: Expression, about: About) -> bool:
    b = _names(_arguments(n)[1]) if _is(n, "subtract") else set()
    return _swapped(n, x, "subtract") and bool(b) and b <= about.data


def _term_left_out(n: Expression, x: Expression, about: About) -> bool:
    if _dropped(n, x, "add"):
        return True
    if _is(n, "subtract"):
        first, last = _arguments(n)
        while True:
            if x in (first, -last):
                return True
            if not _is(first, "subtract"):
                break
            first = _arguments(first)[0]
    # Of softmax's p ⊙ (g − Σ g ⊙ p), the sum.
    return (
        _is(n, "multiply")
        and _is(x, "multiply")
        and any(
            _is(rest, "subtract")
            and x == Call("multiply", (p, _arguments(rest)[0]))
            for p, rest in (_arguments(n), _arguments(n)[::-1])
        )
    )  # fmt: skip


def _open_at_zero(n: Expression, x: Expression, about: About) -> bool:
    zero = Literal(0.0)
    two = (*_arguments(n), zero)
    return _is(n, "step") and _is(x, "greater_equal", "larger") and _arguments(x) == two


def _first(formula: Expression) -> bool:
    return isinstance(formula, Call) and bool(formula.option("first"))


def _to_first(n: Expression) -> Expression:
    """The shares of entries that tie where the first of them has all."""
    assert isinstance(n, Call)
    options = tuple((k, v) for k, v in n.options if k != "first")
    return Call(n.operation, n.arguments, (*options, ("first", True)))


def _tie_decided(n: Expression, x: Expression, about: About) -> bool:
    if _is(n, "larger"):
        return _is(x, "greater", "greater_equal") and _arguments(x) == _arguments(n)
    shares = _is(n, "attained", "max_pool1d_to_array", "max_pool2d_to_array")
    if not shares or _first(n):
        return False
    return x == _to_first(n) or (_is(n, "attained") and x == Call("step", (n,)))


COMPARED = {"greater_equal": "greater", "less_equal": "less"}
"""By comparison that holds of equals, the one that does not."""


def _equal_left_out(n: Expression, x: Expression, about: About) -> bool:
    if not _is(n, *COMPARED):
        return False
    if _is(x, "attained") and _first(x):
        return _arguments(x) in (_arguments(n), _arguments(n)[::-1])
    return any(_is(n, a) and _is(x, b) for a, b in COMPARED.items()) and (
        _arguments(x) == _arguments(n)
    )


def _equal_counted(n: Expression, x: Expression, about: About) -> bool:
    return any(_is(n, b) and _is(x, a) for a, b in COMPARED.items()) and (
        _arguments(x) == _arguments(n)
    )


LOG_10 = float(np.log10(np.e))

OF_EACH_CASE = ("mean_not_taken", "sum_not_taken")
"""Rules by which there is a number for each case, where there should be one for all."""

RULES: Mapping[str, Meaning] = {
    "gate_forgotten": _slope_left_out(gate=True),
    "slope_forgotten": _slope_left_out(gate=False),
    "before_gate": _before_gate,
    "slope_on_shortcut": lambda n, x, about: x != n and n in parts(x),
    "softmax_diagonal": _softmax_diagonal,
    "target_minus_prediction": _target_minus,
    "transpose_forgotten": lambda n, x, about: _transpose(n, x, taken=False),
    "broadcast_axis": lambda n, x, about: _along_other_axis(n, x),
    "outer_transposed": lambda n, x, about: _swapped(n, x, "outer"),
    "product_reversed": lambda n, x, about: _swapped(n, x, "matmul"),
    "transposed": lambda n, x, about: _transpose(n, x, taken=True),
    "preactivation_used": _preactivation,
    "activation_forgotten": lambda n, x, about: (
        ((len(_arguments(n)) == 1 or _is(n, "prelu", "masked_softmax")) and _arguments(n)[0] == x)
        or Rectifying({}, (), "").of(n) == Call("relu", (x,), shape=getattr(n, "shape", None))
    ),
    "sigmoid_for_softmax": lambda n, x, about: (
        _is(n, "softmax") and x == Call("sigmoid", _arguments(n))
    ),
    "softmax_axis": _softmax_axis,
    "mask_forgotten": lambda n, x, about: (
        _is(n, "masked_softmax") and _is(x, "softmax") and _arguments(x)[0] == _arguments(n)[0]
    ),
    "limits_forgotten": lambda n, x, about: _is(n, "clip") and _arguments(n)[0] == x,
    "gate_of_another_layer": _elsewhere(gate=True),
    "slope_of_another_layer": _elsewhere(gate=False),
    "gate_on_wrong_side": _wrong_side(gate=True),
    "slope_on_wrong_side": _wrong_side(gate=False),
    "gate_by_gradient": _by_gradient,
    "gate_inverted": lambda n, x, about: _is(n, *GATES) and x == 1 - n,
    "open_at_zero": _open_at_zero,
    "tie_decided": _tie_decided,
    "equal_left_out": _equal_left_out,
    "equal_counted": _equal_counted,
    "choice_left_out": lambda n, x, about: (
        _is(n, "maximum", "minimum", "where") and x in _arguments(n)[-2:] and _number(x) is None
    ),
    "updated_used": lambda n, x, about: (
        isinstance(n, Name) and n.name in about.parameters and Adjoint(n.name) in parts(x)
    ),
    "penalty_left_out": _penalty(lambda n, x: _number(x) == 0),
    "penalty_half": _penalty(lambda n, x: _times(x, n, 2)),
    "penalty_two": _penalty(lambda n, x: _times(x, n, 0.5)),
    "penalty_factor": _penalty(lambda n, x: _names(x) <= _names(n)),
    "path_left_out": lambda n, x, about: any(_carries(d) for d in _dropped(n, x, "add")),
    "bias_forgotten": lambda n, x, about: any(isinstance(d, Name) for d in _dropped(n, x, "add")),
    "wrong_axis": _reduced_otherwise,
    "inner_factor_forgotten": _inner,
    "mean_forgotten": _mean_forgotten,
    "mean_for_sum": _sum_taken_as_mean,
    "mean_not_taken": lambda n, x, about: _is(n, "mean_over_cases") and _arguments(n)[0] == x,
    "sum_not_taken": lambda n, x, about: _is(n, "sum_over_cases") and _arguments(n)[0] == x,
    "sum_forgotten": lambda n, x, about: _is(x, "index") and _arguments(x) == _arguments(n),
    "rate_forgotten": lambda n, x, about: any(d in about.rates for d in _dropped(n, x, "multiply")),
    "update_sign": lambda n, x, about: (
        _is(n, "subtract") and x == Call("add", _arguments(n)) and _kept(_arguments(n)[0], about)
    ),
    "rate_of_another": lambda n, x, about: n != x and {n, x} <= about.rates,
    "clipping_forgotten": _clipping,
    "decay_forgotten": _without("weight_decay"),
    "velocity_forgotten": _without("momentum"),
    "bias_correction_forgotten": _uncorrected,
    "sign_forgotten": lambda n, x, about: _is(n, "sign") and _arguments(n)[0] == x,
    "plain_step": _plain_step,
    "factor_two": lambda n, x, about: (
        _times(x, n, 2) or any(_number(d) == 0.5 for d in _dropped(n, x, "multiply"))
    ),
    "factor_half": lambda n, x, about: (
        _times(x, n, 0.5) or any(_number(d) == 2 for d in _dropped(n, x, "multiply"))
    ),
    "other_label": _other_label,
    "logarithm_to_base_10": lambda n, x, about: (
        _is(x, "multiply")
        and _arguments(x)[1] == n
        and abs((_number(_arguments(x)[0]) or 0) - LOG_10) < 1e-12
    ),
    "parameter_forgotten": lambda n, x, about: (
        _is(n, "subtract") and x == -_arguments(n)[1] and _kept(_arguments(n)[0], about)
    ),
    "sign_lost": lambda n, x, about: x == -n or n == -x,
    "sign_within": lambda n, x, about: x == -n or n == -x,
    "difference_reversed": lambda n, x, about: _swapped(n, x, "subtract"),
    "square_forgotten": lambda n, x, about: (
        _is(n, "power") and _arguments(n)[0] == x and _number(_arguments(n)[1]) == 2
    ),
    "term_left_out": _term_left_out,
    "sign_of_term": lambda n, x, about: _is(n, "add") and x == Call("subtract", _arguments(n)),
    "factor_left_out": lambda n, x, about: (
        bool(_dropped(n, x, "multiply")) or (_is(n, "divide") and _arguments(n)[0] == x)
    ),
    "another_taken": lambda n, x, about: (
        isinstance(n, Name | Adjoint) and isinstance(x, type(n)) and x != n
    ),
    "result_transposed": lambda n, x, about: x == n.T,
}
"""By rule, whether putting one part for another is what its name says."""
