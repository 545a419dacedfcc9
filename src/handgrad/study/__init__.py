"""Studies of many networks, or of one over many updates: what kills ReLU units, and what keeps them alive."""

from handgrad.study.born_dead import BornDead as BornDead
from handgrad.study.born_dead import BornDeadTable as BornDeadTable
from handgrad.study.born_dead import born_dead as born_dead
from handgrad.study.born_dead import born_dead_table as born_dead_table
from handgrad.study.initialising import INITIALISATIONS as INITIALISATIONS
from handgrad.study.mitigations import compare_training as compare_training
from handgrad.study.mitigations import runs_in_all as runs_in_all
from handgrad.study.over_training import OverTraining as OverTraining
from handgrad.study.over_training import UnitEvent as UnitEvent
from handgrad.study.over_training import UnitKey as UnitKey
from handgrad.study.training import DataSource as DataSource
from handgrad.study.training import train as train
from handgrad.study.training import with_data as with_data
