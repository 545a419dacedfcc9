"""Every operation of the table against PyTorch: values and gradients, in float64, to 1e-12."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed
from hypothesis import strategies as st
from numpy.typing import NDArray

import handgrad
from handgrad.graph import build
from handgrad.operations import TABLE
from tests.oracle import TORCH, assert_close, torch_gradients

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


def anything(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return g.normal(0, 1.5, shape)


def positive(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return g.uniform(0.2, 3, shape)


def probability(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return g.uniform(0.05, 0.95, shape)


def negative(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return g.uniform(-4, -0.05, shape)


def kept(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A mask of ones and zeros."""
    return np.asarray(g.integers(0, 2, shape), dtype=float)


def classes(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of three classes."""
    return np.asarray(g.integers(0, 3, shape), dtype=float)


def bends(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The numbers at which functions of straight pieces bend, among ordinary ones."""
    return g.choice([-3.0, -1.0, 0.0, 1.0, 3.0, 6.0, -4.5, -0.3, 0.6, 2.2, 7.5], shape)


def edges(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Zeros, ties, halves and very large numbers among ordinary ones."""
    return g.choice([0.0, 1.0, -1.0, 0.5, 800.0, -800.0, 3.7, -2.2], shape)


def places(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of the entries of an array of three, counted from 0."""
    return g.integers(0, 3, shape).astype(float)


def keeping(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A mask of ones and zeros that keeps an entry of each row and each column."""
    mask = g.integers(0, 2, shape).astype(float)
    mask[..., 0] = 1
    if len(shape) > 1:
        mask[..., 0, :] = 1
    return mask


def regular(g: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices with a large diagonal, whose determinant is positive."""
    return g.uniform(-0.4, 0.4, shape) + np.eye(shape[-1]) * g.uniform(1, 2, shape[-1])


@dataclass(frozen=True)
class Row:
    """How an operation is called: its arguments' shapes, options and the values they take."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    options: str = ""
    draws: tuple[Draw, ...] = (anything,)

    def __str__(self) -> str:
        return f"{self.name}{self.shapes}{self.options}"


PAIRS = (
    ((), ()),
    ((3,), (3,)),
    ((), (2, 3)),
    ((2,), (3, 2)),
    ((3, 2), (1, 2)),
    ((3, 1), (1, 4)),
    ((2, 2), (2, 1)),
)
SINGLES = (((),), ((4,),), ((2, 3),), ((1, 3),))
REDUCTIONS = (
    "",
    ", axis=0",
    ", axis=-1",
    ", axis=1, keepdims=true",
    ", axis=(0, 1)",
    ", keepdims=true",
)
ELEMENTWISE_1 = [
    "exp",
    "abs",
    "sin",
    "cos",
    "relu",
    "leaky_relu",
    "elu",
    "softplus",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "selu",
    "celu",
    "log_sigmoid",
    "sigmoid",
    "tanh",
    "hardtanh",
    "relu6",
    "hardsigmoid",
    "hardswish",
    "erf",
    "square",
    "expm1",
    "negate",
]
ELEMENTWISE_2 = ["add", "subtract", "multiply", "maximum", "minimum"]

COMPARISONS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}

ROWS = [
    *(Row(n, s) for n in ELEMENTWISE_1 for s in SINGLES),
    *(Row(n, s, draws=(edges,)) for n in ELEMENTWISE_1 if n not in ("exp", "expm1") for s in SINGLES),
    *(Row(n, s, draws=(draw,)) for n in ELEMENTWISE_2 for s in PAIRS for draw in (anything, edges)),
    *(Row("divide", s, draws=(anything, positive)) for s in PAIRS),
    *(Row("power", s, draws=(positive, anything)) for s in PAIRS),
    *(Row(n, s, draws=(positive,)) for n in ("log", "log1p", "sqrt") for s in SINGLES),
    *(Row("leaky_relu", s, ", alpha=0.2") for s in SINGLES),
    *(Row(n, s, draws=(bends,)) for n in ("hardtanh", "relu6", "hardsigmoid", "hardswish") for s in SINGLES),
    *(Row("clip", s, o, (draw,)) for s in SINGLES for o in (", low=-1, high=3", ", low=0", ", high=0.6") for draw in (anything, bends, edges)),
    *(Row("celu", s, ", alpha=0.5", (draw,)) for s in SINGLES for draw in (anything, edges)),
    *(Row("prelu", s, draws=(draw, anything)) for s in (((), ()), ((4,), ()), ((4,), (4,)), ((3, 2), ()), ((3, 2), (2,)), ((3, 2), (3, 1))) for draw in (anything, bends, edges)),
    *(Row("glu", s, o, (draw,)) for s, o in ((((4,),), ""), (((2, 4),), ""), (((2, 3),), ", axis=0"), (((2, 2),), ", axis=-1")) for draw in (anything, edges)),
    *(Row("swiglu", s, draws=(draw,)) for s in PAIRS for draw in (anything, edges)),
    *(Row("dropout", s, o, (anything, kept)) for s in (((), ()), ((4,), (4,)), ((3, 2), (3, 2)), ((3, 2), (2,))) for o in ("", ", p=0.9", ", p=0")),
    *(Row("elu", s, ", alpha=0.5", (draw,)) for s in SINGLES for draw in (anything, edges)),
    *(Row(n, ((2, 3),), o, (draw,)) for n in ("sum", "mean", "max", "min", "norm", "logsumexp") for o in REDUCTIONS for draw in (anything, edges)),
    *(Row(n, s, f"{o}, first=true", (draw,)) for n in ("max", "min") for s, o in ((((4,),), ""), *((((2, 3),), o) for o in REDUCTIONS), (((2, 3, 2),), ", axis=(0, 2)")) for draw in (anything, edges)),
    *(Row(n, s) for n in ("sum", "mean", "max", "min", "prod") for s in (((),), ((4,),))),
    *(Row(n, ((2, 3),), o, (draw,)) for n in ("prod", "var") for o in REDUCTIONS for draw in (anything, edges)),
    *(Row("std", ((2, 3),), o) for o in REDUCTIONS),
    *(Row(n, ((2, 3),), o) for n in ("var", "std") for o in (", ddof=1", ", axis=1, ddof=1", ", axis=0, ddof=0.5")),
    *(Row(n, s, o) for n in ("var", "std") for s, o in ((((4,),), ""), (((3,),), ", ddof=1"))),
    *(Row(n, s, o, (draw,)) for n in ("norm1", "norm_inf") for s, o in ((((),), ""), (((4,),), ""), (((2, 3),), ", axis=0"), (((2, 3),), ", axis=1, keepdims=true")) for draw in (anything, edges)),
    *(Row("cumsum", s, o, (draw,)) for s, o in ((((4,),), ""), (((1,),), ""), (((2, 3),), ", axis=0"), (((2, 3),), ", axis=-1"), (((2, 2, 3),), ", axis=1")) for draw in (anything, edges)),
    *(Row("norm", s) for s in (((4,),), ((1,),))),
    *(Row(n, s, o, (draw,)) for n in ("softmax", "log_softmax") for s, o in ((((4,),), ""), (((2, 3),), ""), (((2, 3),), ", axis=0")) for draw in (anything, edges)),
    *(Row("matmul", s) for s in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((1, 1), (1,)))),
    *(Row("matmul", s) for s in (((2, 2, 3), (2, 3, 2)), ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((2, 1, 2, 3), (2, 3, 1)), ((1, 2, 3), (2, 3, 2)))),
    *(Row("einsum", s, f", subscripts=\"{t}\"") for t, s in (("ij,jk->ik", ((2, 3), (3, 2))), ("ij,jk", ((2, 3), (3, 2))), ("ij,j->", ((2, 3), (3,))), ("bij,bjk->bik", ((2, 2, 3), (2, 3, 2))), ("htk, hsk -> hts", ((2, 2, 2), (2, 3, 2))), ("ij->ji", ((2, 3),)), ("ij->j", ((2, 3),)), ("ij->", ((2, 3),)), ("i,j->ji", ((2,), (3,))), ("ij,kl->il", ((2, 2), (2, 3))), ("a,ab,b", ((2,), (2, 3), (3,))), (",ij->ij", ((), (2, 2))))),
    *(Row("matrix_transpose", s) for s in (((2, 3),), ((2, 2, 3),), ((2, 1, 2, 3),))),
    Row("dot", ((4,), (4,))),
    Row("outer", ((2,), (3,))),
    *(Row("transpose", s) for s in SINGLES),
    Row("concat", ((2,), (3,), (1,))),
    Row("concat", ((2, 3), (1, 3))),
    Row("concat", ((2, 3), (2, 1)), ", axis=1"),
    *(Row(n, s, draws=(anything,)) for n in ("mse", "huber", "mae", "smooth_l1") for s in PAIRS),
    *(Row("mae", s, draws=(bends,)) for s in PAIRS),
    *(Row("smooth_l1", s, ", beta=0.3", (draw,)) for s in PAIRS for draw in (anything, edges)),
    *(Row("nll", s, draws=(negative, draw)) for s, draw in ((((3,), (3,)), probability), (((2, 3), (2, 3)), probability), (((3,), ()), classes), (((4, 3), (4,)), classes))),
    *(Row("kl_div", s, draws=(probability, probability)) for s in (((3,), (3,)), ((1,), (1,)), ((2, 3), (2, 3)))),
    *(Row("huber", s, ", delta=0.3", (draw,)) for s in PAIRS for draw in (anything, edges)),
    *(Row("hinge", s, draws=(draw, draw)) for s in PAIRS for draw in (anything,)),
    *(Row("bce", s, draws=(probability, probability)) for s in (((), ()), ((3,), (3,)), ((2, 3), (2, 3)))),
    *(Row("bce_with_logits", s, draws=(draw, probability)) for s in PAIRS for draw in (anything, edges)),
    *(Row("where", s, draws=(draw, anything, anything)) for s in (((), (), ()), ((3,), (3,), (3,)), ((2, 3), (), (3,))) for draw in (anything, edges)),
    *(Row(n, s, draws=(draw,)) for n in COMPARISONS for s in PAIRS for draw in (anything, edges)),
    *(Row("reshape", s, f", shape={t}") for s, t in ((((6,),), "(2, 3)"), (((2, 3),), "(3, -1)"), (((2, 3),), "(6,)"), (((2, 2),), "(2, 2)"))),
    *(Row(n, ((k, k),), draws=(draw,)) for n in ("inv", "det", "logdet") for k in (1, 2, 3) for draw in (regular,)),
    *(Row("trace", ((k, k),), draws=(draw,)) for k in (1, 3) for draw in (anything, edges)),
    Row("det", ((2, 2),)),
    *(Row("flatten", s) for s in SINGLES),
    *(Row("expand_dims", s, o) for s, o in ((((),), ""), (((3,),), ", axis=1"), (((2, 3),), ", axis=-1"))),
    *(Row("pad", s, o) for s, o in ((((3,),), ", before=1"), (((2, 3),), ", before=(1, 0), after=(0, 2)"), (((2, 3),), ", before=1, after=2, value=-1.5"), (((2, 1, 2),), ", after=(0, 1, 0), value=2"))),
    *(Row("broadcast_to", s, f", shape={o}") for s, o in ((((),), "(3,)"), (((),), "(2, 2)"), (((3,),), "(2, 3)"), (((3, 1),), "(3, 2)"), (((2, 1, 3),), "(2, 2, 2, 3)"), (((2, 3),), "(2, 3)"))),
    *(Row("squeeze", s, o) for s, o in ((((1, 3, 1),), ""), (((1, 3, 1),), ", axis=0"), (((2, 1),), ", axis=-1"))),
    *(Row("permute", ((2, 3, 4),), f", axes={o}") for o in ("(0, 2, 1)", "(2, 0, 1)", "(-1, 1, 0)")),
    Row("permute", ((2, 3),), ", axes=(1, 0)"),
    *(Row("swapaxes", ((2, 3, 4),), f", axes={o}") for o in ("(0, 1)", "(-1, 0)")),
    *(Row("stack", s, o) for s, o in ((((3,), (3,)), ""), (((3,), (3,), (3,)), ", axis=1"), (((2, 3), (2, 3)), ", axis=-1"), (((), ()), ""))),
    *(Row("gather", s, draws=(draw, places)) for s in (((3,), ()), ((3, 2), ()), ((3,), (4,)), ((3, 2), (4,))) for draw in (anything, edges)),
    *(Row("conv1d", s, o) for s in (((5,), (2,)), ((2, 6), (3, 2, 3))) for o in ("", ", stride=2", ", padding=1", ", stride=2, padding=2")),
    *(Row("conv2d", s, o) for s in (((4, 5), (2, 3)), ((2, 4, 4), (3, 2, 2, 2))) for o in ("", ", stride=2", ", padding=1", ", stride=2, padding=1")),
    *(Row("conv1d", s, o) for s in (((5,), (2,), ()), ((2, 5), (2, 2, 2), (2,)), ((2, 4), (2,)), ((2, 2, 4), (2, 2, 2), (2,))) for o in ("", ", dilation=2", ", padding=\"same\"", ", padding=\"valid\", stride=2")),
    *(Row("conv2d", s, o) for s in (((3, 4), (2, 2), ()), ((2, 3, 4), (2, 2)), ((2, 2, 3, 4), (2, 2, 2, 2), (2,))) for o in ("", ", stride=(2, 1), padding=(1, 0)", ", dilation=(1, 2), padding=1", ", padding=\"same\", dilation=2")),
    *(Row("conv1d", s, o) for s in (((4, 4), (2, 2, 2)), ((2, 4, 3), (4, 2, 2), (4,))) for o in (", groups=2", ", groups=2, stride=2, padding=1")),
    Row("conv1d", ((3, 4), (3, 1, 2)), ", groups=3"),
    *(Row("conv3d", s, o) for s, o in ((((2, 3, 3), (2, 2, 2)), ""), (((2, 3, 3, 2), (2, 2, 2, 1, 2), (2,)), ", stride=(1, 2, 1), padding=(0, 1, 0)"), (((2, 2, 2, 2, 3), (2, 1, 2, 1, 2)), ", groups=2, dilation=(1, 1, 2)"))),
    *(Row("conv_transpose1d", s, o) for s in (((4,), (2,)), ((2, 3), (2, 3, 3)), ((2, 2, 3), (2, 1, 2), (1,))) for o in ("", ", stride=2", ", stride=3, padding=1, output_padding=1", ", dilation=2, padding=1")),
    *(Row("conv_transpose2d", s, o) for s in (((2, 3), (2, 2), ()), ((2, 2, 2), (2, 2, 2, 2)), ((2, 2, 2, 2), (2, 1, 3, 2), (1,))) for o in ("", ", stride=2", ", stride=(3, 2), padding=(1, 0), output_padding=(2, 1)")),
    Row("conv_transpose1d", ((4, 3), (4, 1, 2), (2,)), ", groups=2, stride=2"),
    Row("conv_transpose2d", ((2, 2, 2), (2, 1, 2, 2), (2,)), ", groups=2, padding=1, dilation=(1, 2)"),
    Row("conv_transpose3d", ((2, 2, 1, 2), (2, 1, 2, 2, 1), (1,)), ", stride=(2, 1, 2), output_padding=(1, 0, 1)"),
    *(Row(n, s, o) for n in ("max_pool3d", "avg_pool3d") for s, o in ((((2, 4, 2),), ""), (((2, 2, 3, 3),), ", size=(1, 2, 2), stride=1"))),
    Row("conv2d", ((2, 2, 3, 3), (4, 1, 2, 2), (4,)), ", groups=2, dilation=2, padding=1"),
    *(Row(n, s, o) for n in ("max_pool1d", "avg_pool1d") for s in (((6,),), ((2, 7),)) for o in ("", ", size=3", ", size=3, stride=1", ", size=3, padding=1", ", size=2, stride=1, padding=1")),
    *(Row(n, s, o) for n in ("max_pool2d", "avg_pool2d") for s in (((4, 4),), ((2, 5, 4),)) for o in ("", ", size=3", ", size=2, stride=1", ", size=(2, 3), stride=(1, 2)", ", size=(3, 2), padding=(1, 0)")),
    *(Row(n, ((2, 2, 3, 3),), ", size=2, stride=1, padding=1") for n in ("max_pool2d", "avg_pool2d")),
    *(Row(n, s, f"{o}, first=true", (draw,)) for n, s in (("max_pool1d", ((2, 7),)), ("max_pool2d", ((2, 5, 4),))) for o in ("", ", size=3, stride=1", ", size=2, stride=1, padding=1") for draw in (anything, edges)),
    Row("max_pool1d", ((7,),), ", size=3, dilation=2, padding=1, stride=2"),
    Row("max_pool2d", ((5, 4),), ", dilation=(2, 1)"),
    *(Row("layernorm", s, o) for s, o in ((((4,),), ""), (((3, 4),), ""), (((3, 4),), ", axis=0"), (((4,),), ", eps=0.1"))),
    *(Row("rmsnorm", s, o, (draw,)) for s, o in ((((4,),), ""), (((3, 4),), ""), (((3, 4),), ", axis=0"), (((4,),), ", eps=0.1")) for draw in (anything, edges)),
    *(Row("groupnorm", s, o) for s, o in ((((4, 3),), ", groups=2"), (((4, 2, 2),), ", groups=4"), (((2, 3),), ", groups=1, eps=0.1"))),
    *(Row("masked_softmax", s, o, (draw, keeping)) for s, o in ((((4,), (4,)), ""), (((2, 3), (2, 3)), ""), (((2, 3), (3,)), ""), (((3, 2), (3, 2)), ", axis=0")) for draw in (anything, edges)),
    *(Row("batchnorm", s, o) for s, o in ((((4, 3),), ""), (((5, 2),), ", eps=0.01"))),
    *(Row("cross_entropy", s, draws=(probability, probability)) for s in (((3,), (3,)), ((2, 3), (2, 3)))),
]  # fmt: skip

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@"}
INFIX |= COMPARISONS


def spelled(row: Row) -> str:
    names = [f"a{i}" for i in range(len(row.shapes))]
    if row.name in INFIX:
        return f"{names[0]} {INFIX[row.name]} {names[1]}"
    if row.name == "transpose":
        return f"{names[0]}.T"
    if row.name == "negate":
        return f"-{names[0]}"
    return f"{row.name}({', '.join(names)}{row.options})"


def some(rows: Iterable[Row], first: int, share: int = 2) -> list[Any]:
    """Rows for a test that asks much of each; those left out of the ordinary run are in the sweep.

    Of each `share`-th call every third row is in the ordinary run. `first` is where they begin, so that files with
    another one ask other calls: each call is asked in some, and each kind of row.
    """
    calls: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        calls.setdefault((row.name, row.options), []).append(row)
    return [
        pytest.param(
            row,
            id=str(row),
            marks=() if call % share == 0 and among % 3 == start else pytest.mark.sweep,
        )
        for call, of_call in enumerate(calls.values(), first)
        for start in [call // share % min(3, len(of_call))]
        for among, row in enumerate(of_call)
    ]


def options_of(row: Row) -> dict[str, Any]:
    text = row.options.removeprefix(", ").replace("true", "True")
    return dict(eval(f"dict({text})")) if text else {}


def drawn(row: Row, generator: np.random.Generator) -> dict[str, Array]:
    """Arguments for a row, by the names under which it is spelled."""
    draws = row.draws * len(row.shapes) if len(row.draws) == 1 else row.draws
    return {
        f"a{i}": np.asarray(draw(generator, shape))
        for i, (shape, draw) in enumerate(zip(row.shapes, draws, strict=True))
    }


def check(row: Row, generator: np.random.Generator, tolerance: float = 1e-12) -> None:
    """One draw of a row: value and gradients of Σ c·op(…) here and in PyTorch."""
    arrays = drawn(row, generator)
    options = options_of(row)

    def value(tensors: dict[str, Any]) -> Any:
        return TORCH[row.name](*[tensors[n] for n in arrays], **options)

    import torch

    shape = value({n: torch.tensor(a, dtype=torch.float64) for n, a in arrays.items()}).shape
    weights = np.asarray(generator.normal(0, 1, tuple(shape)))
    loss, gradients = torch_gradients(lambda t: (value(t) * torch.tensor(weights)).sum(), arrays)
    problem = handgrad.Problem(
        [f"r = {spelled(row)}", "L = sum(r * c)"], {**arrays}, {"c": weights}
    )
    result = handgrad.run(problem, build(problem))
    assert_close(result.loss, loss, tolerance)
    for name, gradient in gradients.items():
        assert_close(result.gradient(name), gradient, tolerance)


@pytest.mark.parametrize("share", [1, 2, 4, 6])
def test_the_shares_have_every_row(share: int) -> None:
    """As many that follow each other as a share is one of have every call, and three times as many every row."""
    asked = [
        [p.values[0] for p in some(ROWS, f, share) if not any(m.name == "sweep" for m in p.marks)]
        for f in range(3 * share)
    ]
    for k in range(2 * share):
        found = {(r.name, r.options) for rows in asked[k : k + share] for r in rows}
        assert found == {(r.name, r.options) for r in ROWS}
    assert all(len(rows) < len(ROWS) / 2 / share for rows in asked)
    assert {id(r) for rows in asked for r in rows} == {id(r) for r in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_value_and_gradients_agree_with_torch(row: Row) -> None:
    generator = np.random.default_rng(len(str(row)))
    for _ in range(5):
        check(row, generator)


@seed(9)
@given(st.sampled_from(ROWS), st.integers(0, 2**32 - 1))
def test_on_random_values(row: Row, number: int) -> None:
    check(row, np.random.default_rng(number))


@pytest.mark.parametrize(
    ("text", "picked"),
    [("a[0]", lambda a: a[0]), ("a[-1]", lambda a: a[-1]), ("a[1:3]", lambda a: a[1:3]), ("a[0, 1]", lambda a: a[0, 1]), ("a[:, 1]", lambda a: a[:, 1]), ("a[0:2, 1:]", lambda a: a[0:2, 1:]), ("a[::2]", lambda a: a[::2]), ("a[::-1]", lambda a: a.flip(0)), ("a[1, ::-2]", lambda a: a[1, ::2].flip(0)), ("a[2:0:-1, 1:]", lambda a: a[1:, 1:].flip(0)), ("a[::-1, ::-1]", lambda a: a.flip(0, 1))],
)  # fmt: skip
def test_indexing(text: str, picked: Callable[[Any], Any]) -> None:
    a = np.random.default_rng(0).normal(size=(3, 3))
    problem = handgrad.Problem([f"r = {text}", "L = sum(r**2)"], {"a": a})
    result = handgrad.run(problem, build(problem))
    loss, gradients = torch_gradients(lambda t: (picked(t["a"]) ** 2).sum(), {"a": a})
    assert_close(result.loss, loss)
    assert_close(result.gradient("a"), gradients["a"])


def test_the_checker_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted oracle that is off by a factor of 2.001 is noticed."""
    monkeypatch.setitem(TORCH, "tanh", lambda z: 2.001 * z)
    with pytest.raises(AssertionError):
        check(Row("tanh", ((3,),)), np.random.default_rng(0))


def test_every_operation_has_words_and_an_oracle() -> None:
    spoken = {o.name for o in TABLE if o.family != "helper"}
    for operation in TABLE:
        words = operation.words
        assert words.noun, operation
        assert words.forward.endswith("."), operation
        assert words.backward.endswith(".") == (operation.name in spoken), operation
        assert set(words.options) <= set(operation.options), operation
        assert not words.by_argument or len(words.by_argument) == operation.arity[1], operation
        assert operation.family != "loss" or operation.target is not None, operation
        assert operation.saturation is None or operation.arity == (1, 1), operation
        if operation.elementwise and operation.name in spoken:
            assert set(words.options) == set(operation.options), operation
    assert spoken == {*TORCH, "index"}
    assert spoken == {r.name for r in ROWS} | {"index"}


@pytest.mark.parametrize(
    ("formula", "gradient"),
    [
        ("sum(reshape(W, shape=4))", [[1, 1], [1, 1]]),
        ("sum(relu(reshape(W - 2, shape=-1)) * [1, 2, 3, 4])", [[0, 0], [3, 4]]),
        ("reshape(W, 4)[1] * 2 + sum(reshape(W, 1, -1) ** 2)", [[2, 6], [6, 8]]),
        ("sum(reshape(W, (4,)) * [1, 2, 3, 4])", [[1, 2], [3, 4]]),
        ("sum(reshape(W, shape=[2, 2]) @ [1, 2])", [[1, 2], [1, 2]]),
        ("sum(W, 0)[1]", [[0, 1], [0, 1]]),
        ("sum(W, dim=1, keepdim=true)[0, 0]", [[1, 1], [0, 0]]),
        ("mean(W, -1)[0]", [[0.5, 0.5], [0, 0]]),
        ("index(W, at=0)[1]", [[0, 1], [0, 0]]),
    ],
)
def test_options_in_every_spelling(formula: str, gradient: list[list[float]]) -> None:
    problem = handgrad.Problem(f"L = {formula}", {"W": [[1, 2], [3, 4]]})
    assert handgrad.solve(problem).run.gradient("W").tolist() == gradient


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("clip(r, 1 - eps, 1 + eps)", "minimum(maximum(r, 1 - eps), 1 + eps)"),
        ("torch.clamp(r, min=1 - eps)", "maximum(r, 1 - eps)"),
        ("r.clip(0, 1 + eps)", "minimum(maximum(r, 0), 1 + eps)"),
        ("clip(r, None, 1 + eps)", "minimum(r, 1 + eps)"),
        ("clip(r, 1 - 0.25, 5/4)", "clip(r, 0.75, 1.25)"),
        ("huber(r, eps, delta=1/2)", "huber(r, eps, delta=0.5)"),
        ("leaky_relu(-r, 2*0.05)", "leaky_relu(-r, 0.1)"),
        ("sum(stack(r, eps), axis=1-1)", "sum(stack(r, eps), axis=0)"),
    ],
)
def test_options_are_worked_out_and_bounds_may_be_formulas(formula: str, plain: str) -> None:
    one, other = (
        handgrad.solve(handgrad.Problem([f"L = {text}"], {"r": 1.5, "eps": 0.2}))
        for text in (formula, plain)
    )
    assert one.to_json()["steps"] == other.to_json()["steps"]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("sum(reshape(W, shape=3))", "does not fill the shape"),
        ("sum(reshape(W, shape=(-1, -1)))", "only one length"),
        ("sum(reshape(W, shape=true))", "whole numbers"),
        ("sum(reshape(W, shape=(1:2)))", "whole numbers"),
        ("sum(W, axis=(0, 0))", "twice"),
        ("sum(concat(W, W, axis=none))", "one axis"),
        ("sum(leaky_relu(W, alpha=none))", "must be a number"),
        ("huber(W, W, delta=true)", "must be a number"),
        ("sum(W, keepdims=3)[0, 0]", "true or false"),
        ("index(W, at=none)", "whole numbers"),
        ("sum(glu(W, axis=(0, 1)))", "one axis"),
        ("sum(glu(concat(W, [[1, 2]])[:, 0]))", "no even number"),
        ("sum(clip(W))", "no bound"),
        ("sum(clip(W, 2, 1))", "above high"),
        ("sum(clip(W, low=true))", "low must be a number"),
        ("sum(celu(W, 0))", "alpha must be above 0"),
        ("smooth_l1(W, W, beta=0)", "write mae"),
        ("sum(dropout(W, W, 1))", "below 1"),
        ("sum(reshape(W, 4, shape=4))", "given twice"),
        ("var(W, ddof=4)", "divides by 4 − 4 = 0"),
        ("std(W[0, 0], ddof=1)", "1 entry"),
        ("var(W, ddof=none)", "zero or positive"),
        ("sum(cumsum(W))", "along one axis"),
        ("cumsum(W[0, 0])", "is a scalar"),
        ("norm(W, 1)", r"sum\(abs\(W\)\)"),
        ("sum(W[::0])", "step is not 0"),
        ("det(W[:1])", "takes a square matrix"),
        ("sum(inv(W[0]))", "a vector of 2 entries"),
        ("sum(groupnorm(W))", "a number of groups"),
        ("sum(groupnorm(W, 3))", "not put into 3 groups"),
        ("sum(softmax(W, mask=[1, 0, 1]))", "do not broadcast"),
        ("sum(softmax(W[0], W))", "the mask has the shape"),
        ("rmsnorm(W[0, 0])", "is a scalar"),
        ("sum(permute(W, 0, 1))", "W.T for the transpose"),
        ("sum(permute(W, 0, 0))", "each of its axes once"),
        ("sum(permute(W, 1, 0, 2))", "such as 1, 0"),
        ("sum(swapaxes(W, 0))", "two axes"),
        ("sum(swapaxes(W, 0, 2))", "out of range"),
        ("sum(squeeze(W, 0))", "has 2 entries"),
        ("sum(expand_dims(W, 4))", "out of range"),
        ("sum(stack(W, W[0]))", "arrays of one shape"),
        ("sum(pad(W, before=(1, 0, 0)))", "has 3 numbers, and W has 2 axes"),
        ("sum(pad(W, before=-1))", "at least 0"),
        ("sum(pad(W, after=1, value=true))", "value must be a number"),
        ("sum(pad(W[0, 0], before=1))", "is a scalar"),
        ("sum(broadcast_to(W, 2, 3))", "do not broadcast"),
        ("sum(broadcast_to(W, 2))", "is not repeated to a vector of 2 entries"),
        ("sum(broadcast_to(W, 0, 2, 2))", "at least 1"),
        ("sum(W[W])", "a number or a vector"),
        ("sum(W[0, 0][1])", "cannot take 1 index"),
        ("gather(W[0, 0], 1)", "no entries to pick"),
    ],
)
def test_options_of_another_kind_are_refused(formula: str, said: str) -> None:
    with pytest.raises(handgrad.HandgradError, match=said):
        build(handgrad.Problem(f"L = {formula}", {"W": [[1, 2], [3, 4]]}))


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("values", [[0.1, 0.1, 0.1], [3.0, 3.0], [0.0, 0.0]])
def test_equal_entries_have_no_deviation(values: list[float], ddof: int) -> None:
    """The slope at the kink is 0, as PyTorch has it; 0.1 three times has a mean beside 0.1 in floats."""
    problem = handgrad.Problem(f"L = std(a, ddof={ddof}) + sum(a)", {"a": values})
    trace = handgrad.solve(problem)
    assert trace.gradients["a"].tolist() == [1.0] * len(values)
    assert any("kink" in str(n) for s in trace.steps for n in s.notes)
    found = handgrad.run_exact(problem)
    assert [float(g) for g in found.gradient("a")] == [1.0] * len(values)


