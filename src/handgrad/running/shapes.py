"""Whether given values fit a problem: their type, the shape of each, and one number of cases for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.arrays import Precision
from handgrad.errors import OptionError
from handgrad.expression import Shape


def check_shape(name: str, shape: Shape, own: Shape, batched: bool) -> None:
    """Raises `OptionError` where a value's shape is not its own, with the cases last where it has them."""
    if (shape[:-1] if batched else shape) != own or (batched and not shape):
        wanted = ", ".join(map(str, (*own, "cases") if batched else own))
        mend = f"the problem's is ({wanted}{',' * (len(own) + batched == 1)})"
        if not batched and shape[:-1] == own:
            mend += f"; to run many, give {name} as {{ cases = [ … ] }} in the problem"
        elif own in (shape[::-1], shape[1:]):
            mend += f"; did you mean {name}.T?"
        raise OptionError(f"{name} has the shape {shape}", mend=mend)


def precision(dtype: Precision) -> np.dtype[Any]:
    """Single or double precision as this machine has it; raises `OptionError` for another type."""
    try:
        found: np.dtype[Any] | None = np.dtype(dtype).newbyteorder("=")
    except TypeError:
        found = None
    if found is None or found not in (np.float64, np.float32):
        raise OptionError(f"the type of the numbers is {dtype!r}", mend="float64 or float32")
    return found


def case_count(shapes: Mapping[str, Shape]) -> int | None:
    """How many cases values of these shapes have, None where there are none.

    Raises `OptionError` where they do not agree.
    """
    counts = {name: shape[-1] for name, shape in shapes.items()}
    if len(set(counts.values())) > 1:
        said = " and ".join(f"{n} has {c} cases" for n, c in counts.items())
        raise OptionError(said, mend="every value with cases needs the same number of them")
    return next(iter(counts.values()), None)
