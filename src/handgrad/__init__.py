"""handgrad: backpropagation by hand.

    >>> import handgrad
    >>> trace = handgrad.solve(handgrad.load("lab9"))
    >>> round(trace.run.loss, 4)
    0.4548

This module is the contents page of the library.
"""

from handgrad.errors import EquationError as EquationError
from handgrad.errors import HandgradError as HandgradError
from handgrad.errors import MissingExtraError as MissingExtraError
from handgrad.errors import NumberError as NumberError
from handgrad.errors import OptionError as OptionError
from handgrad.errors import ProblemError as ProblemError
from handgrad.errors import ShapeError as ShapeError
from handgrad.graph import Graph as Graph
from handgrad.graph import build as build
from handgrad.page import Page as Page
from handgrad.page import Phase as Phase
from handgrad.page import solution_page as solution_page
from handgrad.page.listing import list_page as list_page
from handgrad.page.verification import verification_page as verification_page
from handgrad.problem import Problem as Problem
from handgrad.problem import Update as Update
from handgrad.problem import bundled as bundled
from handgrad.problem import load as load
from handgrad.problem import loads as loads
from handgrad.render import render_terminal as render_terminal
from handgrad.render import to_json as to_json
from handgrad.render import verification_object as verification_object
from handgrad.run import Carry as Carry
from handgrad.run import Engine as Engine
from handgrad.run import Gradients as Gradients
from handgrad.run import Plan as Plan
from handgrad.run import Run as Run
from handgrad.run import Training as Training
from handgrad.run import run as run
from handgrad.trace import Step as Step
from handgrad.trace import Trace as Trace
from handgrad.trace import solve as solve
from handgrad.verify import Verification as Verification
from handgrad.verify import verify as verify

__version__ = "0.1.0"
