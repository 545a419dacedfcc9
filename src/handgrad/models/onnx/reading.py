"""ONNX models as problems: the nodes of the graph, in their order, each an equation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.equations.place import CodePlace
from handgrad.errors import HandgradError, MissingExtraError, OptionError, ProblemError, nearest
from handgrad.expression import Expression, Name
from handgrad.models.builder import Builder, unreadable
from handgrad.models.formulas import Masked
from handgrad.models.inputs import array_of, arrays_of
from handgrad.models.losses import with_loss
from handgrad.models.onnx.attention import ATTENTION
from handgrad.models.onnx.entrywise import ENTRYWISE, Rule
from handgrad.models.onnx.exporter import TorchMarks, exported, place_of, tied, weight_of
from handgrad.models.onnx.linear import LINEAR
from handgrad.models.onnx.node import Constant, Known, OnnxNode, Several, Value
from handgrad.models.onnx.places import PLACES
from handgrad.models.onnx.recurrent import RECURRENT
from handgrad.models.onnx.roles import learned_names
from handgrad.models.onnx.shapes import SHAPES
from handgrad.models.onnx.windows import WINDOWS
from handgrad.models.reading import Inputs
from handgrad.operations.structure import transpose
from handgrad.problem import Problem

if TYPE_CHECKING:
    import onnx

RULES: Mapping[str, Rule] = {
    **ENTRYWISE,
    **LINEAR,
    **WINDOWS,
    **SHAPES,
    **PLACES,
    **RECURRENT,
    **ATTENTION,
}
"""By operator, the formulas of its outputs."""

INLINE: Mapping[str, tuple[str, ...]] = {
    "MatMul": ("Add",),
    "Transpose": ("MatMul", "Gemm"),
    "Sqrt": ("Reciprocal", "Div"),
    "Reciprocal": ("Mul",),
    "Greater": ("Where", "Cast", "Mul"),
    "GreaterOrEqual": ("Where", "Cast", "Mul"),
    "Less": ("Where", "Cast", "Mul"),
    "LessOrEqual": ("Where", "Cast", "Mul"),
    "Equal": ("Where", "Cast", "Mul", "Not"),
    "Not": ("Where", "Cast", "Mul"),
    "Cast": ("Mul", "Where"),
}
"""Operators whose formula stands within that of the only node that takes their output."""

RANDOM = (
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Bernoulli",
    "Multinomial",
)


def from_onnx(
    model: str | Path | onnx.ModelProto,
    data: Inputs | None = None,
    target: Inputs | None = None,
    loss: str | None = None,
) -> Problem:
    """The problem of an ONNX model: its graph as equations, its weights as parameters.

    Arguments:
        model: the path of a .onnx file, whose weights may lie in a file beside it, or a model that was loaded.
        data: the inputs: an array or a .npy file; several in a tuple, by name, or in a .npz file.
        target: what the first output is compared with; left out where the model computes its loss.
        loss: by its name, such as "cross_entropy" (of scores, as PyTorch's) or "mse".

    Floating initialisers that weigh are parameters; constants, and whole numbers such as token ids, are data.
    Raises `ProblemError` for what is no model, or has an operator that is not read, naming the node;
    `OptionError` and `NumberError` for inputs that do not fit; `MissingExtraError` without the package onnx.

        >>> import onnx.parser
        >>> model = onnx.parser.parse_model(
        ...     '<ir_version: 10, opset_import: ["": 20]> net (float[3, 2] x) => (float[3, 1] z)'
        ...     "<float[2, 1] W = {0.5, -1.0}> { z = MatMul(x, W) }"
        ... )
        >>> problem = handgrad.from_onnx(model, [[1, 2], [0, 1], [2, 2]], [1, 0, 1], "mse")
        >>> [e.text for e in problem.equations]
        ['z = x @ W', 'loss = mse(z, target)']
    """
    proto, where = _loaded(model)
    try:
        return OnnxReader(proto).problem(data, target, loss, where)
    except HandgradError as error:
        raise error.at(where) if where and where not in str(error) else error from None


def read(path: Path, *, data: Any = None, target: Any = None, loss: Any = None) -> Problem:
    """The problem in a .onnx file, for the table of readers."""
    if loss is not None and not isinstance(loss, str):
        raise OptionError("the loss of an ONNX model is given by its name", where="loss")
    return from_onnx(path, data, target, loss)


def _loaded(model: Any) -> tuple[onnx.ModelProto, str]:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError(
            "ONNX models need the package onnx", mend="pip install 'handgrad[onnx]'"
        ) from None
    from google.protobuf.message import DecodeError

    if isinstance(model, onnx.ModelProto):
        return model, ""
    if not isinstance(model, str | Path):
        raise OptionError(
            f"a {type(model).__name__} is no ONNX model", mend="give the path of a .onnx file"
        )
    path = Path(model)
    try:
        proto = onnx.load(path)
    except FileNotFoundError as error:
        what = (
            "there is no such file"
            if not path.exists()
            else f"its weights lie in another file: {error}"
        )
        raise ProblemError(what, where=str(path)[:200]) from None
    except (DecodeError, OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ProblemError(f"is no ONNX model: {str(error)[:120]}", where=str(path)[:200]) from None
    if not proto.graph.output:
        raise ProblemError("is no ONNX model: it has no graph", where=str(path)[:200])
    return proto, path.name


@dataclass
class OnnxReader:
    """Reads one model."""

    model: onnx.ModelProto
    builder: Builder = field(init=False)
    values: dict[str, Value] = field(default_factory=dict)
    names: dict[str, Expression] = field(default_factory=dict)
    of_torch: TorchMarks = field(init=False)

    def __post_init__(self) -> None:

        if self.model.functions:
            from onnx.inliner import inline_local_functions

            self.model = inline_local_functions(self.model)
        self.of_torch = exported(self.model)
        self.builder = Builder("ONNX", self.model.graph.name)
        self.graph = self.model.graph
        domains = {entry.domain: entry.version for entry in self.model.opset_import}
        self.opset = domains.get("", domains.get("ai.onnx", 1))
        self.numbers = {i.name: _array(i) for i in self.graph.initializer}
        if self.graph.sparse_initializer:
            raise ProblemError("the model has sparse weights", mend="save them in full")
        kinds = Counter(a.dtype for a in self.numbers.values() if a.dtype.kind == "f")
        self.floating = kinds.most_common(1)[0][0] if kinds else np.dtype(np.float32)

    def problem(self, data: Any, target: Any, loss: str | None, where: str) -> Problem:
        """The problem, with numbers for the inputs."""
        outputs = [value.name for value in self.graph.output]
        needed = [*self._needed(outputs[0])]
        self._initialisers(needed)
        self._inputs(data, needed)
        self.uses = Counter(name for node in needed for name in node.input)
        self.uses[outputs[0]] += 1
        self.takers = {name: node for node in needed for name in node.input}
        for node in needed:
            self._node(node)
        output = self._output(outputs[0])
        for path, name in tied(self.model, self.of_torch.kinds):
            known = self.names.get(name)
            if isinstance(known, Name) and path not in self.builder.paths.values():
                self.builder.also(path, known)
        y = None if target is None else array_of(target, "target")
        return self.builder.problem(with_loss(self.builder, output, y, loss), where=where)

    def _needed(self, output: str) -> Iterator[onnx.NodeProto]:
        """The nodes that lead to an output, in the graph's order."""
        asked = {output}
        kept: list[onnx.NodeProto] = []
        for node in reversed(self.graph.node):
            if asked.intersection(node.output):
                asked.update(name for name in node.input if name)
                kept.append(node)
        return iter(kept[::-1])

    def _initialisers(self, nodes: list[onnx.NodeProto]) -> None:
        learned = learned_names(
            nodes, self.numbers, self.of_torch, {v.name for v in self.graph.input}
        )
        for name, array in self.numbers.items():
            self.values[name] = Constant(name, array, name in learned)

    def _inputs(self, data: Any, nodes: list[onnx.NodeProto]) -> None:
        wanted = {n for node in nodes for n in node.input}
        inputs = [v for v in self.graph.input if v.name not in self.numbers and v.name in wanted]
        if not inputs:
            return
        given = arrays_of(data, [v.name for v in inputs], "data")
        for value in inputs:
            array = given[value.name]
            kind = value.type.tensor_type
            self._check_shape(value.name, array, [d.dim_value for d in kind.shape.dim])
            if kind.elem_type in _FLOATING:
                self.values[value.name] = self.builder.data(
                    _tidy(value.name), array.astype(np.float64)
                )
            else:
                whole = np.asarray(array)
                if whole.dtype.kind == "f" and (whole != np.floor(whole)).any():
                    raise OptionError(
                        f"{value.name} takes whole numbers",
                        where="data",
                        mend="such as the ids of tokens",
                    )
                self.values[value.name] = Constant(value.name, whole.astype(_whole(kind.elem_type)))

    def _check_shape(self, name: str, array: Known, lengths: list[int]) -> None:
        """Raises `OptionError` where an input has other axes than the model says; lengths of 0 are open."""
        fits = len(lengths) == array.ndim and all(
            n in (0, m) for n, m in zip(lengths, array.shape, strict=True)
        )
        if lengths and not fits:
            wanted = "×".join(str(n) if n else "any" for n in lengths)
            told = "×".join(map(str, array.shape)) or "a number"
            raise OptionError(f"{name} is {told}, and the model takes {wanted}", where="data")

    def _node(self, node: onnx.NodeProto) -> None:
        place = place_of(node)
        if node.op_type == "CastLike" and self._is_fixed(node.input[0]):
            # The other input only says which kind of number is meant.
            constant = self.values[node.input[0]]
            other = self.values[node.input[1]]
            kind = other.array.dtype if isinstance(other, Constant) else self.floating
            assert isinstance(constant, Constant)
            self.values[node.output[0]] = Constant(node.output[0], constant.array.astype(kind))
            return
        if node.op_type == "Constant" or self._is_known(node):
            for name, array in self._worked_out(node, place):
                self.values[name] = Constant(name, array)
            return
        rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if node.op_type == "Dropout":
            rule = _dropout
        if rule is None:
            own = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            mend = nearest(node.op_type, RULES)
            raise unreadable(
                f"the operator {own} is not read",
                place,
                mend or f"read are {', '.join(sorted(RULES))}",
            )
        from onnx import helper

        view = OnnxNode(
            kind=node.op_type,
            opset=self.opset,
            inputs=[self.values[name] if name else None for name in node.input],
            outputs=list(node.output),
            attributes={a.name: helper.get_attribute_value(a) for a in node.attribute},
            place=place,
            builder=self.builder,
            given=lambda constant: self._given(constant, node),
        )
        try:
            found = rule(view)
        except HandgradError as error:
            if error.where or "read" in error.what:
                raise
            raise unreadable(f"{node.op_type}: {error.what}", place, error.mend) from None
        results = found if isinstance(found, tuple) else (found,)
        for name, value in zip(node.output, results, strict=False):
            if name and value is not None:
                self.values[name] = self._named(name, value, node, place)

    def _named(self, name: str, value: Value, node: onnx.NodeProto, place: CodePlace) -> Value:
        """A node's output as equations have it: under its own name, unless it stands within another formula."""
        if not isinstance(value, Expression) or isinstance(value, Name):
            return value
        if self.uses[name] == 1 and name in self.takers:
            taker = self.takers[name]
            silu = (
                node.op_type == "Sigmoid"
                and taker.op_type == "Mul"
                and node.input[0] in taker.input
            )
            if silu or taker.op_type in INLINE.get(node.op_type, ()):
                return value
        return self.builder.equation(_tidy(name), value, place)

    def _is_known(self, node: onnx.NodeProto) -> bool:
        """Whether all that a node takes is known, and nothing of it learned."""
        if node.op_type == "Shape":
            return True
        fixed = all(self._is_fixed(name) for name in node.input if name)
        return fixed and node.op_type not in RANDOM

    def _is_fixed(self, name: str) -> bool:
        value = self.values[name]
        return isinstance(value, Constant) and not value.learned

    def _worked_out(self, node: onnx.NodeProto, place: CodePlace) -> Iterator[tuple[str, Known]]:
        """What a node of known inputs gives, by the package onnx itself."""
        if node.op_type == "Shape":
            shape = np.array(self._shape(node.input[0]), dtype=np.int64)
            attributes = {a.name: a.i for a in node.attribute}
            yield node.output[0], shape[attributes.get("start") : attributes.get("end")]
            return
        from onnx.reference import ReferenceEvaluator

        inputs = {}
        for name in node.input:
            value = self.values[name] if name else None
            if isinstance(value, Constant):
                inputs[name] = value.array
        try:
            results = ReferenceEvaluator(node, opsets={"": self.opset}).run(None, inputs)
        except Exception as error:  # its kernels raise whatever NumPy does
            raise unreadable(
                f"{node.op_type} cannot be worked out: {str(error)[:80]}", place
            ) from None
        for name, array in zip(node.output, results, strict=False):
            if name:
                yield name, np.asarray(array)

    def _shape(self, name: str) -> tuple[int, ...]:
        value = self.values[name]
        match value:
            case Constant():
                return tuple(value.array.shape)
            case Masked():
                return self.builder.shape(value.scores)
            case Several():
                return (len(value.parts),)
            case _:
                return self.builder.shape(value)

    def _given(self, constant: Constant, node: onnx.NodeProto) -> Expression:
        """The formula of numbers of the file; a parameter that was folded is put back into its own layout."""
        key = constant.name if constant.learned else f"{constant.name} as given"
        if key in self.names:
            return self.names[key]
        if not constant.learned:
            found: Expression = self.builder.data(_tidy(constant.name), _plain(constant.array))
        else:
            found = self._parameter(constant, node)
        self.names[key] = found
        return found

    def _parameter(self, constant: Constant, node: onnx.NodeProto) -> Expression:
        array = _plain(constant.array)
        if self.of_torch.known and constant.name not in self.of_torch.kinds and array.ndim == 2:
            for name in self.of_torch.kinds:
                other = self.values.get(name)
                if (
                    isinstance(other, Constant)
                    and other.learned
                    and np.array_equal(other.array.T, constant.array)
                ):
                    return transpose(self._given(other, node))
            path = weight_of(node)
            if path:
                return transpose(self.builder.parameter(path, array.T, dtype=constant.array.dtype))
        return self.builder.parameter(_tidy(constant.name), array, dtype=constant.array.dtype)

    def _output(self, name: str) -> Name:
        value = self.values[name]
        if isinstance(value, Constant):
            raise ProblemError("the model's output depends on no parameter and no floating input")
        if isinstance(value, Several):
            raise ProblemError(
                "the model gives a sequence of arrays", mend="a single array is read"
            )
        if isinstance(value, Masked):
            raise ProblemError(
                "the model gives scores that −∞ leaves out", mend="softmax can take these alone"
            )
        return self.builder.named(_tidy(name), value)


def _dropout(node: OnnxNode) -> Value:
    training = node.known(2)
    if training is not None and training.any():
        node.refuse("draws its mask (training_mode)", "export the model in evaluation mode")
    return node.value(0)


def _array(initialiser: onnx.TensorProto) -> Known:
    from onnx import checker, numpy_helper

    try:
        return numpy_helper.to_array(initialiser)
    except (OSError, ValueError, checker.ValidationError) as error:
        raise ProblemError(
            f"the weight {initialiser.name} cannot be read: {str(error)[:120]}",
            mend="a file of weights stands beside the model's: give the model by its path",
        ) from None


def _plain(array: Known) -> Known:
    """Numbers as float64; those of a half or brain float too."""
    return array.astype(np.float64)


def _tidy(name: str) -> str:
    """A name of the file as a path: fc1.Gemm for /fc1/Gemm_output_0."""
    if not name.startswith("/"):
        return name
    return name.strip("/").removesuffix("_output_0").replace("/", ".")


def _whole(kind: int) -> Any:
    from onnx import helper

    return helper.tensor_dtype_to_np_dtype(kind)


_FLOATING = (1, 10, 11, 16)
"""float, float16, double, bfloat16."""
