"""Charts as drawings: lines over steps, bars by unit, stacked bars of outcomes, and maps of gates or of numbers.

Nothing is said by colour alone: lines differ in their dashes and marks and are named at their
ends, a shut gate is crossed out, a bar and a cell carry their figure.
"""

from handgrad.picture.charts.axes import Axis as Axis
from handgrad.picture.charts.axes import figure_text as figure_text
from handgrad.picture.charts.bars import Bar as Bar
from handgrad.picture.charts.bars import bar_chart as bar_chart
from handgrad.picture.charts.lines import Series as Series
from handgrad.picture.charts.lines import line_chart as line_chart
from handgrad.picture.charts.maps import gate_map as gate_map
from handgrad.picture.charts.maps import heat_map as heat_map
from handgrad.picture.charts.stacked import Outcome as Outcome
from handgrad.picture.charts.stacked import Stack as Stack
from handgrad.picture.charts.stacked import stacked_chart as stacked_chart
