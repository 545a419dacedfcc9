"""Practice: other numbers for the same equations, with what is asked for happening in each."""

from handgrad.practice.meaning import Meaning as Meaning
from handgrad.practice.promises import Promise as Promise
from handgrad.practice.searching import Search as Search
from handgrad.practice.searching import Variants as Variants
from handgrad.practice.searching import draw as draw
from handgrad.practice.sheets import Sheet as Sheet
from handgrad.practice.sheets import SheetSet as SheetSet
from handgrad.practice.sheets import for_students as for_students
from handgrad.practice.sheets import like as like
from handgrad.practice.sheets import numbered as numbered
from handgrad.practice.students import Student as Student
from handgrad.practice.students import own_seed as own_seed
from handgrad.practice.students import read_roster as read_roster
from handgrad.practice.wanted import GRIDS as GRIDS
from handgrad.practice.wanted import LEVELS as LEVELS
from handgrad.practice.wanted import Wanted as Wanted
from handgrad.practice.wanted import wanted as wanted
from handgrad.practice.writing import exercise_files as exercise_files
from handgrad.practice.writing import file_names as file_names
from handgrad.practice.writing import made_folders as made_folders
from handgrad.practice.writing import write_exercises as write_exercises
