# Written by `python -m tools.front_door` from the list in `__init__.py`.

from handgrad.audit import Audit as Audit
from handgrad.audit import audit_gates as audit_gates
from handgrad.audit import read_box as read_box
from handgrad.audit.page import gates_page as gates_page
from handgrad.checking import assert_gradients as assert_gradients
from handgrad.checking import check as check
from handgrad.checking import check_code as check_code
from handgrad.checking.blank_page import answers_page as answers_page
from handgrad.checking.blanks import Blank as Blank
from handgrad.checking.blanks import blank_csv as blank_csv
from handgrad.checking.blanks import blank_toml as blank_toml
from handgrad.checking.blanks import blanks as blanks
from handgrad.checking.checking import Checker as Checker
from handgrad.checking.page import check_page as check_page
from handgrad.checking.report import CheckReport as CheckReport
from handgrad.checking.report import Level as Level
from handgrad.comparison import Comparison as Comparison
from handgrad.comparison import compare as compare
from handgrad.comparison.page import comparison_page as comparison_page
from handgrad.discussion import QUESTION_KINDS as QUESTION_KINDS
from handgrad.discussion import Question as Question
from handgrad.discussion import QuestionSheet as QuestionSheet
from handgrad.discussion import questions_for as questions_for
from handgrad.discussion.page import questions_page as questions_page
from handgrad.drilling import Drill as Drill
from handgrad.drilling import DrillQuit as DrillQuit
from handgrad.drilling import DrillStore as DrillStore
from handgrad.drilling import DrillUnfinished as DrillUnfinished
from handgrad.drilling import begin_drill as begin_drill
from handgrad.drilling.page import drill_opening_page as drill_opening_page
from handgrad.drilling.page import drill_question_page as drill_question_page
from handgrad.drilling.page import drill_reply_page as drill_reply_page
from handgrad.drilling.page import drill_summary_page as drill_summary_page
from handgrad.errors import EquationError as EquationError
from handgrad.errors import HandgradError as HandgradError
from handgrad.errors import MissingExtraError as MissingExtraError
from handgrad.errors import NumberError as NumberError
from handgrad.errors import OptionError as OptionError
from handgrad.errors import ProblemError as ProblemError
from handgrad.errors import ShapeError as ShapeError
from handgrad.exercises import Requirements as Requirements
from handgrad.exercises import Sheet as Sheet
from handgrad.exercises import SheetSet as SheetSet
from handgrad.exercises import draw as draw
from handgrad.exercises import exercise_files as exercise_files
from handgrad.exercises import file_names as file_names
from handgrad.exercises import for_students as for_students
from handgrad.exercises import like as like
from handgrad.exercises import made_folders as made_folders
from handgrad.exercises import numbered as numbered
from handgrad.exercises import read_roster as read_roster
from handgrad.exercises import requirements as requirements
from handgrad.exercises import write_exercises as write_exercises
from handgrad.exercises.page import Exercise as Exercise
from handgrad.exercises.page import blank_targets as blank_targets
from handgrad.exercises.page import keys_page as keys_page
from handgrad.exercises.page import sheets_page as sheets_page
from handgrad.exercises.page import short_key_page as short_key_page
from handgrad.formats import render_terminal as render_terminal
from handgrad.formats.html import render_html as render_html
from handgrad.formats.json import to_json as to_json
from handgrad.formats.markdown import render_markdown as render_markdown
from handgrad.formats.notebook import render_notebook as render_notebook
from handgrad.formats.png import render_png as render_png
from handgrad.formats.style import Style as Style
from handgrad.formats.svg import render_svg as render_svg
from handgrad.formats.tex import render_tex as render_tex
from handgrad.formats.typst import render_pdf as render_pdf
from handgrad.formats.typst import render_typst as render_typst
from handgrad.graph import Graph as Graph
from handgrad.graph import build as build
from handgrad.numbers import NumberKind as NumberKind
from handgrad.numbers import OtherRun as OtherRun
from handgrad.numbers import run_exact as run_exact
from handgrad.numbers import run_intervals as run_intervals
from handgrad.numbers import run_symbols as run_symbols
from handgrad.numbers.page import numbers_page as numbers_page
from handgrad.page import Page as Page
from handgrad.paths import ask_why as ask_why
from handgrad.paths.page import why_page as why_page
from handgrad.picture import Drawing as Drawing
from handgrad.problem import Problem as Problem
from handgrad.problem import Update as Update
from handgrad.problem import bundled as bundled
from handgrad.problem import load as load
from handgrad.problem import loads as loads
from handgrad.problem.files import Listing as Listing
from handgrad.problem.listing_page import list_page as list_page
from handgrad.running import Carry as Carry
from handgrad.running import Plan as Plan
from handgrad.running import Run as Run
from handgrad.running import run as run
from handgrad.running.cases import open_cases as open_cases
from handgrad.running.engine import Engine as Engine
from handgrad.running.engine import Gradients as Gradients
from handgrad.running.rows import examples_as_cases as examples_as_cases
from handgrad.running.training import Training as Training
from handgrad.saving import KINDS as KINDS
from handgrad.saving import Paper as Paper
from handgrad.saving import Report as Report
from handgrad.saving import Settings as Settings
from handgrad.saving import check_files as check_files
from handgrad.saving import save as save
from handgrad.saving import save_each as save_each
from handgrad.saving import solution_report as solution_report
from handgrad.solution import Step as Step
from handgrad.solution import Trace as Trace
from handgrad.solution import solve as solve
from handgrad.solution.page import Phase as Phase
from handgrad.solution.page import solution_page as solution_page
from handgrad.solution.pictures.choosing import picture_of as picture_of
from handgrad.solution.pictures.graph import graph_picture as graph_picture
from handgrad.solution.pictures.lines import PicturePhase as PicturePhase
from handgrad.solution.pictures.network import network_picture as network_picture
from handgrad.solution.programs import step_code as step_code
from handgrad.solution.programs import write_code as write_code
from handgrad.solution.slides import slides_page as slides_page
from handgrad.solution.takeaways import Takeaway as Takeaway
from handgrad.solution.takeaways import takeaways as takeaways
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
from handgrad.study.born_dead_page import born_dead_page as born_dead_page
from handgrad.study.born_dead_page import born_dead_table_page as born_dead_table_page
from handgrad.study.training_page import training_comparison_page as training_comparison_page
from handgrad.study.training_page import training_page as training_page
from handgrad.verification import Verification as Verification
from handgrad.verification import verify as verify
from handgrad.verification.page import verification_page as verification_page

