"""Records: frozen dataclasses that are quick to build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots whose fields nobody sets: type checkers refuse it, as for a frozen one.

    At run time nothing guards the fields. That guard makes an instance take six times as long to
    build, and the worked solution of a thousand equations is made of a hundred thousand.
    """
    return dataclass(slots=True, unsafe_hash="__hash__" not in vars(cls))(cls)
