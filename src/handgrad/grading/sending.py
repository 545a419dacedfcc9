"""What a grader finds, as bytes that another process or machine reads.

The quantities and formulas of a problem stay where they are: they are sent by their places and expressions, and
are those of the receiver's own problem there.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from handgrad.checking.formula import CompiledFormula
from handgrad.checking.quantities import Quantity, Structure
from handgrad.grading.graded import Graded


def sent(graded: Graded, structure: Structure) -> bytes:
    """What was found, with references to the problem's structure."""
    into = io.BytesIO()
    _Sender(into, structure).dump(graded)
    return into.getvalue()


def received(data: bytes, structure: Structure) -> Graded:
    """What another process found, with the quantities of this one's structure of the same problem.

    It is read as pickles are: only what a worker of one's own has sent is given to it.
    """
    found: Graded = _Receiver(io.BytesIO(data), structure).load()
    return found


class _Sender(pickle.Pickler):
    def __init__(self, into: io.BytesIO, structure: Structure) -> None:
        super().__init__(into, protocol=pickle.HIGHEST_PROTOCOL)
        self.places = {quantity.leaf: k for k, quantity in enumerate(structure.quantities)}

    def persistent_id(self, sent: Any) -> Any:
        match sent:
            case Quantity(leaf=leaf):
                return self.places[leaf]
            case CompiledFormula(expression=expression):
                return expression
            case _:
                return None


class _Receiver(pickle.Unpickler):
    def __init__(self, data: io.BytesIO, structure: Structure) -> None:
        super().__init__(data)
        self.structure = structure

    def persistent_load(self, sent: Any) -> Any:
        return (
            self.structure.quantities[sent]
            if isinstance(sent, int)
            else self.structure.compiled(sent)
        )
