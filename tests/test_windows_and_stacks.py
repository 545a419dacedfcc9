"""Stacks of matrices, products by letters, and windows: what does not fit is named, and units are channels."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.equations import parse_expression, source
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.operations import BY_NAME
from handgrad.operations.operation import Misfit
from tests.gauntlet.sliding import windows
from tests.oracle import TORCH, assert_close

Shapes = dict[str, tuple[int, ...]]
HEADS: Shapes = {"Q": (2, 3, 4), "K": (2, 3, 4), "A": (3, 4, 5), "M": (5, 4), "v": (3,), "s": ()}
MAPS: Shapes = {"X": (2, 3, 5, 5), "K": (4, 3, 2, 2), "b": (4,)}


def problem(formula: str, shapes: Shapes, seed: int = 0) -> handgrad.Problem:
    """The sum of a formula's entries, of drawn arrays of those names that stand in it."""
    generator = np.random.default_rng(seed)
    named = {n: s for n, s in shapes.items() if re.search(rf"\b{n}\b", formula)}
    arrays = {n: generator.normal(size=s) for n, s in named.items()}
    return handgrad.Problem([f"r = {formula}", "L = sum(r)"], arrays)


MISFITS = [
    (HEADS, "Q @ K", ("columns of Q, 4", "rows of K, 3", "did you mean K.mT?")),
    (HEADS, "Q @ K.T", (".mT transposes each matrix of a stack",)),
    (HEADS, "Q @ M", ("did you mean M.T?",)),
    (HEADS, "Q @ A", ("matrix by matrix", "2 and 3, do not broadcast")),
    (HEADS, "Q @ v", ("the entries of v, 3",)),
    (HEADS, "Q @ s", ("write * for a product",)),
    (HEADS, "v.mT", ("v is a vector of 3 entries",)),
    (HEADS, 'einsum("hij,hjk->hik", Q, K)', ("j is 4 long in Q and 3 long in K",)),
    (HEADS, 'einsum("hij->ij", Q, K)', ("those of 1 argument, and 2 are given",)),
    (HEADS, 'einsum("ij->i", Q)', ("ij names 2 axes, and Q is a 2×3×4 array",)),
    (HEADS, 'einsum("iij->j", Q)', ("i stands twice in iij", '"ikj,ik->j"')),
    (HEADS, 'einsum("...ij->...ji", Q)', ("no ellipsis",)),
    (HEADS, 'einsum("hij->hiz", Q)', ("z is a letter of the result",)),
    (HEADS, 'einsum("hij->hh", Q)', ("h stands twice in the result",)),
    (HEADS, "einsum(Q, K)", ("in quotes",)),
    (MAPS, "conv2d(X, K, X)", ("a number for each of the 4 output channels",)),
    (MAPS, "conv2d(X, K, groups=3)", ("do not fall into 3 groups",)),
    (MAPS, "conv2d(X, K, groups=2)", ("takes 3 in each of 2 groups",)),
    (MAPS, "conv2d(X, K, groups=(1, 2))", ("groups must be a whole number",)),
    (MAPS, "conv2d(X[0, 0], K[0, 0], groups=2)", ("leave groups out",)),
    (MAPS, "conv2d(X, K, stride=(1, 2, 3))", ("stride has 3 numbers", "stride=(2, 1)")),
    (MAPS, 'conv2d(X, K, padding="full")', ('padding="same"',)),
    (MAPS, 'conv2d(X, K, padding="same", stride=2)', ("needs a stride of 1",)),
    (MAPS, "conv2d(X, K, dilation=5)", ("a window of 6 does not fit into an axis of 5",)),
    (MAPS, "conv2d(X, K[0])", ("an axis more in front of the array",)),
    (MAPS, "conv_transpose2d(X, K)", ("X has 3 channels and the kernel K takes 4", "the first axis")),
    (MAPS, "conv_transpose2d(X, K[:3], stride=2, output_padding=2)", ("less than the stride",)),
    (MAPS, "conv_transpose2d(X, K[:3], padding=4)", ("leaves nothing of the result",)),
    (MAPS, "conv_transpose2d(X, K[:3], groups=2)", ("do not fall into 2 groups",)),
    (MAPS, "conv_transpose2d(X, K[:3], b[:2])", ("a number for each of the 3 output channels",)),
    (MAPS, "conv_transpose2d(X[0, 0], K[0, 0], groups=2)", ("leave groups out",)),
    (MAPS, "conv3d(X, K)", ("an array of three axes",)),
    (MAPS, "max_pool2d(X, padding=2)", ("in the padding alone",)),
    (MAPS, 'avg_pool2d(X, size="big")', ("size must be a whole number",)),
]  # fmt: skip


@pytest.mark.parametrize(("shapes", "formula", "said"), MISFITS, ids=lambda x: str(x)[:40])
def test_what_does_not_fit_is_named(shapes: Shapes, formula: str, said: tuple[str, ...]) -> None:
    with pytest.raises(handgrad.HandgradError) as error:
        build(problem(formula, shapes))
    for words in said:
        assert words in str(error.value)


