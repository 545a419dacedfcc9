"""Results and pages as files: the kinds of file, and what of a result each of them holds."""

from handgrad.files import Content as Content
from handgrad.saving.kinds import KINDS as KINDS
from handgrad.saving.kinds import Paper as Paper
from handgrad.saving.kinds import Settings as Settings
from handgrad.saving.kinds import check_files as check_files
from handgrad.saving.kinds import content as content
from handgrad.saving.kinds import save as save
from handgrad.saving.kinds import save_each as save_each
from handgrad.saving.kinds import with_arrays_apart as with_arrays_apart
from handgrad.saving.page import Page as Page
from handgrad.saving.report import Form as Form
from handgrad.saving.report import Report as Report
from handgrad.saving.result import Result as Result
from handgrad.saving.shown import Shown as Shown
