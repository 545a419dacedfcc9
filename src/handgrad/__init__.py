"""handgrad: backpropagation by hand.

    >>> import handgrad
    >>> trace = handgrad.solve(handgrad.load("lab9"))
    >>> round(trace.run.loss, 4)
    0.4548

This module is the contents page of the library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from handgrad.check import assert_gradients as assert_gradients
from handgrad.check import check as check
from handgrad.check import check_code as check_code
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
from handgrad.problem import Problem as Problem
from handgrad.problem import Update as Update
from handgrad.problem import bundled as bundled
from handgrad.problem import load as load
from handgrad.problem import loads as loads
from handgrad.render import render_terminal as render_terminal
from handgrad.run import Carry as Carry
from handgrad.run import Plan as Plan
from handgrad.run import Run as Run
from handgrad.run import run as run
from handgrad.trace import Step as Step
from handgrad.trace import Trace as Trace
from handgrad.trace import solve as solve

if TYPE_CHECKING:
    from handgrad.check.blanks import Blank as Blank
    from handgrad.check.blanks import blank_toml as blank_toml
    from handgrad.check.blanks import blanks as blanks
    from handgrad.check.checking import Checker as Checker
    from handgrad.check.report import Level as Level
    from handgrad.check.report import Report as Report
    from handgrad.numbers import NumberKind as NumberKind
    from handgrad.numbers import run_exact as run_exact
    from handgrad.numbers import run_intervals as run_intervals
    from handgrad.numbers import run_symbols as run_symbols
    from handgrad.page.checking import check_page as check_page
    from handgrad.page.listing import list_page as list_page
    from handgrad.page.numbers import numbers_page as numbers_page
    from handgrad.page.verification import verification_page as verification_page
    from handgrad.render.checks import check_object as check_object
    from handgrad.render.code import write_code as write_code
    from handgrad.render.json import numbers_object as numbers_object
    from handgrad.render.json import to_json as to_json
    from handgrad.render.json import verification_object as verification_object
    from handgrad.run.engine import Engine as Engine
    from handgrad.run.engine import Gradients as Gradients
    from handgrad.run.training import Training as Training
    from handgrad.verification import Verification as Verification
    from handgrad.verification import verify as verify

__version__ = "0.1.0"

_WHEN_ASKED_FOR = {
    "Blank": "handgrad.check.blanks",
    "blank_toml": "handgrad.check.blanks",
    "blanks": "handgrad.check.blanks",
    "Checker": "handgrad.check.checking",
    "Level": "handgrad.check.report",
    "Report": "handgrad.check.report",
    "check_object": "handgrad.render.checks",
    "check_page": "handgrad.page.checking",
    "NumberKind": "handgrad.numbers",
    "numbers_object": "handgrad.render.json",
    "run_exact": "handgrad.numbers",
    "run_intervals": "handgrad.numbers",
    "run_symbols": "handgrad.numbers",
    "numbers_page": "handgrad.page.numbers",
    "list_page": "handgrad.page.listing",
    "verification_page": "handgrad.page.verification",
    "to_json": "handgrad.render.json",
    "verification_object": "handgrad.render.json",
    "verify": "handgrad.verification",
    "Verification": "handgrad.verification",
    "Engine": "handgrad.run.engine",
    "Gradients": "handgrad.run.engine",
    "Training": "handgrad.run.training",
    "write_code": "handgrad.render.code",
}
"""What a worked solution does not need, and so does not wait for: the module that has it, by name."""


def __getattr__(name: str) -> Any:
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
    return getattr(import_module(_WHEN_ASKED_FOR[name]), name)
