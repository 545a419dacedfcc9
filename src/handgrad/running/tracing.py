"""A plan's array calls, written down as they are made: the plan runs once on traced arrays.

The kernels of the table are the only rules here. A traced array records what is done with it
instead of doing it, so the straight-line program of a plan follows from the plan itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from handgrad.arrays import is_large
from handgrad.operations.matrices import determinants, inverted
from handgrad.record import record

REDUCTIONS = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply"}
"""What a reduction does with two entries, again and again."""

Operand: TypeAlias = "Reference | float | int | bool"


@record
class Reference:
    """The result of an instruction, an input, or a constant array, by its number."""

    number: int


@record
class Instruction:
    """number = function(*arguments, **keywords); `view` where the result shares its first argument's memory."""

    number: int
    function: str
    arguments: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]
    shape: tuple[int, ...]
    boolean: bool
    view: bool = False


def references(arguments: Iterable[Any]) -> list[int]:
    """The numbers of what the arguments of an instruction refer to."""
    found: list[int] = []
    for argument in arguments:
        if isinstance(argument, Reference):
            found.append(argument.number)
        elif isinstance(argument, tuple):
            found += references(argument)
    return found


@dataclass
class Recorder:
    """Collects instructions; the same call of the same arguments is recorded once."""

    instructions: list[Instruction] = field(default_factory=list)
    constants: dict[int, Any] = field(default_factory=dict)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    made: dict[Any, Traced] = field(default_factory=dict)
    by_number: dict[int, Instruction] = field(default_factory=dict)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def input(self, sample: Any) -> Traced:
        """An array that is given when the program runs."""
        return self.new(sample)

    def new(self, sample: Any) -> Traced:
        """An array under the next number."""
        return Traced(self, self.next(np.shape(sample)), sample)

    def next(self, shape: tuple[int, ...]) -> int:
        """The next number, for a value of this shape."""
        number = len(self.shapes)
        self.shapes[number] = shape
        return number

    def constant(self, value: Any) -> Traced:
        """An array known now."""
        traced = self.new(value)
        self.constants[traced.number] = value
        return traced

    def call(
        self,
        function: str,
        run: Callable[..., Any],
        *arguments: Any,
        view: bool = False,
        **keywords: Any,
    ) -> Any:
        """Records one call; its shape is that of the same call on the arguments' samples."""
        simpler = self._simpler(function, arguments)
        if simpler is not None:
            return simpler
        references = tuple(_reference(a) for a in arguments)
        key = (function, references, tuple(sorted(keywords.items(), key=str)))
        # Zeros are made to be written into: each their own.
        found = None if function == "zeros" else self.made.get(key)
        if found is not None:
            return found
        with np.errstate(all="ignore"):
            sample = run(*[_sample(a) for a in arguments], **keywords)
        traced = self.new(np.asarray(sample))
        instruction = Instruction(
            traced.number,
            function,
            references,
            tuple(keywords.items()),
            traced.shape,
            traced.sample.dtype == bool,
            view,
        )
        self.instructions.append(instruction)
        self.by_number[traced.number] = instruction
        self.made[key] = traced
        return traced

    def _simpler(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """The same value by a cheaper call, where there is one."""
        match function, arguments:
            case "where", (Traced() as chosen, Traced() as a, float(zero)) if (
                zero == 0 and self._is_positive(chosen, a)
            ):
                return self.call("maximum", np.maximum, a, 0.0)
            case "power", (Traced() as a, float(exponent)) if exponent == 2:
                return self.call("square", np.square, a)
            case "multiply", (Traced() as a, Traced() as b):
                for one, other in ((a, b), (b, a)):
                    gate = self._indicator(other)
                    if gate is not None and not one.boolean:
                        return self.call("multiply", np.multiply, one, gate)
        return None

    def _is_positive(self, chosen: Traced, a: Traced) -> bool:
        made = self.by_number.get(chosen.number)
        return (
            made is not None
            and made.function == "greater"
            and made.arguments == (Reference(a.number), 0)
        )

    def _indicator(self, a: Traced) -> Traced | None:
        """The condition of where(condition, 1, 0): a product with it needs no ones and zeros."""
        made = self.by_number.get(a.number)
        if made is None or made.function != "where" or made.arguments[1:] != (1.0, 0.0):
            return None
        number = made.arguments[0].number
        condition = self.by_number[number]
        return Traced(self, number, np.ones(condition.shape, dtype=bool))


def _reference(value: Any) -> Any:
    if isinstance(value, Traced):
        return Reference(value.number)
    if isinstance(value, np.generic):
        return value.item()
    return tuple(_reference(v) for v in value) if isinstance(value, tuple | list) else value


def _sample(value: Any) -> Any:
    if isinstance(value, Traced):
        return value.sample
    return tuple(_sample(v) for v in value) if isinstance(value, tuple | list) else value


class Traced:
    """An array of which only the shape and type are known; what is done with it is recorded."""

    __array_ufunc__ = None
    __slots__ = ("number", "recorder", "sample")

    def __init__(self, recorder: Recorder, number: int, sample: Any) -> None:
        self.recorder = recorder
        self.number = number
        self.sample = np.asarray(sample)

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.sample.shape
        return shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        return self.sample.dtype

    @property
    def boolean(self) -> bool:
        return bool(self.sample.dtype == bool)

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name for it
        return self.recorder.call("transpose", np.transpose, self, view=True)

    def __getitem__(self, at: Any) -> Any:
        whole = at if isinstance(at, tuple) else (at,)
        return self.recorder.call(
            "getitem", lambda a, at: a[whole], self, view=True, at=_Index(whole)
        )

    def __setitem__(self, at: Any, value: Any) -> None:
        whole = at if isinstance(at, tuple) else (at,)
        placed = self.recorder.call("place", lambda a, b, at: a, self, value, at=_Index(whole))
        self.number = placed.number


@dataclass(frozen=True)
class _Index:
    """An index that can be compared, and spelled in code."""

    at: tuple[Any, ...]

    def __hash__(self) -> int:
        return hash(str(self.at))

    def __repr__(self) -> str:
        return ", ".join(_spelled(i) for i in self.at)


def _spelled(index: Any) -> str:
    if index is Ellipsis:
        return "..."
    if isinstance(index, slice):
        bounds = ["" if b is None else str(b) for b in (index.start, index.stop)]
        return ":".join([*bounds, str(index.step)] if index.step not in (None, 1) else bounds)
    return str(index)


UNARY = {"__neg__": "negative", "__abs__": "absolute", "__invert__": "logical_not"}
BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "matmul": "matmul",
    "and": "logical_and",
    "or": "logical_or",
}
COMPARISONS = {
    "__gt__": "greater",
    "__ge__": "greater_equal",
    "__lt__": "less",
    "__le__": "less_equal",
    "__eq__": "equal",
    "__ne__": "not_equal",
}


