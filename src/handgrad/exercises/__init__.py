"""Practice: other numbers for the same equations, with what is asked for happening in each."""

from handgrad.exercises.meaning import Meaning as Meaning
from handgrad.exercises.practising import practice as practice
from handgrad.exercises.promises import Promise as Promise
from handgrad.exercises.requirements import GRIDS as GRIDS
from handgrad.exercises.requirements import LEVELS as LEVELS
from handgrad.exercises.requirements import Requirements as Requirements
from handgrad.exercises.requirements import requirements as requirements
from handgrad.exercises.searching import Search as Search
from handgrad.exercises.searching import Variants as Variants
from handgrad.exercises.searching import draw as draw
from handgrad.exercises.sheets import Sheet as Sheet
from handgrad.exercises.sheets import SheetSet as SheetSet
from handgrad.exercises.sheets import for_students as for_students
from handgrad.exercises.sheets import numbered as numbered
from handgrad.exercises.students import Student as Student
from handgrad.exercises.students import own_seed as own_seed
from handgrad.exercises.students import read_roster as read_roster
from handgrad.exercises.worked import WorkedSheets as WorkedSheets
from handgrad.exercises.writing import exercise_files as exercise_files
from handgrad.exercises.writing import file_names as file_names
from handgrad.exercises.writing import write_exercises as write_exercises
from handgrad.files import made_folders as made_folders
from handgrad.problem.starting import like as like
