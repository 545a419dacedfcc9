"""Which initialisers of an ONNX graph are parameters: floating ones that weigh. The others are data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

from handgrad.models.onnx.exporter import TorchMarks
from handgrad.models.onnx.node import Known, is_mask

if TYPE_CHECKING:
    import onnx

WEIGHING: Mapping[str, tuple[int, ...] | None] = {
    "MatMul": None,
    "Gemm": None,
    "Einsum": None,
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "RNN": (1, 2, 3),
    "GRU": (1, 2, 3),
    "LSTM": (1, 2, 3),
    "Gather": (0,),
    "PRelu": (1,),
    "LayerNormalization": (1, 2),
    "RMSNormalization": (1,),
    "SimplifiedLayerNormalization": (1,),
    "InstanceNormalization": (1, 2),
    "GroupNormalization": (1, 2),
    "BatchNormalization": (1, 2),
}
"""By operator, the inputs that are learned where they are initialisers; None for all of them."""

PASSING: Mapping[str, int | None] = {
    "Transpose": 1,
    "Reshape": 1,
    "Squeeze": 1,
    "Unsqueeze": 1,
    "Flatten": 1,
    "Cast": 1,
    "Identity": 1,
    "Slice": 1,
    "Split": 1,
    "Expand": 1,
    "Concat": None,
}
"""Operators that only rearrange, and how many of their inputs they rearrange; None for all."""


def learned_names(
    nodes: Sequence[onnx.NodeProto],
    numbers: Mapping[str, Known],
    of_torch: TorchMarks,
    inputs: Set[str],
) -> set[str]:
    """The initialisers that are parameters.

    Where PyTorch's exporter says which were parameters and which buffers, that decides; what it folded, and all
    of other files, is learned where it is multiplied as a matrix, looked up, or scales and shifts what the
    network computes.

    Arguments:
        nodes: in the graph's order.
        numbers: the initialisers.
        of_torch: what PyTorch's exporter says.
        inputs: the names of the graph's inputs: what is added to these, or multiplies them, prepares the data.
    """
    weighs: set[str] = set()
    for node in reversed(nodes):
        if node.op_type in WEIGHING:
            places = WEIGHING[node.op_type]
            weighs.update(n for k, n in enumerate(node.input) if places is None or k in places)
        elif node.op_type in PASSING and weighs.intersection(node.output):
            weighs.update(node.input[: PASSING[node.op_type]])
        elif (
            node.op_type in ("Add", "Mul") and not of_torch.known and inputs.isdisjoint(node.input)
        ):
            weighs.update(n for n in node.input if n in numbers and numbers[n].size > 1)

    def learned(name: str) -> bool:
        array = numbers[name]
        if array.dtype.kind in "iub" or name in of_torch.kinds:
            return of_torch.kinds.get(name) == "PARAMETER" and array.dtype.kind not in "iub"
        # torch's exporter looks rows up beforehand where it knows which.
        looked_up = of_torch.known and name.startswith("embedding")
        return (name in weighs or looked_up) and not is_mask(array)

    return {name for name in numbers if learned(name)}
