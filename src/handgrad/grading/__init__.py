"""Grading a class: the answer sheets of all students, checked at once.

A `Batch` has the sheets in columns, a `Grader` checks it, and what comes of it is a `Graded`: verdicts, marks and
the mistakes that were made, in arrays. `handgrad.grading.grader.grade_batches` streams a class of any size.
"""
