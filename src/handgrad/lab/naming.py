"""The names of figures on a page, read: `W2[1,0]`, `dz2[0,3]`, `updated.b3`, `eta`."""

from __future__ import annotations

import re

from handgrad.errors import OptionError, nearest
from handgrad.expression import Adjoint
from handgrad.formats.markup import quantity
from handgrad.lab.grids import spelled
from handgrad.lab.standing import RATE
from handgrad.record import record
from handgrad.solution import Trace

_NAME = re.compile(r"(\w+(?:\.\w+)?|d\w+/d\w+)(?:\[(\d{1,6}(?:,\d{1,6})*)\])?")


@record
class FigureName:
    """A figure of a solution: an entry of a value or of a gradient, counted from 0, the case last.

    `whole` is its spelling without the index.
    """

    name: str
    index: tuple[int, ...]
    gradient: bool
    whole: str

    @property
    def spelling(self) -> str:
        """The name that the page has for it."""
        return spelled(self.whole, self.index)


def read_figure(trace: Trace, text: object) -> FigureName:
    """What a name means. Raises `OptionError` where the solution has no such figure."""
    found = _NAME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise OptionError(f"{str(text)[:40]!r} names no figure")
    whole = found[1]
    index = tuple(map(int, found[2].split(","))) if found[2] else ()
    nodes = trace.graph.nodes
    gradients = {quantity(Adjoint(name)): name for name in nodes}
    if whole in nodes or whole == RATE:
        name, gradient = whole, False
    elif whole in gradients:
        name, gradient = gradients[whole], True
    else:
        raise OptionError(f"there is no {whole[:40]}", mend=nearest(whole, [*nodes, *gradients]))
    if name != RATE:
        shape = trace.run.value(name).shape
        if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
            raise OptionError(f"{name} has no entry {list(index)}")
    return FigureName(name, index, gradient, whole)
