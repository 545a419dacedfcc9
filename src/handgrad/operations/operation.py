"""The record of an operation: everything the rest of handgrad knows of it.

A record holds the forward function, the shape rule, the domain and kinks, the
pull-backs (which return formulas, not numbers), the notation and the words. `elementwise`
builds the record of a function applied entry by entry from its local derivatives.

Cases: an array of many cases has the cases on one more axis, the last. `Signature`
says which arguments have it; an elementwise forward never needs to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any, Literal, TypeAlias

from handgrad.arrays import AnyArray, Array, Mask, Namespace
from handgrad.expression import Call, Expression, Operand, Option, Shape, literal
from handgrad.notation import Function, Notation
from handgrad.operations.words import Words
from handgrad.record import record

Options: TypeAlias = Mapping[str, Option]
Kernel: TypeAlias = Callable[..., AnyArray]
"""`kernel(xp, *arrays)`: the forward function for one signature, on arrays of namespace `xp`."""

Family: TypeAlias = Literal[
    "arithmetic",
    "elementwise",
    "activation",
    "linear",
    "matrix",
    "reduction",
    "normalisation",
    "structure",
    "loss",
    "helper",
]

Target: TypeAlias = Literal["value", "probability", "class", "sign"]


class Misfit(Exception):  # noqa: N818 - a verdict of a shape rule, turned into an error by the graph
    """Shapes or options that an operation cannot take: what is wrong, and the mend."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


@record
class Signature:
    """What an application of an operation looks like before any number is known.

    `shapes` are the arguments' shapes for one case, `out` the result's; `batched` says
    which arguments carry the axis of cases; `options` holds every option.
    """

    shapes: tuple[Shape, ...]
    out: Shape
    options: Options
    batched: tuple[bool, ...] = ()


@record
class Application:
    """An application of an operation as its pull-backs see it: formulas and shapes."""

    arguments: tuple[Expression, ...]
    out: Expression
    signature: Signature

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return self.signature.shapes

    @property
    def options(self) -> Options:
        return self.signature.options


@record
class Domain:
    """A requirement on one argument: `holds(xp, array, shapes)` entry by entry, and its words.

    `shapes` are those of all the arguments, for one case; `range` words it for them.
    `of_options` are the options that `holds` takes too; `otherwise` is what an argument is of which it
    does not hold as a whole, where no entry of it is at fault.
    """

    argument: int
    holds: Callable[..., Mask]
    words: str
    range: Callable[[Sequence[Shape]], str] | None = None
    of_options: tuple[str, ...] = ()
    otherwise: str = ""

    def met(self, xp: Namespace, array: Array, signature: Signature) -> Mask:
        """Whether it holds, entry by entry, of the argument of a call with this signature."""
        options = {name: signature.options[name] for name in self.of_options}
        return self.holds(xp, array, signature.shapes, **options)

    def said(self, shapes: Sequence[Shape]) -> str:
        """The requirement in words, of arguments of these shapes."""
        return self.words if self.range is None else self.range(shapes)


@record
class Kink:
    """Where a function has no derivative, and the value its rule takes there.

    `at(xp, *arrays, **options)` marks the entries of the first argument, or of the result (`of_result`);
    `words` state the convention.
    """

    at: Callable[..., Mask]
    words: str
    of_result: bool = False


@record
class SlidAxes:
    """What the axes of a result are of which each entry belongs to a place that a kernel slid over.

    `channel` is the axis of the channels, each of which is one unit; `examples` is how many examples lie
    along the first axis. None where there is no such axis.
    """

    channel: int | None
    examples: int | None


@record
class Fusion:
    """Two operations computed as one: `operation` names it.

    `allowed(target, shape, axis)` says of the values of argument 1 whether the one stands for the
    two (softmax + cross-entropy needs targets that add up to 1); None where it always does.
    """

    operation: str
    allowed: Callable[[Array, Shape, int], bool] | None = None


