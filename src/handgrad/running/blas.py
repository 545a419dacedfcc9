"""The BLAS that NumPy computes its matrix products with, for the one call that NumPy has none for.

C − A B takes NumPy a product and a pass over C; BLAS's gemm adds a product to what an array holds.
Another library's gemm would bring threads of its own, which wait for work on the processors that
NumPy's need.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np

from handgrad.arrays import Array

NUMPY_LINKS_IT = "numpy._core._multiarray_umath"
"""The module of NumPy's that is linked to its BLAS."""

SYMBOLS: tuple[tuple[str, Any], ...] = (
    ("scipy_cblas_{}gemm64_", ctypes.c_int64),
    ("cblas_{}gemm64_", ctypes.c_int64),
    ("scipy_cblas_{}gemm", ctypes.c_int32),
    ("cblas_{}gemm", ctypes.c_int32),
)
"""What gemm is called in the builds of NumPy, with the type of its lengths; the first are NumPy's own."""

TYPES = {"f": ("s", ctypes.c_float), "d": ("d", ctypes.c_double)}
"""By NumPy's letter for a type, BLAS's, and C's type of its numbers."""

ROWS, PLAIN, TRANSPOSED = 101, 111, 112
"""CBLAS's names for arrays in rows, and for operands as they lie or transposed."""


def subtract_product(c: Array, a: Array, b: Array) -> Array:
    """C − A B, in C's own array, which is returned.

    Arguments:
        c: of shape (m, n).
        a: of shape (m, k).
        b: of shape (k, n).
    """
    gemm = _gemm(c.dtype.char)
    if gemm is None or not c.flags.c_contiguous or not (_readable(a, c) and _readable(b, c)):
        return np.subtract(c, a @ b, out=c)
    gemm(c, a, b)
    return c


def _readable(operand: Array, c: Array) -> bool:
    """Whether BLAS can read an operand as it lies, while it writes into C."""
    contiguous = operand.flags.c_contiguous or operand.flags.f_contiguous
    alike = operand.dtype == c.dtype and operand.size > 0
    return contiguous and alike and not np.may_share_memory(operand, c)


Gemm: TypeAlias = Callable[[Array, Array, Array], None]


@cache
def _gemm(letter: str) -> Gemm | None:
    """gemm with α = −1 and β = 1 on numbers of NumPy's type `letter`; None where there is none to be had."""
    spec = find_spec(NUMPY_LINKS_IT)
    if letter not in TYPES or spec is None or spec.origin is None:
        return None
    name, number = TYPES[letter]
    try:
        library = ctypes.CDLL(spec.origin)
    except OSError:
        return None
    for symbol, length in SYMBOLS:
        function = getattr(library, symbol.format(name), None)
        if function is not None:
            return _checked(_called(function, number, length), letter)
    return None


def _called(function: Any, number: Any, length: Any) -> Gemm:
    pointer, choice = ctypes.c_void_p, ctypes.c_int
    function.restype = None
    function.argtypes = (
        *(choice, choice, choice, length, length, length),
        *(number, pointer, length, pointer, length, number, pointer, length),
    )

    def gemm(c: Array, a: Array, b: Array) -> None:
        (m, n), k = c.shape, a.shape[1]
        # How it lies, and the distance in memory from one row, or one column, to the next.
        a_lies, a_step = (PLAIN, k) if a.flags.c_contiguous else (TRANSPOSED, m)
        b_lies, b_step = (PLAIN, n) if b.flags.c_contiguous else (TRANSPOSED, k)
        function(
            *(ROWS, a_lies, b_lies, m, n, k),
            *(-1.0, a.ctypes.data, a_step, b.ctypes.data, b_step, 1.0, c.ctypes.data, n),
        )

    return gemm


def _checked(gemm: Gemm, letter: str) -> Gemm | None:
    """The function, where it computes what it is taken to compute."""
    a, b = np.arange(6, dtype=letter).reshape(2, 3), np.arange(12, dtype=letter).reshape(3, 4)
    for left, right in ((a, np.asfortranarray(b)), (np.asfortranarray(a), b)):
        c = np.ones((2, 4), letter)
        gemm(c, left, right)
        if not np.array_equal(c, 1 - a @ b):
            return None
    return gemm
