"""Running a graph: forward values and gradients, for one case or for many at once."""

from handgrad.running.evaluate import evaluate as evaluate
from handgrad.running.plan import Carry as Carry
from handgrad.running.plan import Plan as Plan
from handgrad.running.plan import Run as Run
from handgrad.running.plan import run as run
