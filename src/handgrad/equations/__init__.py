"""The equation language, read and written: `source` writes what `parse_expression` reads.

Names, numbers, + - * / ** @, unary minus, .T, indexing, arrays of numbers, and the
operations of the table, with NumPy's meaning and Python's precedence. The spellings of
mathematics (−, ·, ⊙, ᵀ, σ, ŷ, z⁽¹⁾, w₁₂) are accepted. Definitions and repeats are written
out, so that nothing else knows of them. Nothing is ever evaluated.
"""

from handgrad.equations.reading import BlockText as BlockText
from handgrad.equations.reading import Equation as Equation
from handgrad.equations.reading import parse_equations as parse_equations
from handgrad.equations.reading import parse_expression as parse_expression
from handgrad.equations.reading import places_of as places_of
from handgrad.equations.reading import read_equations as read_equations
from handgrad.equations.source import Writer as Writer
from handgrad.equations.source import source as source
from handgrad.equations.tokens import plain_name as plain_name