def test_rows_of_an_embedding() -> None:
    """Of a row that is picked twice the gradients are added up; the numbers get none."""
    problem = handgrad.Problem(
        ["X = E[ids]", "L = sum(X * C)"],
        {"E": [[1, 2], [3, 4], [5, 6]]},
        {"ids": [2, 0, 2], "C": [[1, 0], [10, 20], [3, 4]]},
    )
    trace = handgrad.solve(problem)
    assert trace.values["X"].tolist() == [[5, 6], [1, 2], [5, 6]]
    assert trace.gradients["E"].tolist() == [[10, 20], [0, 0], [4, 4]]
    assert not np.any(trace.gradients.get("ids", 0))


def test_a_class_of_each_case() -> None:
    problem = handgrad.Problem(
        ["p = softmax(W @ x)", "L = -log(p[y])"],
        {"W": [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]},
        {"x": {"cases": [[1, 0], [0.5, -1]]}, "y": {"cases": [2, 0]}},
    )
    one_hot = handgrad.Problem(
        ["p = softmax(W @ x)", "L = cross_entropy(p, y)"], problem.parameters, problem.data
    )
    ours, theirs = handgrad.solve(problem), handgrad.solve(one_hot)
    assert_close(ours.gradients["W"], theirs.gradients["W"])


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([0, 3], r"from 0 to 2, but here it is 3 at \[1\]"),
        ([-1, 0], r"but here it is -1 at \[0\]"),
        ([0.5, 0], "a whole number"),
        ({"cases": [[0, 1], [1, 7]]}, r"it is 7 at \[1\] in case 2"),
    ],
)
def test_numbers_of_no_entry_are_refused(ids: Any, said: str) -> None:
    problem = handgrad.Problem("L = -sum(log(p[ids]))", {"p": [0.5, 0.25, 0.25]}, {"ids": ids})
    with pytest.raises(handgrad.NumberError, match=said):
        handgrad.solve(problem)