def test_an_einsum_without_end_is_refused() -> None:
    shape = BY_NAME["einsum"].shape
    with pytest.raises(Misfit, match="more than"):
        shape([(1000,)] * 4, {"subscripts": "a,b,c,d->"})


@pytest.mark.parametrize(
    "text",
    ['einsum("ij,jk->ik", A, B)', 'conv2d(X, K, b, padding="same")', "K.mT @ V", "(A @ B).mT",
     "max_pool2d(h, size=(2, 1), stride=(1, 2), padding=(1, 0))"],
)  # fmt: skip
def test_written_and_read_back(text: str) -> None:
    assert source(parse_expression(text)) == text


@given(
    st.integers(1, 2), st.integers(3, 6), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2),
    st.integers(1, 2), st.integers(0, 2**16),
)  # fmt: skip
def test_windows_lie_where_pytorch_has_them(
    rank: int, n: int, k: int, stride: int, padding: int, dilation: int, seed: int
) -> None:
    """A convolution and a padded max pool of any options, against PyTorch; what does not fit is refused."""
    options = f"stride={stride}, padding={padding}, dilation={dilation}"
    shapes: Shapes = {"X": (2, *[n] * rank), "K": (1, 2, *[k] * rank)}
    fits = dilation * (k - 1) < n + 2 * padding
    made = problem(f"conv{rank}d(X, K, {options})", shapes, seed)
    if not fits:
        with pytest.raises(handgrad.ShapeError):
            build(made)
        return
    import torch

    x, w = (torch.tensor(made.parameters[name].array) for name in "XK")
    given = {"stride": stride, "padding": padding, "dilation": dilation}
    ours = handgrad.run(made, build(made)).value("r")
    assert_close(ours, TORCH[f"conv{rank}d"](x, w, **given).numpy())
    pool = problem(f"max_pool{rank}d(X, size={k}, {options})", shapes, seed)
    if not all(w.inside for w in windows([n] * rank, k, stride, padding, dilation)[0]):
        with pytest.raises(handgrad.ShapeError, match="padding alone"):
            build(pool)
    elif 2 * padding <= k:  # PyTorch pads by half of a window at most
        theirs = TORCH[f"max_pool{rank}d"](x, size=k, **given)
        assert_close(handgrad.run(pool, build(pool)).value("r"), theirs.numpy())


def said(problem: handgrad.Problem) -> str:
    page = handgrad.solve(problem).page()
    return " ".join(render_terminal(page, width=80, colour=False, unicode=True).split())


def test_the_words_of_an_einsum_say_what_its_letters_do() -> None:
    page = said(problem('einsum("hik,hjk->hij", Q, K)', HEADS))
    assert "the arguments meet along h, k, and the products are added up over k" in page
    assert "einsum(hij,hjk → hik; ∂L/∂r, K)" in page
    alone = said(problem('einsum("hij->ji", Q)', HEADS))
    assert "the entries are added up over h, and j, i are kept" in alone


def test_the_words_of_stacks_and_of_windows() -> None:
    assert "Multiply the stacks matrix by matrix" in said(
        handgrad.Problem(["r = (2*Q) @ (Q*3).mT", "L = sum(r)"], {}, {"Q": np.ones((2, 2, 3))})
    )
    page = said(problem('conv2d(X, K, b, stride=(2, 1), padding="valid")', MAPS))
    assert "stride = (2, 1), padding = valid" in page
    assert "the stride is 2×1" in page
    assert "A bias gets the gradient, added up over all places where it is added." in page


CLASSIFIER = """
equations = '''
Z = conv2d(X, K, b, groups=2)
H = relu(Z)
P = mean(H, axis=(2, 3))
L = sum((P @ w - y)**2)
'''
[parameters]
K = [[[[1, -0.5], [0.25, -0.75]]], [[[-0.5, -0.5], [-1, 0.2]]]]
b = [0.1, -1.2]
w = [0.3, -0.2]
[data]
X = [[[[1, 0, 2], [0, 1, 3]], [[1, 2, 0], [1, 1, 1]]], [[[0, 1, 1], [2, 0, 1]], [[1, 0, 0], [0, 2, 1]]]]
y = [1, 0]
"""


def test_a_unit_of_a_batch_is_its_channel() -> None:
    """Channel 2 is shut at both places of both examples; single places are no units of their own."""
    audit = handgrad.gates(handgrad.loads(CLASSIFIER))
    assert [(u.unit, u.fired_at, u.verdict) for u in audit.units] == [
        ((0,), 2, "alive"),
        ((1,), 0, "gated_off"),
    ]
    assert (audit.batch, audit.layers[0].positions) == (2, 4)
    page = " ".join(render_terminal(audit.page(), width=80, colour=False, unicode=True).split())
    assert "A batch of 2 examples." in page
    assert "each unit stands at 4 positions in the 2 examples" in page
    assert "Channel 2 of Z is gated off on this batch, at all 4 positions" in page


def test_practice_of_products_of_more_than_two() -> None:
    for text in (CLASSIFIER, CLASSIFIER.replace("P @ w", 'einsum("ni,i->n", P, w)')):
        assert len(handgrad.practice(handgrad.loads(text), count=1, seed=1).sheets) == 1