def _method(name: str, reflected: bool = False) -> Callable[..., Any]:
    function = getattr(np, name)

    def method(self: Traced, *others: Any) -> Any:
        arguments = (*others, self) if reflected else (self, *others)
        return self.recorder.call(name, function, *arguments)

    return method


for _dunder, _name in (*UNARY.items(), *COMPARISONS.items()):
    setattr(Traced, _dunder, _method(_name))
for _short, _name in BINARY.items():
    setattr(Traced, f"__{_short}__", _method(_name))
    setattr(Traced, f"__r{_short}__", _method(_name, reflected=True))


def traced(
    plan: Callable[..., Mapping[Any, Any]], inputs: Mapping[str, Any], outputs: Iterable[Any]
) -> tuple[Recorder, dict[str, Traced], list[Traced]]:
    """The recorder of one run of a plan on arrays like `inputs`; these by name, and the outputs."""
    recorder = Recorder()
    given = {name: recorder.input(np.ones_like(value)) for name, value in inputs.items()}
    results = plan(given, TracingNamespace(recorder))
    wanted = [
        r if isinstance(r := results[leaf], Traced) else recorder.constant(np.asarray(r))
        for leaf in outputs
    ]
    # What was traced and its recorder hold each other: arrays as large as a block would stay until a
    # cycle is looked for.
    recorder.made.clear()
    return recorder, given, wanted


class TracingNamespace:
    """NumPy's functions, recorded. What NumPy lacks, a kernel finds lacking here too."""

    VIEWS = frozenset(["expand_dims", "squeeze", "reshape", "broadcast_to", "permute_dims"])

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        if isinstance(function, type) or not callable(function):
            return function
        recorder = self._recorder

        def recorded(*arguments: Any, **keywords: Any) -> Any:
            if isinstance(keywords.get("axis"), int) and name in REDUCTIONS:
                keywords["axis"] = (keywords["axis"] % arguments[0].ndim,)
            if name == "einsum" and is_large(arguments[0], arguments[1:]):
                keywords["optimize"] = True
            return recorder.call(
                {"abs": "absolute"}.get(name, name),
                function,
                *arguments,
                view=name in self.VIEWS,
                **keywords,
            )

        return recorded

    def asarray(self, value: Any) -> Any:
        """An array as it is; one known now as a constant."""
        return value if isinstance(value, Traced) else self._recorder.constant(np.asarray(value))

    def vectorize(self, function: Callable[..., Any], otypes: Any = None) -> Any:
        """A function of single numbers, applied entry by entry."""
        name = f"each_{function.__name__}"
        whole = np.vectorize(function, otypes=otypes)
        self._recorder.functions[name] = whole
        return lambda *arguments: self._recorder.call(name, whole, *arguments)

    def inverse(self, a: Any) -> Any:
        """The inverses of matrices, by NumPy."""
        return self._linalg("linalg_inv", inverted, a)

    def determinant(self, a: Any) -> Any:
        """The determinants of matrices, by NumPy."""
        return self._linalg("linalg_det", determinants, a)

    def _linalg(self, name: str, function: Callable[..., Any], a: Any) -> Any:
        self._recorder.functions[name] = function
        return self._recorder.call(name, function, a)

    def tensordot(self, a: Any, b: Any, axes: Any) -> Any:
        """The product over the last axis of a matrix and the first of another array."""
        if axes == 1 and a.ndim == 2 and b.ndim == 2:
            return self._recorder.call("matmul", np.matmul, a, b)
        return self._recorder.call("tensordot", np.tensordot, a, b, axes=axes)

    def permute_dims(self, a: Any, axes: tuple[int, ...]) -> Any:
        """The axes in another order."""
        if axes == tuple(reversed(range(a.ndim))):
            return a.T
        return self._recorder.call("permute_dims", np.permute_dims, a, axes, view=True)

    def mean(self, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """A sum divided by its count."""
        total = self.sum(a, axis=axis, keepdims=keepdims)
        axes = range(a.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        return total / float(np.prod([a.shape[k] for k in axes]))
