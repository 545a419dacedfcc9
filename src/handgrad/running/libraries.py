"""Arrays of other libraries: PyTorch, JAX, CuPy and whatever else follows the array API standard.

Their functions come from array-api-compat, which gives every library the standard's names; a
plan's kernels ask for nothing else but `einsum`, which these libraries have too, `special.erf` and
`special.erfc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, cast

import numpy as np

from handgrad.arrays import AnyArray
from handgrad.errors import MissingExtraError, OptionError

SPECIAL = {"jax.numpy": "jax.scipy.special", "array_api_compat.cupy": "cupyx.scipy.special"}
"""Where a library keeps erf and erfc, by the name of its namespace; PyTorch's own has it as `special`."""

NUMPY = (np.ndarray, np.generic)


class Library:
    """The functions of the library that some arrays come from, and more arrays beside them.

    Whole numbers among the arrays are turned into the precision of the others.
    """

    def __init__(self, arrays: Iterable[AnyArray]) -> None:
        first, *others = arrays
        self.functions = _functions(first)
        self._floats = [a for a in (first, *others) if self._is_float(a)]
        self._beside = self._floats[0] if self._floats else first

    def __getattr__(self, name: str) -> Any:
        return getattr(self.functions, name)

    @property
    def special(self) -> Any:
        """The module that has erf and erfc."""
        place = SPECIAL.get(self.functions.__name__)
        return self.functions.special if place is None else import_module(place)

    def asarray(self, value: Any) -> AnyArray:
        """An array of this library, on the device and in the precision of those it stands beside."""
        dtype = self._beside.dtype if self._floats else self.functions.float64
        if _is_foreign(value):
            array = value if self._is_float(value) else self.functions.astype(value, dtype)
        else:
            # Within jax.jit an array has no device yet.
            device = getattr(self._beside, "device", None)
            array = self.functions.asarray(value, dtype=dtype, device=device)
        return cast(AnyArray, array)

    def where(self, condition: Any, a: Any, b: Any) -> AnyArray:
        """One or the other; of two plain numbers PyTorch would make single precision."""
        if isinstance(a, float) and isinstance(b, float):
            a = self.asarray(a)
        return cast(AnyArray, self.functions.where(condition, a, b))

    def _is_float(self, array: AnyArray) -> bool:
        return bool(self.functions.isdtype(array.dtype, "real floating"))


def library_of(values: Mapping[str, Any]) -> Library | None:
    """The library that the arrays among `values` come from; None where all are NumPy's or numbers.

    Raises `OptionError` for an array that no known library made, and `MissingExtraError` where
    array-api-compat is not installed.
    """
    foreign = [v for v in values.values() if _is_foreign(v)]
    return Library(foreign) if foreign else None


def _is_foreign(value: Any) -> bool:
    return hasattr(value, "dtype") and not isinstance(value, NUMPY)


def _functions(array: AnyArray) -> Any:
    """The library's functions by the standard's names; plain imports, which torch.compile can trace."""
    try:
        match type(array).__module__.partition(".")[0]:
            case "torch":
                import array_api_compat.torch as torch_functions

                return torch_functions
            case "jax" | "jaxlib":
                import jax.numpy as jax_functions

                return jax_functions
            case _:
                import array_api_compat

                return array_api_compat.array_namespace(array)
    except ModuleNotFoundError:
        raise MissingExtraError(
            "arrays of other libraries need array-api-compat",
            mend="pip install 'handgrad[arrays]'",
        ) from None
    except TypeError:
        raise OptionError(
            f"a {type(array).__name__} is not an array that handgrad can compute with",
            mend="pass numbers, or arrays of NumPy, PyTorch, JAX or CuPy",
        ) from None