def test_what_a_mask_leaves_out_is_exactly_0() -> None:
    problem = handgrad.Problem(
        ["P = softmax(S, mask=M, temperature=2)", "L = sum(P * C)"],
        {"S": [[1, 2, 900], [4, 5, 6]]},
        {"M": [[1, 1, 0], [1, 0, 0]], "C": [[1, 2, 3], [3, 2, 1]]},
    )
    trace = handgrad.solve(problem)
    assert trace.values["P"][[0, 1, 1], [2, 1, 2]].tolist() == [0, 0, 0]
    assert trace.gradients["S"][[0, 1, 1], [2, 1, 2]].tolist() == [0, 0, 0]
    assert trace.values["P"][0, 0] == pytest.approx(1 / (1 + math.exp(0.5)), abs=1e-15)


def test_a_row_of_which_a_mask_keeps_nothing_is_refused() -> None:
    problem = handgrad.Problem(
        "L = sum(softmax(S, mask=M) ** 2)", {"S": [[1, 2], [4, 5]]}, {"M": [[1, 0], [0, 0]]}
    )
    with pytest.raises(handgrad.NumberError, match=r"keeps an entry of every row.* at \[1, 0\]"):
        handgrad.solve(problem)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("sum(inv(A))", "A must be a matrix with an inverse, but here it is singular"),
        ("logdet(A)", "A must be a matrix whose determinant is positive"),
        ("logdet(B)", "B must be a matrix whose determinant is positive"),
    ],
)
@pytest.mark.parametrize("cases", [False, True])
def test_a_matrix_without_an_inverse_is_refused(formula: str, said: str, cases: bool) -> None:
    given: dict[str, Any] = {"A": [[1, 2], [2, 4]], "B": [[0, 1], [1, 0]]}
    if cases:
        given = {n: {"cases": [[[1, 0], [0, 1]], matrix]} for n, matrix in given.items()}
    problem = handgrad.Problem(f"L = {formula}", {}, given)
    with pytest.raises(handgrad.NumberError, match=said):
        handgrad.solve(problem)


