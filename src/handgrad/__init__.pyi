# Written by `python -m tools.front_door` from the list in `__init__.py`.

from handgrad.audit import Audit as Audit
from handgrad.audit import gates as gates
from handgrad.checking import CheckReport as CheckReport
from handgrad.checking import Checker as Checker
from handgrad.checking import assert_gradients as assert_gradients
from handgrad.checking import check as check
from handgrad.checking import check_code as check_code
from handgrad.checking.blanks import blanks as blanks
from handgrad.comparison import Comparison as Comparison
from handgrad.comparison import compare as compare
from handgrad.discussion import QuestionSheet as QuestionSheet
from handgrad.discussion import questions as questions
from handgrad.drilling import Drill as Drill
from handgrad.drilling import DrillStore as DrillStore
from handgrad.drilling import drill as drill
from handgrad.errors import EquationError as EquationError
from handgrad.errors import HandgradError as HandgradError
from handgrad.errors import MissingExtraError as MissingExtraError
from handgrad.errors import NumberError as NumberError
from handgrad.errors import OptionError as OptionError
from handgrad.errors import ProblemError as ProblemError
from handgrad.errors import ShapeError as ShapeError
from handgrad.exercises import Sheet as Sheet
from handgrad.exercises import SheetSet as SheetSet
from handgrad.exercises import practice as practice
from handgrad.exercises import requirements as requirements
from handgrad.explaining import Explanation as Explanation
from handgrad.explaining import explain as explain
from handgrad.grading import ClassReport as ClassReport
from handgrad.grading import grade as grade
from handgrad.models import load as load
from handgrad.models.jax import from_jax as from_jax
from handgrad.models.keras import from_keras as from_keras
from handgrad.models.onnx import from_onnx as from_onnx
from handgrad.models.sklearn import from_sklearn as from_sklearn
from handgrad.models.torch_models import from_torch as from_torch
from handgrad.numbers import OtherRun as OtherRun
from handgrad.numbers import run_exact as run_exact
from handgrad.numbers import run_intervals as run_intervals
from handgrad.numbers import run_symbols as run_symbols
from handgrad.paths import WhyGradient as WhyGradient
from handgrad.paths import WhyStepwise as WhyStepwise
from handgrad.paths import WhyValue as WhyValue
from handgrad.paths import WhyWhole as WhyWhole
from handgrad.paths import why as why
from handgrad.problem import Problem as Problem
from handgrad.problem import Update as Update
from handgrad.problem import bundled as bundled
from handgrad.problem import loads as loads
from handgrad.problem.files import Listing as Listing
from handgrad.problem.starting import new as new
from handgrad.running import Run as Run
from handgrad.running import run as run
from handgrad.running.engine import Engine as Engine
from handgrad.running.training import Training as Training
from handgrad.saving import Page as Page
from handgrad.saving.rendering import render as render
from handgrad.solution import Step as Step
from handgrad.solution import Trace as Trace
from handgrad.solution import solve as solve
from handgrad.solution.programs import code as code
from handgrad.study import BornDead as BornDead
from handgrad.study import BornDeadTable as BornDeadTable
from handgrad.study import OverTraining as OverTraining
from handgrad.study import born_dead as born_dead
from handgrad.study import born_dead_table as born_dead_table
from handgrad.study import compare_training as compare_training
from handgrad.study import train as train
from handgrad.unit import UnitSolution as UnitSolution
from handgrad.unit import solve_unit as solve_unit
from handgrad.verification import Verification as Verification
from handgrad.verification import verify as verify
from handgrad.watching import DeadUnitsError as DeadUnitsError
from handgrad.watching import Watched as Watched
from handgrad.watching import watch as watch

__all__ = [
    "Audit",
    "BornDead",
    "BornDeadTable",
    "CheckReport",
    "Checker",
    "ClassReport",
    "Comparison",
    "DeadUnitsError",
    "Drill",
    "DrillStore",
    "Engine",
    "EquationError",
    "Explanation",
    "HandgradError",
    "Listing",
    "MissingExtraError",
    "NumberError",
    "OptionError",
    "OtherRun",
    "OverTraining",
    "Page",
    "Problem",
    "ProblemError",
    "QuestionSheet",
    "Run",
    "ShapeError",
    "Sheet",
    "SheetSet",
    "Step",
    "Trace",
    "Training",
    "UnitSolution",
    "Update",
    "Verification",
    "Watched",
    "WhyGradient",
    "WhyStepwise",
    "WhyValue",
    "WhyWhole",
    "assert_gradients",
    "blanks",
    "born_dead",
    "born_dead_table",
    "bundled",
    "check",
    "check_code",
    "code",
    "compare",
    "compare_training",
    "drill",
    "explain",
    "from_jax",
    "from_keras",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "gates",
    "grade",
    "load",
    "loads",
    "new",
    "practice",
    "questions",
    "render",
    "requirements",
    "run",
    "run_exact",
    "run_intervals",
    "run_symbols",
    "solve",
    "solve_unit",
    "train",
    "verify",
    "watch",
    "why",
]
__version__: str
CONTENTS: dict[str, str]
