"""The solution as a program that a person would write for these equations."""

from handgrad.render.code.dialects import DIALECTS as DIALECTS
from handgrad.render.code.writing import step_code as step_code
from handgrad.render.code.writing import write_code as write_code