def test_exact_inverses_and_determinants() -> None:
    problem = handgrad.Problem(
        "L = sum(inv(A)) + det(A) + trace(A)", {"A": [[2, 1, 0], [0.5, 3, 1], [0, 1, 1]]}
    )
    assert str(handgrad.run_exact(problem).value("L")[()]) == "155/14"  # 11/7 + 7/2 + 6


def test_a_singular_determinant_has_a_slope() -> None:
    """The cofactors, where det A · A⁻ᵀ has no number."""
    trace = handgrad.solve(handgrad.Problem("L = det(A)", {"A": [[1, 2], [2, 4]]}))
    assert trace.gradients["A"].tolist() == [[4, -2], [-2, 1]]


def test_a_determinant_that_is_0_on_paper() -> None:
    """0.1 · 0.6 − 0.2 · 0.3 leaves 7e-18 in floats."""
    matrix = {"A": [[0.1, 0.2], [0.3, 0.6]]}
    assert handgrad.run_exact(handgrad.Problem("L = det(A)", {}, matrix)).value("L")[()] == 0
    for formula in ("sum(inv(A))", "logdet(A)"):
        with pytest.raises(handgrad.NumberError, match="A must be a matrix"):
            handgrad.solve(handgrad.Problem(f"L = {formula}", {}, matrix))


