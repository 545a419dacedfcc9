"""A model's inputs and targets as arrays by name: from arrays, or from .npy and .npz files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import NumberError, OptionError, nearest


def array_of(value: Any, where: str) -> NDArray[Any]:
    """An array, or what a .npy file holds. Raises `NumberError` for anything else."""
    if isinstance(value, str | Path):
        return _from_file(Path(value), where)
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise NumberError("the array cannot be read", where=where) from None
    return _checked(array, where)


def arrays_of(value: Any, names: Sequence[str], where: str) -> dict[str, NDArray[Any]]:
    """An array for each name.

    Arguments:
        value: one array or .npy file where there is one name; else several by name, in a mapping or a .npz file,
            or in their order, in a tuple.
        names: what is wanted.
        where: what they are given as, for errors.

    Raises `OptionError` where an array is missing or one is not asked for.
    """
    if isinstance(value, str | Path) and Path(value).suffix.lower() == ".npz":
        value = _from_archive(Path(value), where)
    if isinstance(value, tuple):
        if len(value) != len(names):
            raise OptionError(
                f"there are {len(value)} arrays for {len(names)} inputs",
                where=where,
                mend=f"they are {', '.join(names)}",
            )
        value = dict(zip(names, value, strict=True))
    if isinstance(value, Mapping):
        for name in value:
            if name not in names:
                raise OptionError(
                    f"the model has no input {str(name)[:40]!r}",
                    where=where,
                    mend=nearest(str(name), names) or f"its inputs are {', '.join(names)}",
                )
        missing = [name for name in names if name not in value]
        if missing:
            raise OptionError(f"nothing is given for {', '.join(missing)}", where=where)
        return {name: array_of(value[name], f"{where}[{name!r}]") for name in names}
    if value is None or len(names) != 1:
        wanted = ", ".join(names)
        raise OptionError(
            "the model's inputs are not given"
            if value is None
            else f"one array is given for {len(names)} inputs",
            where=where,
            mend=f"give {wanted}" if len(names) == 1 else f"give them by name: {wanted}",
        )
    return {names[0]: array_of(value, where)}


def _from_file(path: Path, where: str) -> NDArray[Any]:
    if path.suffix.lower() == ".npz":
        found = _from_archive(path, where)
        if len(found) != 1:
            raise NumberError(
                f"{path.name} holds {len(found)} arrays", where=where, mend="one is taken here"
            )
        return next(iter(found.values()))
    if path.suffix.lower() != ".npy":
        raise NumberError(
            f"{path.name} is no .npy file", where=where, mend="save the array with numpy.save"
        )
    return _checked(_loaded(path, where), where)


def _from_archive(path: Path, where: str) -> dict[str, NDArray[Any]]:
    archive = _loaded(path, where)
    with archive:
        try:
            return {name: _checked(archive[name], where) for name in archive.files}
        except (OSError, ValueError) as error:
            raise NumberError(f"{path.name} cannot be read: {error}", where=where) from None


def _loaded(path: Path, where: str) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise NumberError(f"there is no file {path}", where=where) from None
    except (OSError, ValueError, EOFError) as error:
        raise NumberError(f"{path.name} cannot be read: {error}", where=where) from None


def _checked(array: NDArray[Any], where: str) -> NDArray[Any]:
    if array.dtype.kind not in "iufb":
        raise NumberError(f"an array of {array.dtype} holds no real numbers", where=where)
    if array.size == 0:
        raise NumberError("there are no numbers in it", where=where)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise NumberError(
            "it holds a NaN or an infinity", where=where, mend="every number must be finite"
        )
    return array