Pullback: TypeAlias = Callable[[int, Expression, Application], Expression | None]
Element: TypeAlias = Callable[[tuple[int, ...], Application], Expression | None]
Simplify: TypeAlias = Callable[[Call], Expression | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """One row of the operations table.

    Arguments:
        name: its name in the equation language.
        family: what kind of operation it is.
        arity: fewest and most arguments; None for any number.
        shape: `(shapes, options) -> shape`; raises `Misfit`.
        kernel: the forward function for a signature.
        pullback: `(i, g, application)` -> the formula of the gradient with respect to
            argument i, given the formula g of the gradient with respect to the result;
            None where no gradient flows (a class index, say).
        notation: how it is written.
        words: what is said of it.
        options: option names and defaults.
        spellings: other names of it in the equation language.
        pair: the operation that its name means with two arguments: max(a, b) is maximum(a, b).
        means: of a name for a formula of other operations, that formula of its arguments: square(a) is a².
        named: by a name that is given as options are, and whose value is a formula: the arguments with it.
        with_options: the operation that its name means where options are given: transpose(a, 0, 2, 1) is permute(a, 0, 2, 1).
        by_option: the operations that its name means with an option at a value: norm(a, ord=1) is norm1(a).
        of_formulas: what it means of its arguments where options are given as formulas, which stand by name.
        defaults_elsewhere: by library, options that are otherwise where they are left out there.
        positional: the options that numbers after the arguments give, in their order: leaky_relu(z, 0.1);
            further whole numbers are more of the last one's: reshape(W, 2, -1), sum(W, 0).
        argument_names: what PyTorch calls the arguments, by which they may be given too: conv2d(X, K, bias=b).
        heading: the option that a text before the arguments gives: einsum("ij,j->i", W, x).
        elementwise: applied entry by entry, with NumPy's broadcasting.
        compares: a loss of two arguments, entry by entry.
        commutative: f(a, b) = f(b, a).
        target: of a loss, what one of its arguments is: values, probabilities of one of two classes,
            several classes, or signs ±1.
        target_at: which argument that is.
        sizes: of one that adds up what may cancel, `(signature)` -> the kernel that adds up the sizes of
            its arguments.
        carries: the arguments whose entries it moves, scales or shifts, where the others are constants.
        keeps_positive: of positive numbers it gives positive ones.
        bounds: between which numbers the entries of its result lie.
        distribution: its result adds up to 1 along an axis.
        logarithm: its result is a logarithm.
        one_sided: next to nothing on one side and growing on the other, as a loss of a margin is.
        averages: a mean.
        slid: of one that slides its second argument over the first, `(shapes)` -> what the axes of its
            result are: an entry of it is no unit of its own.
        picks: its second argument is numbers of entries of its first; they are held to the domain where
            the value is a number all the same.
        of_vectors: the operation that it is of two vectors.
        of_libraries: the operation that a library's function or method of its name is.
        put_in: of a slope, its numbers are shown before what is made of them: no other line has them.
        gate: an activation that lets gradient through where its input is positive, and none elsewhere.
        alternatives: of a gate, the activations that are tried in its place where its units die.
        leaky_form: of a gate, the activation that is the same but for letting a little gradient through.
        leaking: of one that chooses or is flat, the formula in place of a call of it through which some
            gradient passes at all numbers, to each argument to which any passes at some.
        decided_by: of one that lets a gradient through to what a choice took, the arguments that say what that is.
        saturation: an activation of one argument with flat ends: its largest slope.
        flat: of one with flat ends, they are flat on paper too: the slope there is exactly 0.
        steep_at: of one with flat ends, the number in the middle of its steep part.
        domain, kinks: where it is defined and where it has no derivative.
        within: of one that tells which of its numbers are equal, `(signature, noise)` -> the kernel to
            which numbers are equal that differ by no more than `noise` of their size.
        element: the formula of one entry of the result in entries of the arguments.
        simplify: what a reader would write for a call of it, or None to leave it.
        fuses: by the name of the operation that feeds argument 0, the operation that
            computes both at once in a stable way.
        over_cases: the formula of this operation's sum over the cases, in the matrices whose
            columns are the cases of its arguments.
        reduces_cases: `(total, count)` -> the result, for an operation that takes many cases
            and returns one, from the sum over the cases and their number.
    """

    name: str
    family: Family
    arity: tuple[int, int | None]
    shape: Callable[[Sequence[Shape], Options], Shape]
    kernel: Callable[[Signature], Kernel]
    pullback: Pullback
    notation: Notation
    words: Words
    options: Options = field(default_factory=dict)
    spellings: tuple[str, ...] = ()
    pair: str = ""
    means: Callable[..., Expression] | None = None
    named: Mapping[str, Callable[[tuple[Expression, ...], Expression], tuple[Expression, ...]]] = (
        field(default_factory=dict)
    )
    with_options: str = ""
    by_option: Mapping[str, Mapping[float, str]] = field(default_factory=dict)
    of_formulas: Callable[..., Expression] | None = None
    defaults_elsewhere: Mapping[str, Options] = field(default_factory=dict)
    positional: tuple[str, ...] = ()
    heading: str = ""
    argument_names: tuple[str, ...] = ()
    elementwise: bool = False
    compares: bool = False
    commutative: bool = False
    target: Target | None = None
    target_at: int = 1
    sizes: Callable[[Signature], Kernel] | None = None
    carries: tuple[int, ...] = ()
    keeps_positive: bool = False
    bounds: tuple[float, float] | None = None
    distribution: bool = False
    logarithm: bool = False
    one_sided: bool = False
    averages: bool = False
    slid: Callable[[Sequence[Shape]], SlidAxes] | None = None
    picks: bool = False
    of_vectors: str = ""
    of_libraries: str = ""
    put_in: bool = False
    gate: bool = False
    alternatives: tuple[str, ...] = ()
    leaky_form: str = ""
    leaking: Callable[[Call], Expression] | None = None
    decided_by: tuple[int, ...] = ()
    saturation: float | None = None
    flat: bool = False
    steep_at: float = 0.0
    domain: tuple[Domain, ...] = ()
    kinks: tuple[Kink, ...] = ()
    within: Callable[[Signature, float], Kernel] | None = None
    element: Element | None = None
    simplify: Simplify | None = None
    fuses: Mapping[str, Fusion] = field(default_factory=dict)
    over_cases: Callable[..., Expression] | None = None
    reduces_cases: Callable[[AnyArray, int], AnyArray] | None = None

    def __call__(self, *arguments: Operand, **options: Option) -> Call:
        """The formula of this operation applied to `arguments`."""
        return Call(self.name, tuple(literal(a) for a in arguments), tuple(options.items()))

    @property
    def slides(self) -> bool:
        """Whether it slides its second argument over the first, as a convolution does."""
        return self.slid is not None

    @property
    def multiplies(self) -> bool:
        """Whether it is a product of vectors or matrices, which a convolution and an einsum are not."""
        return self.family == "linear" and not (self.slides or self.heading)

    def __repr__(self) -> str:
        return f"Operation({self.name!r})"


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape that `shapes` broadcast to, by NumPy's rule; raises `Misfit`."""
    if not shapes:
        return ()
    if shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max(map(len, shapes))
    result: list[int] = []
    for axis in range(rank):
        lengths = {s[axis - rank + len(s)] for s in shapes if axis - rank + len(s) >= 0} - {1}
        if len(lengths) > 1:
            raise Misfit(
                f"{' and '.join(describe(s) for s in shapes if s)} do not broadcast together",
                "entry by entry, the shapes must be equal or 1",
            )
        result.append(lengths.pop() if lengths else 1)
    return tuple(result)


def describe(shape: Shape) -> str:
    """A shape in words: a scalar, a vector of 3 entries, a 2×3 matrix."""
    match shape:
        case ():
            return "a scalar"
        case (n,):
            return f"a vector of {n} {'entry' if n == 1 else 'entries'}"
        case (m, n):
            return f"a {m}×{n} matrix"
        case _:
            return f"a {'×'.join(map(str, shape))} array"


MOST_NUMBERS = 2**27
"""The most numbers that an array of one case may have: 1 GiB of 64-bit floats."""


def held(shape: Shape) -> Shape:
    """`shape`, of an array that fits into memory; raises `Misfit` where it has more than `MOST_NUMBERS`."""
    if (count := prod(shape)) > MOST_NUMBERS:
        raise Misfit(
            f"this takes {describe(shape)}: {count} numbers",
            f"an array may have at most {MOST_NUMBERS}",
        )
    return shape


def same_entry(index: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """The entry of a broadcast argument of `shape` that meets entry `index` of the result."""
    aligned = index[len(index) - len(shape) :]
    return tuple(0 if length == 1 else i for i, length in zip(aligned, shape, strict=True))


def reduced_to(g: Expression, shape: Shape, out: Shape) -> Expression:
    """`g`, of shape `out`, summed over the axes along which an argument of `shape` was repeated."""
    return g if shape == out else Call("sum_to", (g,), (("shape", shape),))


Derivative: TypeAlias = Callable[..., "Expression | float"] | float


def elementwise(  # noqa: PLR0913 - what a record is made of
    name: str,
    forward: Callable[..., AnyArray],
    derivatives: Sequence[Derivative | None],
    *,
    words: Words,
    family: Family = "elementwise",
    notation: Notation | None = None,
    options: Options | None = None,
    fitting: Callable[[Options], None] | None = None,
    **fields: Any,
) -> Operation:
    """The record of a function applied entry by entry.

    Arguments:
        name: its name in the language of equations.
        forward: `forward(xp, *arrays, **options)`.
        derivatives: for each argument, `derivative(out, *arguments, **options)`: the
            formula of the local derivative, or a number that it is everywhere; None where no
            gradient flows.
        words: what is said of it.
        family: what kind of operation it is.
        notation: how it is written; its name as a function by default.
        options: option names and defaults.
        fitting: raises `Misfit` for options that it cannot take; by default for those that are no numbers.
        fields: further fields of the record.
    """

    def shape(shapes: Sequence[Shape], given: Options) -> Shape:
        (fitting or require_numbers)(given)
        return broadcast(shapes)

    def kernel(signature: Signature) -> Kernel:
        given = dict(signature.options)
        return (lambda xp, *arrays: forward(xp, *arrays, **given)) if given else forward

    def pullback(i: int, g: Expression, a: Application) -> Expression | None:
        derivative = derivatives[i]
        if derivative is None:
            return None
        if isinstance(derivative, int | float):
            return reduced_to(g * derivative, a.shapes[i], a.signature.out)
        local = derivative(a.out, *a.arguments, **a.options)
        return reduced_to(g * local, a.shapes[i], a.signature.out)

    def element(index: tuple[int, ...], a: Application) -> Expression:
        arguments = tuple(
            e.entry(same_entry(index, s)) for e, s in zip(a.arguments, a.shapes, strict=True)
        )
        return Call(name, arguments, tuple(a.options.items()))

    return Operation(
        name=name,
        family=family,
        arity=(len(derivatives), len(derivatives)),
        shape=shape,
        kernel=kernel,
        pullback=pullback,
        element=element,
        notation=notation or Function(name, rf"\operatorname{{{name}}}"),
        words=words,
        options=options or {},
        elementwise=True,
        **fields,
    )


def require_numbers(options: Options) -> None:
    """Raises `Misfit` for an option that is not a finite number."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise Misfit(f"{name} must be a number")


def normal_axes(axis: Option, rank: int) -> tuple[int, ...]:
    """The axes an `axis=` option names, counted from 0; None names them all. Raises `Misfit`."""
    if axis is None:
        return tuple(range(rank))
    if not isinstance(axis, int | tuple) or isinstance(axis, bool):
        raise Misfit("axis must be a whole number", "write axis=0 or axis=1")
    axes = axis if isinstance(axis, tuple) else (axis,)
    kinds = ("a scalar", "a vector", "a matrix")
    for a in axes:
        if not isinstance(a, int) or not -rank <= a < rank:
            raise Misfit(
                f"axis={a} is out of range for {kinds[rank] if rank < len(kinds) else 'this array'}",
                f"axes run from 0 to {rank - 1}" if rank else "a scalar has no axis",
            )
    found = {int(a) % rank for a in axes if isinstance(a, int)}
    if len(found) < len(axes):
        raise Misfit(f"axis={axis} names an axis twice")
    return tuple(sorted(found))
