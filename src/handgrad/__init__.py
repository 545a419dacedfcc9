"""handgrad: backpropagation by hand.

    >>> import handgrad
    >>> trace = handgrad.solve(handgrad.load("lab9"))
    >>> round(trace.run.loss, 4)
    0.4548

This module is the contents page of the library: each name is imported from its room when it is first
asked for. `__init__.pyi` is written from the list (`python -m tools.front_door`).
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

CONTENTS = {
    # Problems
    "problem": "Problem Update bundled loads",
    "models": "load",
    "models.jax": "from_jax",
    "models.keras": "from_keras",
    "models.onnx": "from_onnx",
    "models.sklearn": "from_sklearn",
    "models.torch_models": "from_torch",
    "problem.files": "Listing",
    "problem.starting": "new",
    # The worked solution, and the program that computes it
    "solution": "Step Trace solve",
    "solution.programs": "code",
    # Checking a person's work
    "checking": "CheckReport Checker assert_gradients check check_code",
    "checking.blanks": "blanks",
    # Grading a class
    "grading": "ClassReport grade",
    # Gates, and why a gradient is what it is
    "audit": "Audit gates",
    "paths": "WhyGradient WhyStepwise WhyValue WhyWhole why",
    # One unit of a network worked by itself
    "unit": "UnitSolution solve_unit",
    # Two solutions, and questions about one
    "comparison": "Comparison compare",
    "discussion": "QuestionSheet questions",
    # Practice and the drill
    "exercises": "Sheet SheetSet practice requirements",
    "drilling": "Drill DrillStore drill",
    # Training
    "study": "BornDead BornDeadTable OverTraining born_dead born_dead_table compare_training train",
    # A loop of PyTorch watched
    "watching": "DeadUnitsError Watched watch",
    # Gradients checked from outside
    "verification": "Verification verify",
    # Running the equations alone
    "running": "Run run",
    "running.engine": "Engine",
    "running.training": "Training",
    "numbers": "OtherRun run_exact run_intervals run_symbols",
    # The reference of the language
    "explaining": "Explanation explain",
    # Pages and files
    "saving": "Page",
    "saving.rendering": "render",
    # What goes wrong
    "errors": "EquationError HandgradError MissingExtraError NumberError OptionError ProblemError"
    " ShapeError",
}
"""The names of the library by the room that has them."""

_ROOMS = {name: room for room, names in CONTENTS.items() for name in names.split()}

__all__ = [*_ROOMS]


def __getattr__(name: str) -> Any:
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
    found = getattr(import_module(f"handgrad.{room}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
