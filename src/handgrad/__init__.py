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
from handgrad.checked import checked_by
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
from handgrad.shown import shown_by
from handgrad.trace import Step as Step
from handgrad.trace import Trace as Trace
from handgrad.trace import solve as solve

if TYPE_CHECKING:
    from handgrad.check.blanks import Blank as Blank
    from handgrad.check.blanks import blank_csv as blank_csv
    from handgrad.check.blanks import blank_toml as blank_toml
    from handgrad.check.blanks import blanks as blanks
    from handgrad.check.checking import Checker as Checker
    from handgrad.check.report import CheckReport as CheckReport
    from handgrad.check.report import Level as Level
    from handgrad.comparison import Comparison as Comparison
    from handgrad.comparison import compare as compare
    from handgrad.drill import Drill as Drill
    from handgrad.drill import DrillQuit as DrillQuit
    from handgrad.drill import DrillStore as DrillStore
    from handgrad.drill import DrillUnfinished as DrillUnfinished
    from handgrad.drill import begin_drill as begin_drill
    from handgrad.export.json import to_json as to_json
    from handgrad.gates import Audit as Audit
    from handgrad.gates import audit_gates as audit_gates
    from handgrad.gates import read_box as read_box
    from handgrad.numbers import NumberKind as NumberKind
    from handgrad.numbers import OtherRun as OtherRun
    from handgrad.numbers import run_exact as run_exact
    from handgrad.numbers import run_intervals as run_intervals
    from handgrad.numbers import run_symbols as run_symbols
    from handgrad.page.answers import answers_page as answers_page
    from handgrad.page.born_dead import born_dead_page as born_dead_page
    from handgrad.page.born_dead import born_dead_table_page as born_dead_table_page
    from handgrad.page.checking import check_page as check_page
    from handgrad.page.comparison import comparison_page as comparison_page
    from handgrad.page.drill import drill_opening_page as drill_opening_page
    from handgrad.page.drill import drill_question_page as drill_question_page
    from handgrad.page.drill import drill_said_page as drill_said_page
    from handgrad.page.drill import drill_summary_page as drill_summary_page
    from handgrad.page.gates import gates_page as gates_page
    from handgrad.page.listing import list_page as list_page
    from handgrad.page.numbers import numbers_page as numbers_page
    from handgrad.page.questions import question_blocks as question_blocks
    from handgrad.page.questions import questions_page as questions_page
    from handgrad.page.sheets import Exercise as Exercise
    from handgrad.page.sheets import blank_targets as blank_targets
    from handgrad.page.sheets import keys_page as keys_page
    from handgrad.page.sheets import sheets_page as sheets_page
    from handgrad.page.sheets import short_key_page as short_key_page
    from handgrad.page.slides import slides_page as slides_page
    from handgrad.page.training import training_comparison_page as training_comparison_page
    from handgrad.page.training import training_page as training_page
    from handgrad.page.verification import verification_page as verification_page
    from handgrad.page.why import why_page as why_page
    from handgrad.picture import Drawing as Drawing
    from handgrad.picture.choosing import picture_of as picture_of
    from handgrad.picture.graph import graph_picture as graph_picture
    from handgrad.picture.lines import PicturePhase as PicturePhase
    from handgrad.picture.network import network_picture as network_picture
    from handgrad.practice import Sheet as Sheet
    from handgrad.practice import SheetSet as SheetSet
    from handgrad.practice import Wanted as Wanted
    from handgrad.practice import draw as draw
    from handgrad.practice import exercise_files as exercise_files
    from handgrad.practice import file_names as file_names
    from handgrad.practice import for_students as for_students
    from handgrad.practice import like as like
    from handgrad.practice import made_folders as made_folders
    from handgrad.practice import numbered as numbered
    from handgrad.practice import read_roster as read_roster
    from handgrad.practice import wanted as wanted
    from handgrad.practice import write_exercises as write_exercises
    from handgrad.problem.files import Listing as Listing
    from handgrad.questions import QUESTION_KINDS as QUESTION_KINDS
    from handgrad.questions import Question as Question
    from handgrad.questions import QuestionSheet as QuestionSheet
    from handgrad.questions import questions_for as questions_for
    from handgrad.render.code import step_code as step_code
    from handgrad.render.code import write_code as write_code
    from handgrad.render.html import render_html as render_html
    from handgrad.render.markdown import render_markdown as render_markdown
    from handgrad.render.notebook import render_notebook as render_notebook
    from handgrad.render.png import render_png as render_png
    from handgrad.render.style import Style as Style
    from handgrad.render.svg import render_svg as render_svg
    from handgrad.render.tex import render_tex as render_tex
    from handgrad.render.typst import render_pdf as render_pdf
    from handgrad.render.typst import render_typst as render_typst
    from handgrad.run.cases import open_cases as open_cases
    from handgrad.run.engine import Engine as Engine
    from handgrad.run.engine import Gradients as Gradients
    from handgrad.run.rows import examples_as_cases as examples_as_cases
    from handgrad.run.training import Training as Training
    from handgrad.saving import KINDS as KINDS
    from handgrad.saving import Paper as Paper
    from handgrad.saving import Report as Report
    from handgrad.saving import Settings as Settings
    from handgrad.saving import check_files as check_files
    from handgrad.saving import save as save
    from handgrad.saving import save_each as save_each
    from handgrad.saving import solution_report as solution_report
    from handgrad.study import BornDead as BornDead
    from handgrad.study import BornDeadTable as BornDeadTable
    from handgrad.study import DataSource as DataSource
    from handgrad.study import OverTraining as OverTraining
    from handgrad.study import born_dead as born_dead
    from handgrad.study import born_dead_table as born_dead_table
    from handgrad.study import compare_training as compare_training
    from handgrad.study import runs_in_all as runs_in_all
    from handgrad.study import train as train
    from handgrad.study import with_data as with_data
    from handgrad.trace.takeaways import Takeaway as Takeaway
    from handgrad.trace.takeaways import takeaways as takeaways
    from handgrad.verification import Verification as Verification
    from handgrad.verification import verify as verify
    from handgrad.why import ask_why as ask_why

