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

from handgrad.checked import checked_by
from handgrad.shown import shown_by

__version__ = "0.1.0"

CONTENTS = {
    # Problems
    "problem": "Problem Update bundled load loads",
    "problem.files": "Listing",
    "problem.listing_page": "list_page",
    # The worked solution
    "solution": "Step Trace solve",
    "solution.page": "Phase solution_page",
    "solution.slides": "slides_page",
    "solution.takeaways": "Takeaway takeaways",
    "solution.pictures.choosing": "picture_of",
    "solution.pictures.graph": "graph_picture",
    "solution.pictures.lines": "PicturePhase",
    "solution.pictures.network": "network_picture",
    # Checking a person's work
    "checking": "assert_gradients check check_code",
    "checking.blanks": "Blank blank_csv blank_toml blanks",
    "checking.blank_page": "answers_page",
    "checking.checking": "Checker",
    "checking.page": "check_page",
    "checking.report": "CheckReport Level",
    # Gates, and why a gradient is what it is
    "audit": "Audit audit_gates read_box",
    "audit.page": "gates_page",
    "paths": "ask_why",
    "paths.page": "why_page",
    # Two solutions, and questions about one
    "comparison": "Comparison compare",
    "comparison.page": "comparison_page",
    "discussion": "QUESTION_KINDS Question QuestionSheet questions_for",
    "discussion.page": "questions_page",
    # Practice and the drill
    "exercises": "Requirements Sheet SheetSet draw exercise_files file_names for_students like"
    " made_folders numbered read_roster requirements write_exercises",
    "exercises.page": "Exercise blank_targets keys_page sheets_page short_key_page",
    "drilling": "Drill DrillQuit DrillStore DrillUnfinished begin_drill",
    "drilling.page": "drill_opening_page drill_question_page drill_reply_page drill_summary_page",
    # Training
    "study": "BornDead BornDeadTable DataSource OverTraining born_dead born_dead_table"
    " compare_training runs_in_all train with_data",
    "study.born_dead_page": "born_dead_page born_dead_table_page",
    "study.training_page": "training_comparison_page training_page",
    # Gradients checked from outside, and programs
    "verification": "Verification verify",
    "verification.page": "verification_page",
    "solution.programs": "step_code write_code",
    # Running a graph
    "graph": "Graph build",
    "running": "Carry Plan Run run",
    "running.cases": "open_cases",
    "running.engine": "Engine Gradients",
    "running.rows": "examples_as_cases",
    "running.training": "Training",
    "numbers": "NumberKind OtherRun run_exact run_intervals run_symbols",
    "numbers.page": "numbers_page",
    # Pages and files
    "page": "Page",
    "picture": "Drawing",
    "formats.json": "to_json",
    "formats": "render_terminal",
    "formats.html": "render_html",
    "formats.markdown": "render_markdown",
    "formats.notebook": "render_notebook",
    "formats.png": "render_png",
    "formats.style": "Style",
    "formats.svg": "render_svg",
    "formats.tex": "render_tex",
    "formats.typst": "render_pdf render_typst",
    "saving": "KINDS Paper Report Settings check_files save save_each solution_report",
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


shown_by(lambda: import_module("handgrad.display").DISPLAY)
checked_by(lambda *work, **given: import_module("handgrad.checking").check(*work, **given))
