"""The drill: a worked solution asked for step by step, with hints and marks, and taken up again later."""

from handgrad.drilling.asking import Drill as Drill
from handgrad.drilling.asking import drill as drill
from handgrad.drilling.records import Record as Record
from handgrad.drilling.replies import DrillQuit as DrillQuit
from handgrad.drilling.replies import Reply as Reply
from handgrad.drilling.state import restored as restored
from handgrad.drilling.storing import DrillStore as DrillStore
from handgrad.drilling.typed import DrillUnfinished as DrillUnfinished
