"""The drill: a worked solution asked for step by step, with hints and marks, and taken up again later."""

from handgrad.drill.asking import Drill as Drill
from handgrad.drill.asking import begin_drill as begin_drill
from handgrad.drill.records import Record as Record
from handgrad.drill.said import DrillQuit as DrillQuit
from handgrad.drill.said import Said as Said
from handgrad.drill.state import restored as restored
from handgrad.drill.storing import DrillStore as DrillStore
from handgrad.drill.typed import DrillUnfinished as DrillUnfinished