__version__ = "0.1.0"

_WHEN_ASKED_FOR = {
    "Drill": "handgrad.drill",
    "DrillQuit": "handgrad.drill",
    "DrillStore": "handgrad.drill",
    "DrillUnfinished": "handgrad.drill",
    "begin_drill": "handgrad.drill",
    "drill_opening_page": "handgrad.page.drill",
    "drill_question_page": "handgrad.page.drill",
    "drill_said_page": "handgrad.page.drill",
    "drill_summary_page": "handgrad.page.drill",
    "answers_page": "handgrad.page.answers",
    "blank_csv": "handgrad.check.blanks",
    "Exercise": "handgrad.page.sheets",
    "keys_page": "handgrad.page.sheets",
    "blank_targets": "handgrad.page.sheets",
    "sheets_page": "handgrad.page.sheets",
    "short_key_page": "handgrad.page.sheets",
    "Sheet": "handgrad.practice",
    "SheetSet": "handgrad.practice",
    "Wanted": "handgrad.practice",
    "draw": "handgrad.practice",
    "for_students": "handgrad.practice",
    "like": "handgrad.practice",
    "numbered": "handgrad.practice",
    "read_roster": "handgrad.practice",
    "wanted": "handgrad.practice",
    "exercise_files": "handgrad.practice",
    "file_names": "handgrad.practice",
    "made_folders": "handgrad.practice",
    "write_exercises": "handgrad.practice",
    "Blank": "handgrad.check.blanks",
    "blank_toml": "handgrad.check.blanks",
    "blanks": "handgrad.check.blanks",
    "Checker": "handgrad.check.checking",
    "Level": "handgrad.check.report",
    "CheckReport": "handgrad.check.report",
    "check_page": "handgrad.page.checking",
    "NumberKind": "handgrad.numbers",
    "OtherRun": "handgrad.numbers",
    "run_exact": "handgrad.numbers",
    "run_intervals": "handgrad.numbers",
    "run_symbols": "handgrad.numbers",
    "numbers_page": "handgrad.page.numbers",
    "Listing": "handgrad.problem.files",
    "list_page": "handgrad.page.listing",
    "verification_page": "handgrad.page.verification",
    "to_json": "handgrad.export.json",
    "verify": "handgrad.verification",
    "Verification": "handgrad.verification",
    "Engine": "handgrad.run.engine",
    "Gradients": "handgrad.run.engine",
    "Training": "handgrad.run.training",
    "write_code": "handgrad.render.code",
    "render_html": "handgrad.render.html",
    "step_code": "handgrad.render.code",
    "render_markdown": "handgrad.render.markdown",
    "render_notebook": "handgrad.render.notebook",
    "KINDS": "handgrad.saving",
    "Paper": "handgrad.saving",
    "Report": "handgrad.saving",
    "Settings": "handgrad.saving",
    "check_files": "handgrad.saving",
    "save": "handgrad.saving",
    "save_each": "handgrad.saving",
    "solution_report": "handgrad.saving",
    "Drawing": "handgrad.picture",
    "PicturePhase": "handgrad.picture.lines",
    "picture_of": "handgrad.picture.choosing",
    "network_picture": "handgrad.picture.network",
    "graph_picture": "handgrad.picture.graph",
    "Style": "handgrad.render.style",
    "render_svg": "handgrad.render.svg",
    "render_png": "handgrad.render.png",
    "Question": "handgrad.questions",
    "QUESTION_KINDS": "handgrad.questions",
    "QuestionSheet": "handgrad.questions",
    "question_blocks": "handgrad.page.questions",
    "questions_for": "handgrad.questions",
    "questions_page": "handgrad.page.questions",
    "Comparison": "handgrad.comparison",
    "compare": "handgrad.comparison",
    "comparison_page": "handgrad.page.comparison",
    "BornDead": "handgrad.study",
    "BornDeadTable": "handgrad.study",
    "born_dead": "handgrad.study",
    "born_dead_table": "handgrad.study",
    "born_dead_page": "handgrad.page.born_dead",
    "born_dead_table_page": "handgrad.page.born_dead",
    "DataSource": "handgrad.study",
    "OverTraining": "handgrad.study",
    "train": "handgrad.study",
    "compare_training": "handgrad.study",
    "runs_in_all": "handgrad.study",
    "examples_as_cases": "handgrad.run.rows",
    "with_data": "handgrad.study",
    "training_page": "handgrad.page.training",
    "training_comparison_page": "handgrad.page.training",
    "Audit": "handgrad.gates",
    "audit_gates": "handgrad.gates",
    "read_box": "handgrad.gates",
    "gates_page": "handgrad.page.gates",
    "open_cases": "handgrad.run.cases",
    "ask_why": "handgrad.why",
    "why_page": "handgrad.page.why",
    "render_pdf": "handgrad.render.typst",
    "render_tex": "handgrad.render.tex",
    "render_typst": "handgrad.render.typst",
    "slides_page": "handgrad.page.slides",
    "takeaways": "handgrad.trace.takeaways",
    "Takeaway": "handgrad.trace.takeaways",
}
"""What a worked solution does not need, and so does not wait for: the module that has it, by name."""


def __getattr__(name: str) -> Any:
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module 'handgrad' has no attribute {name!r}")
    return getattr(import_module(_WHEN_ASKED_FOR[name]), name)


shown_by(lambda: import_module("handgrad.display").DISPLAY)
checked_by(check)
