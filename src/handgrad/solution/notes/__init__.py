"""The kinds of note. A new one is a file in this folder, its import here, and its place in the list."""

from handgrad.solution.notes.framework_slope import FrameworkSlope
from handgrad.solution.notes.frozen import Frozen
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.notes.kink import AtKink
from handgrad.solution.notes.losses import MeanWithin, TargetSums
from handgrad.solution.notes.not_finite import RoundedAway, UnaskedGradient
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.paths import Broadcast, SeveralPaths, Unreached
from handgrad.solution.notes.rounding_residue import RoundingResidue
from handgrad.solution.notes.saturated import Saturated
from handgrad.solution.notes.shapes import UnlikeShapes
from handgrad.solution.notes.shortcut import ShortcutTaken
from handgrad.solution.notes.update import Diverged, LossChange
from handgrad.solution.notes.zero_input import ZeroInput

NOTES: tuple[type[TraceNote], ...] = (
    RoundingResidue,
    RoundedAway,
    TargetSums,
    MeanWithin,
    ShortcutTaken,
    GatedOff,
    Saturated,
    AtKink,
    FrameworkSlope,
    UnlikeShapes,
    ZeroInput,
    Broadcast,
    SeveralPaths,
    UnaskedGradient,
    Unreached,
    Frozen,
    LossChange,
    Diverged,
)
"""Every kind, in the order in which the notes on one line are read."""
