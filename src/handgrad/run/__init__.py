"""Running a graph: forward values and gradients, for one case or for many at once."""

from handgrad.run.evaluate import evaluate as evaluate
from handgrad.run.plan import Carry as Carry
from handgrad.run.plan import Plan as Plan
from handgrad.run.plan import Run as Run
from handgrad.run.plan import run as run
