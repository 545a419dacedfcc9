"""A problem file computed by PyTorch from the text of its equations, for judges.

Nothing here imports handgrad: the file is read by `tomllib`, its equations by Python's own `ast`, and values
and gradients are PyTorch's in float64. What the documents promise beyond PyTorch is done in its numbers:

- Windows of a max-pooling that tie share the gradient equally, unless they give it to the first.
- What is 0 on paper is 0: where a sum leaves no more than a residue of its rounding (0.1 · 3 − 0.3 leaves
  5.6·10⁻¹⁷), it is 0, and numbers that differ by no more than that tie. `Oracle(text, paper=False)` leaves
  the floats as a program has them, and `rounding` draws what the same sums leave in another order, or with
  products that are not rounded (as a processor's fused multiplication has them).
"""

from __future__ import annotations

import ast
import math
import operator
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from numpy.typing import NDArray
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

from tests.gauntlet.blocks import has_blocks, written_out
from tests.gauntlet.library_names import Plain
from tests.gauntlet.sliding import windows
from tests.oracle import TORCH

Array = NDArray[np.float64]
Tensor = Any

EPSILON = float(np.finfo(float).eps)
REST = 64 * EPSILON
"""What rounding may leave of a sum, for each unit of the sum of its terms' sizes."""

LOSSES = (
    "mse",
    "bce",
    "bce_with_logits",
    "cross_entropy",
    "hinge",
    "huber",
    "mae",
    "smooth_l1",
    "nll",
    "kl_div",
)
"""Functions of a prediction and a target."""

CONSTANTS = frozenset(["e", "pi", "π"])
"""Names of numbers, where the problem itself has none of that name."""

SPELLINGS = {
    "ln": "log",
    "Σ": "sum",
    "σ": "sigmoid",
    "ReLU": "relu",
    "logsoftmax": "log_softmax",
    "logsigmoid": "log_sigmoid",
    "clamp": "clip",
    "l1_loss": "mae",
    "smooth_l1_loss": "smooth_l1",
    "nll_loss": "nll",
    "ReLU6": "relu6",
    "bmm": "matmul",
}
_SIGNS = str.maketrans({"−": "-", "–": "-", "·": "*", "×": "*", "⊙": "*", "∗": "*", "÷": "/"})
_RAISED = re.compile(r"([²³])")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789")


class ReadError(ValueError):
    """The text is no problem that this reader knows."""


@dataclass(frozen=True)
class Evaluated:
    """Values and gradients of one run.

    Arrays have the shape of one case, and where their name is batched the cases on the last axis.

    Attributes:
        values: every given and computed name.
        gradients: by name. Of what the cases share, such as a weight, the gradient of the cost; of what
            differs from case to case, such as δ, that of each case's own loss.
        case_gradients: every name's gradient of each case's own loss, cases last (without that axis where
            the problem has no cases).
        loss: the cost's value: the mean, or the sum, of the cases' losses.
    """

    values: dict[str, Array]
    gradients: dict[str, Array]
    case_gradients: dict[str, Array]
    loss: float


