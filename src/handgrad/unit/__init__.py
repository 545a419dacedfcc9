"""One unit of a network worked out by itself: its own row forward and backward, however large the network is."""

from handgrad.unit.answer import UnitSolution as UnitSolution
from handgrad.unit.structure import OwnEntry as OwnEntry
from handgrad.unit.structure import OwnGradient as OwnGradient
from handgrad.unit.working import solve_unit as solve_unit
