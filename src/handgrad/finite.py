"""Squares of an array's numbers that stay within floats: whether all are finite, and how long it is."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np


def all_finite(array: Any) -> bool:
    """Whether no number of an array of floats is infinite or undefined."""
    # Squares add up to something finite only where every number is; for the small arrays of a
    # worked solution one call of NumPy takes half the time of two.
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def norm(array: Any) -> float:
    """The root of the sum of the squares, where these are too small or too large for floats as well."""
    squares = float(np.vdot(array, array))
    if sys.float_info.min / sys.float_info.epsilon < squares < math.inf:
        return math.sqrt(squares)
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    scaled = array / largest
    return largest * math.sqrt(float(np.vdot(scaled, scaled)))