def test_a_product_with_zeros() -> None:
    """No rule divides by an entry: with one 0 the others get none, and it gets their product."""
    for values, gradient in (([2, 0, 3], [0, 6, 0]), ([0, 0, 3], [0, 0, 0]), ([5], [1])):
        trace = handgrad.solve(handgrad.Problem("L = prod(a)", {"a": values}))
        assert trace.gradients["a"].tolist() == gradient


def test_the_slope_of_elu_keeps_its_digits_far_below_zero() -> None:
    """At z = −29 ELU(z) + 1 is e⁻²⁹ = 2.5e-13, of which a sum in floats keeps three digits."""
    problem = handgrad.Problem("h = elu(z)\nL = sum(h)", {"z": [-29.0, -3.0, 2.0]})
    gradient = handgrad.run(problem, build(problem)).gradient("z")
    assert gradient == pytest.approx([math.exp(-29), math.exp(-3), 1.0], rel=1e-12, abs=0)


@pytest.mark.parametrize("z", [-8.5, -30.0])
def test_gelu_keeps_its_digits_far_below_0(z: float) -> None:
    """z Φ(z) with Φ(z) = erfc(−z/√2)/2, where (1 + erf(z/√2))/2 would be 0."""
    below = math.erfc(-z / math.sqrt(2)) / 2
    trace = handgrad.solve(handgrad.Problem("L = gelu(z)", {"z": z}))
    slope = below + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    assert trace.run.loss == pytest.approx(z * below, rel=1e-12, abs=0)
    assert trace.run.gradient("z") == pytest.approx(slope, rel=1e-10, abs=0)
