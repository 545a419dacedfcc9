"""Practice given out through learning systems: one source, and a writer for each system."""

from handgrad.quizzes.systems import SYSTEMS as SYSTEMS
from handgrad.quizzes.systems import check_place as check_place
from handgrad.quizzes.systems import quiz_files as quiz_files
