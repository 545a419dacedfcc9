"""What PyTorch's exporter writes of a model beside its graph: the names of parameters, modules, lines of code.

torch.onnx.export (2.13) folds constants: a matrix that is multiplied from the right stands in the file transposed,
under a name such as val_0. Its metadata say which parameter that was. Initialisers are marked as PARAMETER or BUFFER.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handgrad.equations.place import CodeLine, CodePlace

if TYPE_CHECKING:
    import onnx

_KIND = "pkg.torch.export.graph_signature.InputSpec.kind"
_KINDS = "pkg.torch.onnx.class_hierarchy"
_SCOPES = "pkg.torch.onnx.name_scopes"
_TRACE = "pkg.torch.onnx.stack_trace"
_CALL = "pkg.torch.onnx.fx_node"
_LINE = re.compile(r'File "(?P<file>[^"]+)", line (?P<number>\d+), in [^\n]*\n\s*(?P<text>[^\n]*)')
_WEIGHT = {
    "torch.nn.modules.linear.Linear": re.compile(
        r"aten\.linear\.default\]\(args = \(%\w+, %p_(\w+)"
    ),
    "torch.nn.modules.sparse.Embedding": re.compile(
        r"aten\.embedding\.default\]\(args = \(%p_(\w+)"
    ),
}
"""By kind of module, what it calls with its own `weight`."""
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class TorchMarks:
    """What is known of a graph that PyTorch exported; empty for others.

    Arguments:
        kinds: by initialiser, PARAMETER or BUFFER.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether it says which initialisers are parameters."""
        return bool(self.kinds)


def exported(model: onnx.ModelProto) -> TorchMarks:
    """What PyTorch's exporter says of the initialisers."""
    kinds = {}
    for value in model.graph.value_info:
        for entry in value.metadata_props:
            if entry.key == _KIND:
                kinds[value.name] = entry.value
    return TorchMarks(kinds)


def place_of(node: onnx.NodeProto) -> CodePlace:
    """Where a node comes from: its module and the line of code that PyTorch recorded, or the node's own name."""
    found = {entry.key: entry.value for entry in node.metadata_props}
    named = node.name or node.output[0]
    scopes = _QUOTED.findall(found.get(_SCOPES, ""))
    module = scopes[-2] if len(scopes) > 1 and scopes[-2] else f"node {named}"
    line = _LINE.search(found.get(_TRACE, ""))
    if line is None:
        return CodePlace(module)
    return CodePlace(module, CodeLine(line["file"], int(line["number"]), line["text"].strip()))


def weight_of(node: onnx.NodeProto) -> str:
    """The parameter whose transpose a node multiplies by, such as fc1.weight; "" where nothing says so."""
    path = _own_weight(node)
    return path if path and re.sub(r"\W", "_", path) == _called_with(node) else ""


def tied(model: onnx.ModelProto, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Further paths of parameters, each with the name that the file keeps: of tied weights it keeps one.

    Where a linear layer or an embedding calls with a parameter that is named after another module, that is its weight too.
    """
    kept = {re.sub(r"\W", "_", name): name for name in names}
    for node in model.graph.node:
        name = kept.get(_called_with(node))
        path = _own_weight(node)
        if name is not None and path and path != name:
            yield path, name


def _called_with(node: onnx.NodeProto) -> str:
    """The parameter that a linear layer's or an embedding's call takes for its weight, as calls have its name."""
    found = {entry.key: entry.value for entry in node.metadata_props}
    kinds = _QUOTED.findall(found.get(_KINDS, ""))
    pattern = _WEIGHT.get(kinds[-2]) if len(kinds) > 1 else None
    call = pattern.search(found.get(_CALL, "")) if pattern else None
    return call[1] if call else ""


def _own_weight(node: onnx.NodeProto) -> str:
    """The path that the weight of a node's module has by the module."""
    scopes = _QUOTED.findall({e.key: e.value for e in node.metadata_props}.get(_SCOPES, ""))
    if len(scopes) < 2:
        return ""
    return f"{scopes[-2]}.weight" if scopes[-2] else "weight"