class Oracle:
    """The problem in `text`, the TOML of a problem file.

    Attributes:
        parameters, data: the numbers given, by name; of names given in cases, the cases on the last axis.
        equations: (target, text) in the file's order.
        loss: the name that is differentiated in each case; `cost`: its mean or sum over the cases
            ("J" unless that is taken), or the loss itself where it is one number.
        batched: the given and computed names that differ from case to case; `cases`: how many, 1 for none.
        update: the table [update], {} for none.
        rounding: decides what is left where sums cancel; None for what PyTorch leaves.

    Raises `ReadError`.
    """

    pace = 1
    """How many times as long as PyTorch's a run takes."""

    def __init__(self, text: str, *, paper: bool = True, rounding: int | None = None) -> None:
        table = tomllib.loads(text)
        self.paper = paper
        self.rounding = rounding
        self.functions: dict[str, str] = {}
        self._batched_givens: set[str] = set()
        self.parameters = self._given(table.get("parameters", {}))
        middle = self._given(table.get("given", {}))
        self.data = {**self._given(table.get("data", {})), **middle}
        self.given = tuple(middle)
        self.upstream = self._given(table.get("upstream", {}))
        self._batched_upstream = self._batched_givens & {*self.upstream} - {*middle}
        self._batched_givens -= self._batched_upstream
        equations = table["equations"]
        if isinstance(equations, str) and has_blocks(equations):
            whole = {n: v for n, v in table.get("data", {}).items() if isinstance(v, int)}
            equations = written_out(equations, whole)
        self.equations = tuple(_equations(equations))
        self._formulas = {target: _parsed(source) for target, source in self.equations}
        self.loss: str = _plain(table.get("loss") or self._usual_loss())
        self._leave_out()
        self.reduction: str = table.get("reduction", "mean")
        self.update: dict[str, Any] = dict(table.get("update", {}))
        if "rates" in self.update:
            self.update["rates"] = {_plain(n): rate for n, rate in self.update["rates"].items()}
        self.batched = frozenset(self._with_cases())
        counts = {self._all_given[n].shape[-1] for n in self._batched_givens}
        if len(counts) > 1:
            raise ReadError("unequal numbers of cases")
        self.cases = counts.pop() if counts else 1
        names = {*self._formulas, *self._all_given, self.loss}
        names |= {f"upstream_{n}" for n in self.upstream}
        many = self.loss in self.batched and not any(p in self.batched for p in self.parameters)
        self.cost: str = (
            next(n for n in ("J", "cost", "J_total", "J_handgrad") if n not in names)
            if many
            else self.loss
        )

    @property
    def inputs(self) -> dict[str, Array]:
        """All that a run starts from, by name: parameters, data and, as `upstream_z`, the gradients that arrive."""
        return {**self._all_given, **{f"upstream_{n}": a for n, a in self.upstream.items()}}

    @property
    def asked(self) -> tuple[str, ...]:
        """The names whose gradients are asked for."""
        return (*self.parameters, *self.given) or tuple(self.data)

    def _usual_loss(self) -> str:
        last = self.equations[-1][0]
        if not self.upstream or last in ("L", "J", "E", "C", "loss", "cost"):
            return last
        taken = {*self._formulas, *self._all_given}
        for formula in self._formulas.values():
            taken |= _names(formula)
        return next(n for n in ("L", "J", "E", "C", "loss") if n not in taken)

    def _leave_out(self) -> None:
        """Keeps the equations between what is given and where gradients arrive, or the loss, and what they use.

        Without upstream gradients an equation on no way to a given value stays, though it leads nowhere.
        """
        if not self.given and not self.upstream:
            return
        keep: set[str] = set()
        waiting = [*(self.upstream or [self.loss])]
        if not self.upstream:
            before: set[str] = set()
            onto = [*self.given]
            while onto:
                for name in (
                    _names(self._formulas[n]) if (n := onto.pop()) in self._formulas else ()
                ):
                    onto += [name] if name not in before else []
                    before.add(name)
            waiting += [t for t in self._formulas if t not in before and t not in self.given]
        while waiting:
            name = waiting.pop()
            if name not in keep:
                keep.add(name)
                if name in self._formulas and name not in self.given:
                    waiting += _names(self._formulas[name])
        used = set().union(*(_names(tree) for tree in self._formulas.values()))
        self._formulas = {
            t: tree for t, tree in self._formulas.items() if t in keep and t not in self.given
        }
        self.equations = tuple(e for e in self.equations if e[0] in self._formulas)
        self.parameters = {n: a for n, a in self.parameters.items() if n in keep or n not in used}
        self.data = {n: a for n, a in self.data.items() if n in keep or n not in used}
        self._batched_givens &= {*self.parameters, *self.data}
        self.__dict__.pop("_all_given", None)

    @cached_property
    def _all_given(self) -> dict[str, Array]:
        return {**self.parameters, **self.data}

    def _given(self, table: Mapping[str, Any]) -> dict[str, Array]:
        arrays = {}
        for key, value in table.items():
            name = _plain(key)
            if isinstance(value, Mapping):
                if set(value) != {"cases"}:
                    raise ReadError(f"{key}: only numbers and cases are read here")
                arrays[name] = np.moveaxis(_numbers(value["cases"]), 0, -1)
                self._batched_givens.add(name)
            else:
                arrays[name] = _numbers(value)
        return arrays

    def _with_cases(self) -> set[str]:
        batched = set(self._batched_givens)
        while True:
            more = {t for t, tree in self._formulas.items() if _names(tree) & batched} - batched
            if not more:
                return batched | ({self.loss} if batched & {*self.upstream} else set())
            batched |= more

    @cached_property
    def uses(self) -> dict[str, frozenset[str]]:
        """By equation, the names in it."""
        return {target: frozenset(_names(tree)) for target, tree in self._formulas.items()}

    @cached_property
    def targets(self) -> frozenset[str]:
        """The names that a loss function is given to compare with: labels, classes, probabilities."""
        calls = [n for tree in self._formulas.values() for n in ast.walk(tree) if isinstance(n, ast.Call)]  # fmt: skip
        return frozenset(
            target.id
            for call in calls
            if isinstance(call.func, ast.Name)
            if (name := SPELLINGS.get(call.func.id, call.func.id)) in LOSSES and len(call.args) > 1
            if isinstance(target := call.args[0 if name == "kl_div" else 1], ast.Name)
        )

    @cached_property
    def places(self) -> frozenset[str]:
        """The names that number the entries or rows of another: ids of E[ids], and of gather(E, ids)."""
        nodes = [n for tree in self._formulas.values() for n in ast.walk(tree)]
        numbers = [n.slice for n in nodes if isinstance(n, ast.Subscript)]
        numbers += [
            n.args[1]
            for n in nodes
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            if n.func.id == "gather" and len(n.args) > 1
        ]
        return frozenset(
            n.id for tree in numbers for n in ast.walk(tree) if isinstance(n, ast.Name)
        )

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The equations' targets, each after those that it uses."""
        ready, waiting = set(self._all_given), dict(self._formulas)
        order: list[str] = []
        while waiting:
            now = [t for t, tree in waiting.items() if self._needed(tree) <= ready]
            if not now:
                raise ReadError(f"not computable: {', '.join(waiting)}")
            for target in now:
                del waiting[target]
            ready |= set(now)
            order += now
        return tuple(order)

    def _needed(self, tree: ast.expr) -> set[str]:
        """The names in a formula, but for π and e where the problem has none of that name."""
        return _names(tree) - (CONSTANTS - {*self._all_given, *self._formulas})

    def changed(self, changes: Mapping[str, Array], swap: Mapping[str, str]) -> Oracle:
        """The problem with other numbers that are given, and other functions."""
        other = copy(self)
        other.parameters = {n: changes.get(n, a) for n, a in self.parameters.items()}
        other.data = {n: changes.get(n, a) for n, a in self.data.items()}
        other.__dict__.pop("_all_given", None)
        other.functions = {**self.functions, **_swaps(swap)}
        return other

    def tree(self, target: str) -> ast.expr:
        """The formula of an equation."""
        return self._formulas[target]

    def run(
        self,
        changes: Mapping[str, Array] = {},
        swap: Mapping[str, str] = {},
        gradients: bool = True,
    ) -> Evaluated:
        """The two passes, with other numbers (`changes`, in the same layout) or functions (`swap`).

        A computed name in `changes` has that value whatever its equation says. Without `gradients`,
        the forward pass alone.
        """
        by_case = [self._one(case, changes, swap, gradients) for case in range(self.cases)]
        values = {n: self._stacked(n, [v[n] for v, _ in by_case]) for n in by_case[0][0]}
        losses = [self._loss_of(v, case) for case, (v, _) in enumerate(by_case)]
        many = self.cost != self.loss
        loss = losses[0]
        if many:
            loss = float(np.sum(losses))
            loss = loss / self.cases if self.reduction == "mean" else loss
        if self.cost not in values and not self.upstream:
            values[self.cost] = np.asarray(loss)
        if not gradients:
            return Evaluated(values, {}, {}, loss)
        own: dict[str, Array] = {}
        reduced: dict[str, Array] = {}
        for name in by_case[0][1]:
            each = np.stack([g[name] for _, g in by_case], axis=-1)
            own[name] = each if self._batched_givens else each[..., 0]
            if name in self.batched:
                reduced[name] = each
            elif many:
                total = self._over_cases(name, each)
                reduced[name] = total / self.cases if self.reduction == "mean" else total
            else:
                reduced[name] = each[..., 0]
        if not self.upstream:
            reduced[self.cost] = np.ones(()) if many else reduced[self.loss]
        return Evaluated(values, reduced, own, loss)

    def _over_cases(self, name: str, each: Array) -> Array:
        """The sum of the cases' parts of a gradient, which are the last axis of `each`."""
        return np.asarray(each.sum(axis=-1))

    def _arriving(self, name: str, case: int) -> Array:
        """The upstream gradient of a value in one case."""
        array = self.upstream[name]
        return array[..., case] if name in self._batched_upstream else array

    def _loss_of(self, values: Mapping[str, Array], case: int) -> float:
        """The loss of a case; with upstream gradients the sum of the values times theirs, as good as any."""
        if not self.upstream:
            return float(values[self.loss])
        return float(sum((values[n] * self._arriving(n, case)).sum() for n in self.upstream))

    def _stacked(self, name: str, each: list[Array]) -> Array:
        return np.stack(each, axis=-1) if name in self.batched else each[0]

    def _one(
        self, case: int, changes: Mapping[str, Array], swap: Mapping[str, str], gradients: bool
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Values and gradients of one case."""

        def number(name: str, array: Array) -> Tensor:
            one = np.asarray(array, dtype=float)
            one = one[..., case] if name in self.batched else one
            return torch.tensor(np.array(one), dtype=torch.float64, requires_grad=gradients)

        tensors = {n: number(n, changes.get(n, a)) for n, a in self._all_given.items()}
        functions = _Functions(self.paper, self.rounding)
        evaluator = _Evaluator(tensors, functions, {**self.functions, **_swaps(swap)})
        for target in self.order:
            if target in changes:
                tensors[target] = number(target, changes[target])
                continue
            result = evaluator.of(self.tree(target))
            # An equation that is a name alone has a gradient of its own.
            result = result.clone()
            if gradients and not result.requires_grad:
                result.requires_grad_()
            tensors[target] = result
        values = {n: t.detach().numpy() for n, t in tensors.items()}
        if not gradients:
            return values, {}
        ends = [self.loss] if not self.upstream else list(self.upstream)
        arriving = [torch.tensor(np.array(self._arriving(n, case))) for n in self.upstream]
        found = torch.autograd.grad(
            [tensors[n] for n in ends],
            list(tensors.values()),
            arriving or None,
            allow_unused=True,
        )
        return values, {
            n: np.zeros(values[n].shape) if g is None else g.numpy()
            for n, g in zip(tensors, found, strict=True)
        }


# -- reading ------------------------------------------------------------------------------


def _numbers(value: Any) -> Array:
    def one(entry: Any) -> Any:
        if isinstance(entry, list):
            return [one(e) for e in entry]
        if isinstance(entry, str):
            above, _, below = entry.replace("−", "-").partition("/")
            return float(Fraction(above.strip()) / Fraction(below.strip() or "1"))
        return float(entry)

    return np.asarray(one(value), dtype=float)


def _plain(text: str) -> str:
    """Names with their marks read: ŷ is yhat, z⁽¹⁾ is z1, w₁₂ is w_12."""
    text = re.sub(r"⁽([⁰¹²³⁴⁵⁶⁷⁸⁹]+)⁾", lambda m: m[1].translate(_DIGITS), text)
    text = re.sub(r"([₀₁₂₃₄₅₆₇₈₉]+)", lambda m: "_" + m[1].translate(_DIGITS), text)
    decomposed = unicodedata.normalize("NFD", text).replace("\u0302", "hat")
    return unicodedata.normalize("NFC", decomposed)


def _equations(value: Any) -> list[tuple[str, str]]:
    lines: list[str] = []
    if isinstance(value, list):
        lines = [v.strip() for v in value]
    else:
        open_brackets, pending = 0, ""
        for raw in value.splitlines():
            line = raw.split("#", 1)[0].strip()
            if not line:
                continue
            pending = f"{pending} {line}".strip()
            open_brackets += len(re.findall(r"[(\[]", line)) - len(re.findall(r"[)\]]", line))
            if open_brackets <= 0:
                lines.append(pending)
                pending, open_brackets = "", 0
        if pending:
            lines.append(pending)
    found = []
    for line in lines:
        target, _, formula = line.partition("=")
        found.append((_plain(target.strip()), _plain(formula.strip())))
    return found


def _parsed(formula: str) -> ast.expr:
    text = re.sub("[ᵀ⊤]", ".T", formula.translate(_SIGNS))
    text = _RAISED.sub(lambda m: "**" + m[1].translate(_DIGITS), text).replace("½", "(1/2)*")
    text = re.sub(r"(=\s*)(true|false)\b", lambda m: m[1] + m[2].title(), text)
    try:
        tree = ast.parse(_plain(text), mode="eval")
    except SyntaxError as error:
        raise ReadError(f"{formula}: {error}") from None
    return Plain().visit(tree).body  # type: ignore[no-any-return]


def _names(tree: ast.expr) -> set[str]:
    """The names of values in a formula; those of functions and options are none."""
    functions = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in functions}


def _swaps(swap: Mapping[str, str]) -> dict[str, str]:
    return {SPELLINGS.get(a, a): SPELLINGS.get(b, b) for a, b in swap.items()}


# -- computing ----------------------------------------------------------------------------

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.MatMult: "matmul",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}


class Meaning(Protocol):
    """What numbers, powers and the names of functions mean."""

    def number(self, value: float) -> Tensor: ...
    def array(self, value: Any) -> Tensor: ...
    def constant(self, name: str) -> Tensor: ...
    def power(self, base: Tensor, exponent: Any) -> Tensor: ...
    def named(self, name: str) -> Callable[..., Tensor]: ...


class _Evaluator:
    """One formula after another on tensors."""

    def __init__(
        self, tensors: Mapping[str, Tensor], functions: Meaning, swap: Mapping[str, str]
    ) -> None:
        self.tensors = tensors
        self.functions = functions
        self.swap = swap

    def of(self, tree: ast.expr) -> Tensor:
        match tree:
            case ast.Constant(value=int() | float() as value):
                return self.functions.number(float(value))
            case ast.List():
                return self.functions.array(ast.literal_eval(tree))
            case ast.Name(id=name) if name in CONSTANTS and name not in self.tensors:
                return self.functions.constant(name)
            case ast.Name(id=name):
                return self.tensors[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.of(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.of(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                exponent = _constant(right)
                power = self.of(right) if exponent is None else exponent
                return self.functions.power(self.of(left), power)
            case ast.BinOp(left=left, op=op, right=right):
                return self.call(_OPERATORS[type(op)], (self.of(left), self.of(right)), {})
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.call(_OPERATORS[type(op)], (self.of(left), self.of(right)), {})
            case ast.Attribute(value=value, attr="T"):
                array = self.of(value)
                return array.T if getattr(array, "ndim", 0) >= 2 else array
            case ast.Attribute(value=value, attr="mT"):
                return self.call("matrix_transpose", (self.of(value),), {})
            case ast.Subscript(value=value, slice=at):
                if isinstance(at, ast.Name):
                    return self.call("gather", (self.of(value), self.of(at)), {})
                return self.of(value)[_index(at)]
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
                options = {k.arg or "": ast.literal_eval(k.value) for k in keywords}
                name = SPELLINGS.get(name, name)
                if (
                    arguments
                    and isinstance(arguments[0], ast.Constant)
                    and isinstance(arguments[0].value, str)
                ):
                    options["subscripts"] = arguments[0].value
                    arguments = arguments[1:]
                if name in ("max", "min") and len(arguments) == 2:
                    name += "imum"
                if name == "reshape":
                    # The lengths may stand one by one or as a tuple: they are whole numbers, no arrays.
                    lengths = [ast.literal_eval(a) for a in arguments[1:]]
                    if lengths:
                        options["shape"] = lengths if len(lengths) > 1 else lengths[0]
                    arguments = arguments[:1]
                return self.call(name, tuple(self.of(a) for a in arguments), options)
            case _:
                raise ReadError(ast.unparse(tree))

    def call(self, name: str, arguments: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
        new = self.swap.get(name, name)
        if new != name and new not in SLOPED:
            # The slope or the scale of an activation, in either spelling, is none of another's.
            options = {k: v for k, v in options.items() if k != "alpha"}
            arguments = arguments[:1] if name in SLOPED else arguments
        try:
            return self.functions.named(new)(*arguments, **options)
        except LinAlgError:
            return arguments[0] * torch.nan  # a matrix without an inverse


SLOPED = ("leaky_relu", "elu", "celu")
"""Activations that take an option alpha."""


def _constant(tree: ast.expr) -> float | None:
    try:
        value = ast.literal_eval(tree)
    except ValueError:
        return None
    return float(value) if isinstance(value, int | float) else None


def _index(at: ast.expr) -> Any:
    if isinstance(at, ast.Tuple):
        return tuple(_index(e) for e in at.elts)
    if isinstance(at, ast.Slice):
        ends = [None if e is None else ast.literal_eval(e) for e in (at.lower, at.upper, at.step)]
        return slice(*ends)
    return ast.literal_eval(at)


def _axes(axis: Any, a: Tensor) -> Any:
    return tuple(range(a.ndim)) if axis is None else axis


class _Functions:
    """What the names of functions mean in PyTorch, with the documents' conventions at kinks."""

    def __init__(self, paper: bool, rounding: int | None = None) -> None:
        self.paper = paper
        self.draw = None if rounding is None else torch.Generator().manual_seed(rounding)

    def number(self, value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.float64)

    array = number

    def constant(self, name: str) -> Tensor:
        return self.number(math.e if name == "e" else math.pi)

    def power(self, base: Tensor, exponent: Any) -> Tensor:
        return torch.pow(base, exponent)

    def named(self, name: str) -> Callable[..., Tensor]:
        own: Callable[..., Tensor] | None = getattr(self, f"of_{name}", None)
        if own is not None:
            return own
        if name not in TORCH:
            raise ReadError(f"no function {name}")
        return TORCH[name]

    def clean(self, result: Tensor, size: Callable[[], Tensor]) -> Tensor:
        """The result with residues of its rounding as 0; `size` is the sum of the terms' sizes."""
        if not self.paper:
            return result if self.draw is None else self._rounded(result, size())
        with torch.no_grad():
            small = result.abs() < 1e-6
            if not bool(small.any()):
                return result
            rest = torch.where(
                small & (result.abs() <= REST * size()), result, torch.zeros_like(result)
            )
        return result - rest if bool(rest.any()) else result

    def _rounded(self, result: Tensor, size: Tensor) -> Tensor:
        """The result with another residue, of either sign or none, where it is no more than one."""
        with torch.no_grad():
            sign = torch.randint(-1, 2, result.shape, generator=self.draw)
            other = sign * EPSILON * size - result
            moved = torch.where(result.abs() <= REST * size, other, torch.zeros_like(result))
        return result + moved

    def tied(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """a and b, equal where they differ by no more than a rest."""
        if not self.paper:
            return a, b
        with torch.no_grad():
            gap = a - b
            rest = (gap != 0) & (gap.abs() <= REST * (a.abs() + b.abs()))
        return (
            (a - torch.where(rest, gap, torch.zeros_like(gap)), b) if bool(rest.any()) else (a, b)
        )

    def of_add(self, a: Tensor, b: Tensor) -> Tensor:
        return self.clean(a + b, lambda: a.abs() + b.abs())

    def of_subtract(self, a: Tensor, b: Tensor) -> Tensor:
        return self.clean(a - b, lambda: a.abs() + b.abs())

    def of_matmul(self, a: Tensor, b: Tensor) -> Tensor:
        return self.clean(a @ b, lambda: a.abs() @ b.abs())

    of_dot = of_matmul

    def of_sum(self, a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        if not a.ndim:
            return a
        axes = _axes(axis, a)
        return self.clean(
            torch.sum(a, dim=axes, keepdim=keepdims),
            lambda: torch.sum(a.abs(), dim=axes, keepdim=keepdims),
        )

    def of_mean(self, a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        if not a.ndim:
            return a
        axes = _axes(axis, a)
        return self.clean(
            torch.mean(a, dim=axes, keepdim=keepdims),
            lambda: torch.mean(a.abs(), dim=axes, keepdim=keepdims),
        )

    def of_var(
        self, a: Tensor, axis: Any = None, keepdims: bool = False, ddof: float = 0
    ) -> Tensor:
        axes = _axes(axis, a)
        apart = self.of_subtract(a, a.mean(dim=axes, keepdim=True))
        squares = torch.sum(apart**2, dim=axes, keepdim=keepdims)
        return squares / (a.numel() // squares.numel() - ddof)

    def of_std(self, a: Tensor, **options: Any) -> Tensor:
        variance = self.of_var(a, **options)
        some = variance > 0
        root = torch.where(some, variance, torch.ones_like(variance)).sqrt()
        return torch.where(some, root, torch.zeros_like(root))

    def of_norm_inf(self, a: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        return self.of_max(a.abs(), axis, keepdims)

    def of_cumsum(self, a: Tensor, axis: int = 0) -> Tensor:
        return self.clean(torch.cumsum(a, dim=axis), lambda: torch.cumsum(a.abs(), dim=axis))

    def of_trace(self, a: Tensor) -> Tensor:
        return self.of_sum(torch.diagonal(a))

    def _extreme(
        self, reduce: Callable[..., Tensor], a: Tensor, axis: Any, keep: bool, first: bool = False
    ) -> Tensor:
        if not a.ndim:
            return a
        axes = _axes(axis, a)
        if first:
            return self._first(reduce, a, sorted(k % a.ndim for k in np.atleast_1d(axes)), keep)
        with torch.no_grad():
            attained = reduce(a, dim=axes, keepdim=True)
        return reduce(self.tied(a, attained)[0], dim=axes, keepdim=keep)

    def _first(
        self, reduce: Callable[..., Tensor], a: Tensor, axes: list[int], keep: bool
    ) -> Tensor:
        """The extreme picked at the first place that attains it, as the rows along these axes are read."""
        lengths = [1 if k in axes else n for k, n in enumerate(a.shape)]
        rest = [n for k, n in enumerate(a.shape) if k not in axes]
        rows = torch.movedim(a, axes, [*range(a.ndim - len(axes), a.ndim)]).reshape(*rest, -1)
        with torch.no_grad():
            near = self.tied(rows, reduce(rows, dim=-1, keepdim=True))[0]
            place = (near == reduce(near, dim=-1, keepdim=True)).to(torch.int64).argmax(-1)
        found = torch.gather(rows, -1, place[..., None])[..., 0]
        return found.reshape(lengths) if keep else found

    def of_max(
        self, a: Tensor, axis: Any = None, keepdims: bool = False, first: bool = False
    ) -> Tensor:
        return self._extreme(torch.amax, a, axis, keepdims, first)

    def of_min(
        self, a: Tensor, axis: Any = None, keepdims: bool = False, first: bool = False
    ) -> Tensor:
        return self._extreme(torch.amin, a, axis, keepdims, first)

    def of_maximum(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.maximum(*self.tied(a, b))

    def of_minimum(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.minimum(*self.tied(a, b))

    def _compared(self, holds: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
        return holds(*self.tied(a, b)).to(torch.float64)

    def of_less(self, a: Tensor, b: Tensor) -> Tensor:
        return self._compared(operator.lt, a, b)

    def of_less_equal(self, a: Tensor, b: Tensor) -> Tensor:
        return self._compared(operator.le, a, b)

    def of_greater(self, a: Tensor, b: Tensor) -> Tensor:
        return self._compared(operator.gt, a, b)

    def of_greater_equal(self, a: Tensor, b: Tensor) -> Tensor:
        return self._compared(operator.ge, a, b)

    def of_hinge(self, s: Tensor, y: Tensor) -> Tensor:
        return torch.relu(self.of_subtract(torch.ones(()), y * s)).mean()

    def of_mse(self, a: Tensor, b: Tensor) -> Tensor:
        return (self.of_subtract(a, b) ** 2).mean()

    def of_huber(self, a: Tensor, b: Tensor, delta: float = 1.0) -> Tensor:
        gap = self.of_subtract(a, b)
        size = gap.abs()
        terms = torch.where(size <= delta, 0.5 * gap**2, delta * (size - 0.5 * delta))
        return terms.mean()

    def of_mae(self, a: Tensor, b: Tensor) -> Tensor:
        return self.of_subtract(a, b).abs().mean()

    def of_smooth_l1(self, a: Tensor, b: Tensor, beta: float = 1.0) -> Tensor:
        return self.of_huber(a, b, beta) / beta

    def of_bce(self, p: Tensor, y: Tensor) -> Tensor:
        loss = TORCH["bce"](p, y)
        # binary_cross_entropy refuses what is no probability, where xlogy(0, −0.8) is 0.
        return loss if bool(((p >= 0) & (p <= 1)).all()) else loss * torch.nan

    def of_cross_entropy(self, p: Tensor, y: Tensor) -> Tensor:
        if y.shape != p.shape:
            y = F.one_hot(y.detach().to(torch.int64), p.shape[-1]).to(torch.float64)
        return -torch.xlogy(y, p).sum() / (p.numel() // p.shape[-1])

    def of_reshape(self, a: Tensor, shape: Any = -1) -> Tensor:
        return a.reshape(shape)

    def of_layernorm(self, a: Tensor, axis: Any = -1, eps: float = 1e-5) -> Tensor:
        centred = self.of_subtract(a, a.mean(dim=axis, keepdim=True))
        return centred / torch.sqrt((centred**2).mean(dim=axis, keepdim=True) + eps)

    def of_batchnorm(self, a: Tensor, axis: Any = 0, eps: float = 1e-5) -> Tensor:
        return self.of_layernorm(a, axis, eps)

    def _weighed(self, name: str, arrays: tuple[Tensor, ...], options: dict[str, Any]) -> Tensor:
        weigh = TORCH[name]
        return self.clean(
            weigh(*arrays, **options), lambda: weigh(*[a.abs() for a in arrays], **options)
        )

    def of_conv1d(self, *arrays: Tensor, **options: Any) -> Tensor:
        return self._weighed("conv1d", arrays, options)

    def of_conv2d(self, *arrays: Tensor, **options: Any) -> Tensor:
        return self._weighed("conv2d", arrays, options)

    def of_conv3d(self, *arrays: Tensor, **options: Any) -> Tensor:
        return self._weighed("conv3d", arrays, options)

    def of_conv_transpose1d(self, *arrays: Tensor, **options: Any) -> Tensor:
        return self._weighed("conv_transpose1d", arrays, options)

    def of_conv_transpose2d(self, *arrays: Tensor, **options: Any) -> Tensor:
        return self._weighed("conv_transpose2d", arrays, options)

    def of_conv_transpose3d(self, *arrays: Tensor, **options: Any) -> Tensor:
        return self._weighed("conv_transpose3d", arrays, options)

    def of_einsum(self, *arrays: Tensor, **options: Any) -> Tensor:
        return self._weighed("einsum", arrays, options)

    def _pooled(self, rank: int, a: Tensor, options: dict[str, Any]) -> Tensor:
        """Max-pooling over the last `rank` axes; windows that tie share the gradient, or give it to the first."""
        given = {"size": 2, **options}
        first = bool(given.pop("first", False))
        given["stride"] = given.get("stride") or given["size"]
        found, counts = windows(a.shape[-rank:], **given)
        each = [
            self.of_max(
                torch.stack([a[(..., *at)] for at in window.inside], dim=-1), axis=-1, first=first
            )
            for window in found
        ]
        return torch.stack(each, dim=-1).reshape(*a.shape[:-rank], *counts)

    def of_max_pool1d(self, a: Tensor, **options: Any) -> Tensor:
        return self._pooled(1, a, options)

    def of_max_pool2d(self, a: Tensor, **options: Any) -> Tensor:
        return self._pooled(2, a, options)

    def of_max_pool3d(self, a: Tensor, **options: Any) -> Tensor:
        return self._pooled(3, a, options)
