"""Other kinds of number for the same run: exact ones, symbols, and intervals.

Exact numbers and symbols are classes of single numbers with Python's operators and the methods
that NumPy's functions call on objects (`exp`, `log`, `sqrt`, …), so that a plan runs on arrays of
them as it runs on floats. Intervals are arrays themselves, with their own namespace of functions.
No rule is written a second time.
"""

from handgrad.numbers.bounds import IntervalRun as IntervalRun
from handgrad.numbers.bounds import run_intervals as run_intervals
from handgrad.numbers.exact import Exact as Exact
from handgrad.numbers.interval import Interval as Interval
from handgrad.numbers.running import NumberKind as NumberKind
from handgrad.numbers.running import OtherRun as OtherRun
from handgrad.numbers.running import run_exact as run_exact
from handgrad.numbers.running import run_symbols as run_symbols
from handgrad.numbers.running import slopes_in_decimals as slopes_in_decimals
