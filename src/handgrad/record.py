"""Records: dataclasses that are quick to build and not to be changed, and how one is written as JSON."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, TypeAlias, TypeVar, dataclass_transform

T = TypeVar("T")

Proportion: TypeAlias = Annotated[float, "from 0 to 1"]
"""A part of a whole."""


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots that type checkers hold to be frozen: setting a field is an error to them.

    At run time nothing guards the fields. That guard makes an instance take six times as long to
    build, and the worked solution of a thousand equations is made of a hundred thousand.
    """
    return dataclass(slots=True, unsafe_hash="__hash__" not in vars(cls))(cls)


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How a record is written as JSON, where that isn't simply its fields: its class's `json`.

    Arguments:
        schema: the name of its schema, where the record is a whole document.
        without: fields that are left out.
        also: further attributes, such as properties; `title=problem.title` is that of another record under
            a key of its own, null where something on the way is None, and `step=number` renames a field.
        as_text: whether the record is written as its text, `str(record)`.
    """

    schema: str = ""
    without: Collection[str] = ()
    also: Collection[str] = ()
    as_text: bool = False

    @property
    def paths(self) -> dict[str, str]:
        """By key, the path of names that leads to what is written `also`."""
        pairs = [told.partition("=") for told in self.also]
        return {key: path or key for key, _, path in pairs}
