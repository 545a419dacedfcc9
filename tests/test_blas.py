"""A product subtracted in place: what NumPy computes, however the operands lie and whatever BLAS there is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from tests.oracle import assert_close

blas = import_module("handgrad.running.blas")

NUMPYS_OWN = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"] == "scipy-openblas"


def lying(array: Any, how: str) -> Any:
    """The same numbers in rows, in columns, or with gaps between them."""
    if how == "gaps":
        wide = np.zeros((array.shape[0], 2 * array.shape[1]), array.dtype)
        wide[:, ::2] = array
        return wide[:, ::2]
    return np.array(array, order=how)  # type: ignore[call-overload]


SIZES = st.integers(0, 7)
LAYOUTS = st.sampled_from(["C", "F", "gaps"])


@given(SIZES, SIZES, SIZES, st.tuples(LAYOUTS, LAYOUTS, LAYOUTS), st.sampled_from("fdg"))
def test_it_is_numpys_difference(
    m: int, k: int, n: int, how: tuple[str, str, str], of: str
) -> None:
    generator = np.random.default_rng(m + 8 * k + 64 * n)
    c, a, b = (
        lying(generator.integers(-9, 9, shape).astype(of), layout)
        for shape, layout in zip(((m, n), (m, k), (k, n)), how, strict=True)
    )
    expected = c - a @ b
    assert blas.subtract_product(c, a, b) is c
    assert np.array_equal(c, expected)


def test_operands_that_share_its_memory() -> None:
    c = np.arange(16.0).reshape(4, 4)
    for operand in (c, c.T):
        expected = operand - operand @ operand.T
        whole = operand.copy()
        blas.subtract_product(whole, whole, whole.T)
        assert np.array_equal(whole, expected)


@pytest.fixture
def afresh() -> Iterator[None]:
    """BLAS is looked for again within the test, and after it."""
    blas._gemm.cache_clear()
    yield
    blas._gemm.cache_clear()


@pytest.mark.usefixtures("afresh")
@pytest.mark.skipif(not NUMPYS_OWN, reason="another build of NumPy")
def test_numpys_own_blas_is_found() -> None:
    assert blas._gemm("f") is not None
    assert blas._gemm("d") is not None
    assert blas._gemm("g") is None


def problem() -> handgrad.Problem:
    """Matrices of which each is needed for the other's update, and one that is needed for its own."""
    generator = np.random.default_rng(3)
    return handgrad.Problem(
        "A = V @ W\nB = U @ U\nH = tanh(K @ X)\nL = mse(A, T) + mse(B, T) + mse(H, T)",
        {n: 0.1 * generator.normal(size=(64, 64)) for n in "VWUK"},
        {"T": np.eye(64), "X": generator.normal(size=(64, 64))},
        update=handgrad.Update("sgd", 0.5),
    )


def trained() -> handgrad.Training:
    training = handgrad.Training(problem())
    training.run(10)
    return training


def test_updates_that_need_each_others_matrices() -> None:
    trace = handgrad.solve(problem(), steps=10)
    training = trained()
    assert_close(training.losses, [t.before for t in trace.training])
    for name, value in trace.updated.items():
        assert_close(training.parameters[name], value)


@pytest.mark.usefixtures("afresh")
@pytest.mark.parametrize("symbols", [(), (("no_such_{}gemm", int),)])
def test_without_a_blas_that_is_known(symbols: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training is the same with BLAS and without."""
    usual = trained()
    monkeypatch.setattr(blas, "SYMBOLS", symbols)
    blas._gemm.cache_clear()
    assert blas._gemm("d") is None
    assert_close(trained().losses, usual.losses)


@pytest.mark.usefixtures("afresh")
def test_a_function_that_computes_something_else_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def adds(function: Any, number: Any, length: Any) -> Any:
        return lambda c, a, b: np.add(c, a @ b, out=c)

    monkeypatch.setattr(blas, "_called", adds)
    assert blas._gemm("d") is None
