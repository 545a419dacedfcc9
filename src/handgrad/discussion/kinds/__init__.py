"""The kinds of question. A new one is a file in this folder, its import here, and its place in the list."""

from handgrad.discussion.kinds.bias_gradient import BiasGradient
from handgrad.discussion.kinds.case_shares import CaseShares
from handgrad.discussion.kinds.gate_swap import GateSwap
from handgrad.discussion.kinds.input_scaling import InputScaling
from handgrad.discussion.kinds.largest_move import LargestMove
from handgrad.discussion.kinds.longer_step import LongerStep
from handgrad.discussion.kinds.most_sensitive import MostSensitive
from handgrad.discussion.kinds.other_input import OtherInput
from handgrad.discussion.kinds.small_change import SmallChange
from handgrad.discussion.kinds.sum_over_paths import SumOverPaths
from handgrad.discussion.kinds.updated_value import UpdatedValue
from handgrad.discussion.kinds.zero_entries import ZeroEntries
from handgrad.discussion.question import Question

KINDS: tuple[type[Question], ...] = (
    ZeroEntries,
    GateSwap,
    OtherInput,
    UpdatedValue,
    BiasGradient,
    InputScaling,
    SumOverPaths,
    CaseShares,
    LargestMove,
    LongerStep,
    MostSensitive,
    SmallChange,
)
"""Every kind, in the order in which questions are asked."""

FIRST: tuple[type[Question], ...] = (
    ZeroEntries,
    GateSwap,
    OtherInput,
    SumOverPaths,
    CaseShares,
    UpdatedValue,
    BiasGradient,
    MostSensitive,
    SmallChange,
)
"""What to ask a class first, the most worthwhile first."""
