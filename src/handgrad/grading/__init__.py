"""Grading a class: the answer sheets of all students, checked at once.

A `Batch` has the sheets in columns, a `Grader` checks it, and what comes of it is a `Graded`: verdicts, marks and
the mistakes that were made, in arrays. `handgrad.grading.grader.grade_batches` streams a class of any size.
`Grading` reads the sheets of a class out of files and tables, and `grade` makes a `ClassReport` of them: the marks, and
what the class misunderstands.
"""

from handgrad.grading.class_report import ClassReport as ClassReport
from handgrad.grading.grading import Grading as Grading
from handgrad.grading.grading import grade as grade
from handgrad.grading.handing_out import HandingOut as HandingOut
from handgrad.grading.handing_out import split_folder as split_folder
