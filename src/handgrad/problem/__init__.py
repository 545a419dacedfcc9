"""Problems: equations, numbers, which of them are data, and how to update."""

from handgrad.problem.files import bundled as bundled
from handgrad.problem.files import load as load
from handgrad.problem.files import loads as loads
from handgrad.problem.given import Given as Given
from handgrad.problem.problem import Problem as Problem
from handgrad.updates import Update as Update
