"""The solution as a program that a person would write for these equations."""

from handgrad.solution.programs.code import code as code
from handgrad.solution.programs.dialects import DIALECTS as DIALECTS
from handgrad.solution.programs.writing import step_code as step_code
