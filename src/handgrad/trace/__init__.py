"""The worked solution as data: ordered, typed steps, and notes on what they show."""

from handgrad.trace.building import solve as solve
from handgrad.trace.elements import opened as opened
from handgrad.trace.rests import as_on_paper as as_on_paper
from handgrad.trace.structure import MOST_NOTED as MOST_NOTED
from handgrad.trace.structure import AtKink as AtKink
from handgrad.trace.structure import Broadcast as Broadcast
from handgrad.trace.structure import Diverged as Diverged
from handgrad.trace.structure import GatedOff as GatedOff
from handgrad.trace.structure import LossChange as LossChange
from handgrad.trace.structure import MeanWithin as MeanWithin
from handgrad.trace.structure import Note as Note
from handgrad.trace.structure import RoundedAway as RoundedAway
from handgrad.trace.structure import RoundingRest as RoundingRest
from handgrad.trace.structure import Saturated as Saturated
from handgrad.trace.structure import SeveralPaths as SeveralPaths
from handgrad.trace.structure import ShortcutTaken as ShortcutTaken
from handgrad.trace.structure import Step as Step
from handgrad.trace.structure import TargetSums as TargetSums
from handgrad.trace.structure import Trace as Trace
from handgrad.trace.structure import TraceLine as TraceLine
from handgrad.trace.structure import UnaskedGradient as UnaskedGradient
from handgrad.trace.structure import UnlikeShapes as UnlikeShapes
from handgrad.trace.structure import Unreached as Unreached
from handgrad.trace.structure import Zeroed as Zeroed
from handgrad.trace.structure import ZeroInput as ZeroInput
