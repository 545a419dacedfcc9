"""Studies of many networks, or of one over many updates: what kills ReLU units, and what keeps them alive."""

from handgrad.study.born_dead import BornDead as BornDead
from handgrad.study.born_dead import born_dead as born_dead
from handgrad.study.born_dead import born_dead_table as born_dead_table
from handgrad.study.initialising import INITIALISATIONS as INITIALISATIONS
