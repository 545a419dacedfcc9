"""What belongs to which of many units, found for all at once, is what is found of each unit by itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest

import handgrad
from handgrad.graph import activations, build
from handgrad.running import owners, units
from handgrad.running.units import LayerUnits
from handgrad.solution import silencing
from handgrad.solution.silencing import Silencing

drawn = np.random.default_rng(0).normal

PROBLEMS = {
    "mlp": handgrad.Problem.mlp([12, 16, 10, 9], seed=1),
    "channels": handgrad.Problem(
        "c = conv2d(x, K, padding=1) + reshape(b, shape=(12,1,1))\nh = relu(c)\nd = max_pool2d(conv2d(h, J), 2)\n"
        "g = relu(d)\ns = V @ mean(g, axis=(1,2))\nL = sum(s**2)",
        {"K": drawn(size=(12, 2, 3, 3)), "b": drawn(size=12), "J": drawn(size=(10, 12, 2, 2)), "V": drawn(size=(3, 10))},
        {"x": drawn(size=(2, 5, 5))},
    ),
    "rows": handgrad.Problem(
        "Z = X @ W + b\nH = relu(Z)\nP = layernorm(H) * g\nQ = relu(P @ V)\nL = sum(Q**2)",
        {"W": drawn(size=(3, 11)), "b": drawn(size=11), "g": drawn(size=11), "V": drawn(size=(11, 9))},
        {"X": drawn(size=(4, 3))},
    ),
    "twice": handgrad.Problem(
        "z = W @ x + b\nh = relu(z)\nk = relu(z) * max(h)\nL = sum(h * k) + c * sum(z)",
        {"W": drawn(size=(9, 2)), "b": drawn(size=9), "c": 0.5},
        {"x": drawn(size=2)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_all_at_once_as_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = build(PROBLEMS[name])

    def own() -> list[object]:
        layers = [LayerUnits(graph, a.pre_activation) for a in activations(graph)]
        return [layer.own(unit) for layer in layers for unit in np.ndindex(*layer.units)]

    def zeroed() -> list[object]:
        search = Silencing(graph)
        leaves = list(search.consumers)
        entries = [(leaf, at) for leaf in leaves for at in islice(np.ndindex(*graph.shape(leaf)), 60)]  # fmt: skip
        slices = [
            (leaf, (k, *(slice(None),) * (len(shape) - 1)))
            for leaf in leaves
            for shape in [graph.shape(leaf)]
            if len(shape) > 1
            for k in range(shape[0])
        ]
        return [search.zeroed(leaf, unit) for leaf, unit in [*entries, *slices]]

    def both(few: int) -> tuple[list[object], list[object]]:
        for module in (units, silencing):
            monkeypatch.setattr(module, "FEW", few)
        return own(), zeroed()

    at_once, one_by_one = both(0), both(10**9)
    assert any(at_once[0])
    assert any(at_once[1]) or name == "rows"  # of whose entries each has several causes
    assert at_once == one_by_one


def numbers(plain: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> owners.Owners | None:
    steps, scattered = owners.factors(3)
    with np.errstate(all="ignore"):
        power = np.where(plain != 0, np.log2(of(np.full(3, 2.0)) / plain), 0.0)
    return owners.owners(plain, of(steps), of(scattered), 3, power)


def test_whose_a_number_is() -> None:
    """Of a power of one unit its; of what no unit scales nobody's; of a product or a sum of two nothing is said."""
    alone = numbers(np.ones(4), lambda c: np.array([c[2], c[0] ** 2, c[1] ** 0.5, 1.0]))
    assert alone is not None
    assert alone.by_number.tolist() == [2, 0, 1, owners.NOBODY]
    assert alone.of(0) == ((1,),)
    assert numbers(np.ones(1), lambda c: np.array([c[0] * c[1]])) is None
    assert numbers(np.full(1, 2.0), lambda c: np.array([c[0] + c[1]])) is None
