"""The solution as a program that a person would write for these equations."""

from handgrad.solution.programs.dialects import DIALECTS as DIALECTS
from handgrad.solution.programs.writing import step_code as step_code
from handgrad.solution.programs.writing import write_code as write_code
