"""Pages as files: the kinds of file, and what of a result each of them holds."""

from handgrad.saving.kinds import KINDS as KINDS
from handgrad.saving.kinds import Paper as Paper
from handgrad.saving.kinds import Settings as Settings
from handgrad.saving.kinds import check_files as check_files
from handgrad.saving.kinds import render as render
from handgrad.saving.kinds import save as save
from handgrad.saving.kinds import save_each as save_each
from handgrad.saving.report import Form as Form
from handgrad.saving.report import Report as Report
from handgrad.saving.solution import report_of as report_of
from handgrad.saving.solution import solution_report as solution_report