__all__ = [
    "KINDS",
    "QUESTION_KINDS",
    "Audit",
    "Blank",
    "BornDead",
    "BornDeadTable",
    "Carry",
    "CheckReport",
    "Checker",
    "Comparison",
    "DataSource",
    "Drawing",
    "Drill",
    "DrillQuit",
    "DrillStore",
    "DrillUnfinished",
    "Engine",
    "EquationError",
    "Exercise",
    "Gradients",
    "Graph",
    "HandgradError",
    "Level",
    "Listing",
    "MissingExtraError",
    "NumberError",
    "NumberKind",
    "OptionError",
    "OtherRun",
    "OverTraining",
    "Page",
    "Paper",
    "Phase",
    "PicturePhase",
    "Plan",
    "Problem",
    "ProblemError",
    "Question",
    "QuestionSheet",
    "Report",
    "Requirements",
    "Run",
    "Settings",
    "ShapeError",
    "Sheet",
    "SheetSet",
    "Step",
    "Style",
    "Takeaway",
    "Trace",
    "Training",
    "Update",
    "Verification",
    "answers_page",
    "ask_why",
    "assert_gradients",
    "audit_gates",
    "begin_drill",
    "blank_csv",
    "blank_targets",
    "blank_toml",
    "blanks",
    "born_dead",
    "born_dead_page",
    "born_dead_table",
    "born_dead_table_page",
    "build",
    "bundled",
    "check",
    "check_code",
    "check_files",
    "check_page",
    "compare",
    "compare_training",
    "comparison_page",
    "draw",
    "drill_opening_page",
    "drill_question_page",
    "drill_reply_page",
    "drill_summary_page",
    "examples_as_cases",
    "exercise_files",
    "file_names",
    "for_students",
    "gates_page",
    "graph_picture",
    "keys_page",
    "like",
    "list_page",
    "load",
    "loads",
    "made_folders",
    "network_picture",
    "numbered",
    "numbers_page",
    "open_cases",
    "picture_of",
    "questions_for",
    "questions_page",
    "read_box",
    "read_roster",
    "render_html",
    "render_markdown",
    "render_notebook",
    "render_pdf",
    "render_png",
    "render_svg",
    "render_terminal",
    "render_tex",
    "render_typst",
    "requirements",
    "run",
    "run_exact",
    "run_intervals",
    "run_symbols",
    "runs_in_all",
    "save",
    "save_each",
    "sheets_page",
    "short_key_page",
    "slides_page",
    "solution_page",
    "solution_report",
    "solve",
    "step_code",
    "takeaways",
    "to_json",
    "train",
    "training_comparison_page",
    "training_page",
    "verification_page",
    "verify",
    "why_page",
    "with_data",
    "write_code",
    "write_exercises",
]
__version__: str
CONTENTS: dict[str, str]
