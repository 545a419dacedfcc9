"""An exported graph read as a problem: node by node, with PyTorch's own numbers beside every formula."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import getitem
from typing import Any

import torch

from handgrad.equations.place import CodePlace
from handgrad.errors import ProblemError
from handgrad.expression import Call, Expression, Name
from handgrad.models.builder import Builder, unreadable
from handgrad.models.pytorch.exporting import (
    Exported,
    Loss,
    exported,
    functional,
    line_of,
    operation_name,
    plain_operation,
)
from handgrad.models.pytorch.layout import INLINE, written_back
from handgrad.models.pytorch.own_results import (
    composed,
    draws,
    is_whole,
    own_result,
    tensors_in,
    values_of,
    written_to,
)
from handgrad.models.pytorch.table import RULES, rule_of
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.problem import Problem

FRAMEWORK = "PyTorch"

STOPS = frozenset(("aten::detach", "aten::detach_", "wrap_with_set_grad_enabled"))
"""What says that no gradient passes."""

CONSTANTS = frozenset(
    ("aten::detach", "aten::argmax", "aten::argmin", "aten::sign", "aten::sgn", "aten::floor", "aten::ceil", "aten::round", "aten::trunc", "aten::isnan", "aten::isinf", "aten::isfinite", "aten::one_hot", "aten::bernoulli",
     "aten::full_like", "aten::zeros_like", "aten::ones_like", "aten::empty_like", "aten::rand_like", "aten::randn_like", "aten::new_zeros", "aten::new_ones", "aten::new_full", "aten::new_empty")
)  # fmt: skip
"""Operations through which PyTorch lets no gradient pass: their results are data."""

PARTS = frozenset(("aten::select", "aten::slice"))
"""Operations whose result lies in the array that it is a part of: what writes to it writes there."""

DEEPEST = 4
"""Operations composed of others that are composed in turn, at most."""


class _StaleView(Exception):  # noqa: N818 - asks for the graph without what works in place
    """A view of an array that has been written to is used."""

    def __init__(self, place: CodePlace) -> None:
        super().__init__()
        self.place = place


def problem_of(
    found: Exported,
    y: Mapping[str, torch.Tensor] | None = None,
    loss: Callable[..., Any] | None = None,
) -> Problem:
    """The problem of an exported graph.

    Arguments:
        found: the graph.
        y: what the loss compares the graph's result with, by name, where the graph has not the loss in it.
        loss: of the result and y.

    Raises `ProblemError` for a graph whose result is no single number, and for an operation that is not
    read, naming the module, the operation, and the line of code.
    """
    try:
        return _ProgramReading(found).problem(y or {}, loss)
    except _StaleView as stale:
        stops = any(_stops(node) for node in found.program.graph.nodes)
        if stops:
            # PyTorch leaves out where a gradient stops when it writes a graph without what works in place.
            raise unreadable(
                "an array is used after a view of it has been written to in place, beside a detach or no_grad",
                stale.place,
                "write it without operations in place",
            ) from None
    return _ProgramReading(functional(found)).problem(y or {}, loss)


def _stops(node: torch.fx.Node) -> bool:
    return node.op == "call_function" and operation_name(node.target) in STOPS


@dataclass
class _ProgramReading:
    found: Exported
    builder: Builder = field(init=False)
    values: dict[torch.fx.Node, Any] = field(default_factory=dict)
    tied: dict[tuple[Any, ...], Name] = field(default_factory=dict)
    place: CodePlace = field(default_factory=CodePlace)
    path: str = ""
    within: int = 0
    outer: str = ""

    def __post_init__(self) -> None:
        self.builder = Builder(FRAMEWORK, self.found.title, literal=True)

    # -- the whole graph ----------------------------------------------------------------------------

    def problem(self, y: Mapping[str, torch.Tensor], loss: Callable[..., Any] | None) -> Problem:
        """The whole graph, read, and the loss of its result."""
        program = self.found.program
        given = self._placeholders(program)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            outputs = self._graph(program.graph_module, given)
            specs = program.graph_signature.output_specs
            results = [
                o for o, spec in zip(outputs, specs, strict=True) if spec.kind.name == "USER_OUTPUT"
            ]
            if loss is not None:
                results = self._compared(results, y, loss)
        return self.builder.problem(self._loss(results))

    def _compared(
        self, results: Sequence[Any], y: Mapping[str, torch.Tensor], loss: Callable[..., Any]
    ) -> list[Any]:
        """The loss of a graph's first result and y, which is a graph of its own."""
        output = next((r for r in results if isinstance(r, TorchValue)), None)
        if output is None:
            raise ProblemError("the model gives no array that a loss could be of")
        compared = exported(Loss(loss), (output.tensor.detach(), *y.values()))
        self.found = replace(compared, prefix="")
        targets = [self._constant(name, tensor.clone()) for name, tensor in y.items()]
        for value in targets:
            value.computed = value.tensor.is_floating_point()
        return self._graph(compared.program.graph_module, [output, *targets])

    def _loss(self, results: Sequence[Any]) -> Name:
        tensors = [r for r in results if isinstance(r, TorchValue)]
        computed = [r for r in tensors if r.computed]
        if not computed:
            raise ProblemError(
                "the model's result depends on none of its parameters and inputs by what has a gradient",
                mend="a loss is computed from them",
            )
        if len(tensors) > 1 or tensors[0].tensor.numel() != 1:
            shapes = " and ".join(str(tuple(r.tensor.shape)) for r in tensors)
            raise ProblemError(
                f"the model gives {'an array' if len(tensors) == 1 else 'arrays'} of shape {shapes}, not a loss, which is one number",
                mend="give y and a loss: handgrad.from_torch(model, x, y, torch.nn.functional.cross_entropy)",
            )
        value = computed[0]
        formula = value.formula
        if value.shape:
            formula = formula.at(tuple(0 for _ in value.shape))
        if not torch.isfinite(value.tensor).all():
            raise ProblemError(
                f"the loss is {float(value.tensor)}",
                mend="at these numbers the model gives no finite one",
            )
        return (
            formula
            if isinstance(formula, Name)
            else self.builder.equation("loss", formula, self.place)
        )

    def _placeholders(self, program: torch.export.ExportedProgram) -> list[Any]:
        signature = program.graph_signature
        nodes = [n for n in program.graph.nodes if n.op == "placeholder"]
        users = iter(zip(self.found.inputs, self.found.values, strict=True))
        constants: Mapping[str, Any] = {**program.state_dict, **program.constants}
        given: list[Any] = []
        for node, spec in zip(nodes, signature.input_specs, strict=True):
            match spec.kind.name:
                case "USER_INPUT":
                    if not isinstance(node.meta.get("val"), torch.Tensor):
                        given.append(node.meta.get("val"))
                        continue
                    name, tensor = next(users)
                    value = self._constant(name, tensor.detach().clone())
                    value.computed = tensor.is_floating_point()
                    given.append(value)
                case "PARAMETER":
                    path = self.found.path(str(spec.target))
                    tensor = constants[str(spec.target)]
                    frozen = str(spec.target) in self.found.frozen or not tensor.requires_grad
                    given.append(
                        self._parameter(path, tensor, frozen)
                        if self._used(tensor, nodes, signature.input_specs, constants)
                        else None
                    )
                case _:
                    found = constants.get(str(spec.target))
                    if not isinstance(found, torch.Tensor):
                        given.append(found)
                        continue
                    given.append(
                        self._constant(self.found.path(str(spec.target)), found.detach().clone())
                    )
        return given

    def _used(
        self,
        tensor: torch.Tensor,
        nodes: Sequence[torch.fx.Node],
        specs: Sequence[Any],
        tensors: Mapping[str, Any],
    ) -> bool:
        """Whether a node uses a parameter, by any of its paths."""
        return any(
            node.users
            and isinstance(other := tensors.get(str(spec.target)), torch.Tensor)
            and other.data_ptr() == tensor.data_ptr()
            for node, spec in zip(nodes, specs, strict=True)
        )

    def _parameter(self, path: str, tensor: torch.Tensor, frozen: bool) -> TorchValue:
        """A parameter; one that two modules share has one name, and the path of each."""
        value = self._constant(path, tensor.detach())
        value.computed = True
        key = (tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride()))
        if key in self.tied:
            self.builder.also(path, self.tied[key])
        else:
            numbers = tensor.detach().double().numpy()
            dtype = str(tensor.dtype).removeprefix("torch.")
            self.tied[key] = (
                self.builder.data(path, numbers)
                if frozen
                else self.builder.parameter(path, numbers, dtype=dtype)
            )
        value.written = self.tied[key]
        return value

    def _constant(self, path: str, tensor: torch.Tensor) -> TorchValue:
        return TorchValue(tensor, path, self._add)

    def _add(self, path: str, tensor: torch.Tensor) -> Name:
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise NotRead(f"{path} holds a NaN or an infinity that goes into a formula")
        return self.builder.data(path or "constant", tensor.detach().double().numpy())

    # -- one graph ----------------------------------------------------------------------------------

    def _graph(
        self, module: torch.fx.GraphModule, given: Sequence[Any], constant: bool = False
    ) -> list[Any]:
        """The results of a graph; of a `constant` one, PyTorch's numbers alone."""
        inputs = iter(given)
        for node in module.graph.nodes:
            match node.op:
                case "placeholder":
                    self.values[node] = next(inputs)
                case "get_attr":
                    self.values[node] = self._attribute(module, str(node.target))
                case "call_function":
                    self._at(node)
                    try:
                        self.values[node] = self._call(node, constant)
                    except NotRead as error:
                        raise self._unread(node, error) from None
                case "output":
                    found = self._of(node.args[0])
                    return list(found) if isinstance(found, list | tuple) else [found]
                case _:
                    raise unreadable(f"a {node.op} cannot be read", self.place)
        return []

    def _attribute(self, module: torch.fx.GraphModule, target: str) -> Any:
        found: Any = module
        for part in target.split("."):
            found = getattr(found, part)
        if isinstance(found, torch.Tensor):
            return self._constant(self.found.path(target), found.detach().clone())
        return found

    def _at(self, node: torch.fx.Node) -> None:
        """Where in the model, and in the user's code, a node is; of what an operation is composed of, the operation."""
        if self.within:
            ends = any(user.op == "output" for user in node.users)
            self.path = self.outer if ends else f"{self.outer}.{plain_operation(node.target)}"
            return
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        module = self.found.path(str(stack[-1][0]).partition("@")[0]) if stack else ""
        self.place = CodePlace(module, line_of(node.meta.get("stack_trace")))
        self.path = "loss" if self._is_loss(node) else self._told(node, module)

    def _told(self, node: torch.fx.Node, module: str) -> str:
        """What a node's value is called: its module's path where it is the module's result, else below it."""
        what = variable(node) or plain_operation(_source(node))
        if not module:
            return what
        own = _modules(node)[-1]
        inside = any(own in _modules(user) for user in node.users)
        # A module of nn.Sequential is called by its number, which alone would read as one.
        return f"{module}.{what}" if inside or module.isdigit() else module

    def _of(self, argument: Any) -> Any:
        """An argument with values for nodes."""
        if isinstance(argument, torch.fx.Node):
            return self.values[argument]
        if isinstance(argument, list | tuple):
            return [self._of(each) for each in argument]
        if isinstance(argument, slice):
            return argument
        return argument

    # -- one node -----------------------------------------------------------------------------------

    def _call(self, node: torch.fx.Node, constant: bool) -> Any:
        target: Any = node.target
        if target is getitem:
            whole, at = self._of(node.args[0]), node.args[1]
            return self._named(node, whole[at])
        name = operation_name(target)
        if name == "wrap_with_set_grad_enabled":
            enabled, module, *rest = node.args
            inner: Any = self.values[module]  # type: ignore[index]
            return self._graph(inner, [self._of(each) for each in rest], constant or not enabled)
        if name == "wrap_with_autocast":
            raise NotRead("a region of autocast", "read the model outside of it")
        schema = getattr(target, "_schema", None)
        if schema is None:
            return self._python(node, name)
        given = self._bound(node, schema)
        written = written_to(schema)
        before = given
        if written is not None:
            # The formula is of what the array was before it is written to.
            old: TorchValue = given[written]
            before = {**given, written: replace(old, tensor=old.tensor.clone())}
        began = torch.get_rng_state() if draws(target) else None
        result, drawn = own_result(name, target, schema, given)
        if result is None or isinstance(result, bool | int | float | torch.SymInt):
            return result  # a size, or nothing at all
        if any(t.is_complex() for t in tensors_in(result)):
            raise NotRead("complex numbers", "write it with real and imaginary parts")
        if self.within and name in STOPS:
            return given["self"]
        known = constant or name in CONSTANTS or not self._depends(given) or is_whole(result)
        if known:
            return self._known(given, result, written)
        rule = rule_of(name)
        if rule is None:
            return self._decomposed(node, before, result, began)
        arguments = Arguments(before, result, self._part, self._beside, drawn)
        made = rule(arguments)
        if isinstance(made, tuple):
            beside = [self._constant(self.path, r) for r in result[len(made) :]]
            return [*map(self._value, made, result), *beside]
        value = self._named(node, self._value(made, result))
        if written is not None:
            self._rewritten(node, given[written], value)
        elif name in PARTS and value is not given["self"]:
            value.part_of = given["self"], given
        return value

    def _decomposed(
        self,
        node: torch.fx.Node,
        given: Mapping[str, Any],
        result: Any,
        began: torch.Tensor | None,
    ) -> Any:
        """The result of an operation without a rule, by the operations that PyTorch itself composes it of.

        What it draws at random is drawn again each time that it is run, from where it `began`.
        """
        if self.within >= DEEPEST:
            raise NotRead("")
        if began is not None:
            torch.set_rng_state(began)
        graph, values = composed(node.target, given)
        if began is not None:
            torch.set_rng_state(began)
        place, path, outer = self.place, self.path, self.outer
        self.within, self.outer = self.within + 1, path
        try:
            found = self._graph(graph, values)
        except (ProblemError, _StaleView):
            raise NotRead("") from None
        finally:
            self.within -= 1
            self.place, self.path, self.outer = place, path, outer
        return found if not isinstance(result, torch.Tensor) else self._named(node, found[0])

    def _python(self, node: torch.fx.Node, name: str) -> Any:
        """Arithmetic on sizes and the like."""
        arguments: list[Any] = [self._of(a) for a in node.args]
        if any(isinstance(a, TorchValue) for a in arguments):
            raise NotRead("")
        target: Any = node.target
        return target(*arguments)

    def _bound(self, node: torch.fx.Node, schema: Any) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for k, argument in enumerate(schema.arguments):
            if k < len(node.args):
                given[argument.name] = self._of(node.args[k])
            elif argument.name in node.kwargs:
                given[argument.name] = self._of(node.kwargs[argument.name])
            else:
                given[argument.name] = argument.default_value
        return given

    def _depends(self, given: Mapping[str, Any]) -> bool:
        return any(v.computed for v in values_of(given.values()))

    def _known(self, given: Mapping[str, Any], result: Any, written: str | None) -> Any:
        """A result that is data, where a formula uses it."""
        if written is not None:
            changed: TorchValue = given[written]
            if changed.written is not None:
                raise _StaleView(self.place)
            return changed
        if isinstance(result, list | tuple):
            return [
                self._constant(self.path, r) if isinstance(r, torch.Tensor) else r for r in result
            ]
        if not isinstance(result, torch.Tensor):
            return result
        same = next((v for v in values_of(given.values()) if v.tensor is result), None)
        return same or self._constant(self._data_path(given), result)

    def _data_path(self, given: Mapping[str, Any]) -> str:
        """What a constant is called: as what it was made of, where that is one constant."""
        made_of = [v for v in values_of(given.values()) if v.written is None]
        if len(made_of) == 1 and made_of[0].path:
            return made_of[0].path
        return self.path

    def _value(self, made: Expression | TorchValue, result: torch.Tensor) -> TorchValue:
        if isinstance(made, TorchValue):
            if made.tensor is result or made.kept is not None:
                return made
            return TorchValue(
                result,
                made.path,
                self._add,
                made.written if made.computed else made.formula,
                made.computed,
            )
        return TorchValue(result, self.path, self._add, made, True)

    def _part(self, what: str, formula: Expression) -> Name:
        """An equation of its own for a part of an operation."""
        path = f"{self.place.module}.{what}" if self.place.module else what
        return self.builder.equation(path, formula, self.place)

    def _beside(self, what: str, tensor: torch.Tensor) -> TorchValue:
        """A constant that an operation needs besides its arguments, below the operation's path."""
        known = any(v.path == what for v in self.values.values() if isinstance(v, TorchValue))
        below = self.place.module and not known
        return self._constant(f"{self.place.module}.{what}" if below else what, tensor)

    def _named(self, node: torch.fx.Node, value: Any) -> Any:
        """The value under a name of its own, unless it only arranges what one formula uses."""
        if not isinstance(value, TorchValue) or not isinstance(value.written, Call):
            return value
        inline = operation_name(_source(node)) in INLINE and len(node.users) == 1
        if inline or not node.users or value.kept is not None:
            return value
        value.written = self.builder.equation(self.path, value.written, self.place)
        return value

    def _is_loss(self, node: torch.fx.Node) -> bool:
        val = node.meta.get("val")
        ends = any(user.op == "output" for user in node.users)
        return ends and isinstance(val, torch.Tensor) and val.numel() == 1

    def _rewritten(self, node: torch.fx.Node, old: TorchValue, new: TorchValue) -> None:
        """What an operation in place has written to is the new value; what shares its memory must not be used later."""
        if old.part_of is not None:
            whole, picked = old.part_of
            arguments = Arguments({**picked, "src": new}, whole.tensor, self._part, self._beside)
            formula = self.builder.equation(
                whole.path or self.path, written_back(arguments), self.place
            )
            changed = TorchValue(
                whole.tensor, whole.path, self._add, formula, True, part_of=whole.part_of
            )
            new.part_of = changed, picked
            self._rewritten(node, whole, changed)
        memory = old.tensor.untyped_storage().data_ptr()
        order = list(node.graph.nodes)
        later = set(order[order.index(node) + 1 :])
        for other, value in self.values.items():
            if value is old:
                self.values[other] = new
            elif (
                isinstance(value, TorchValue)
                and value.tensor.untyped_storage().data_ptr() == memory
                and value is not new
                and value is not whole_of(new)
                and any(user in later for user in other.users)
            ):
                raise _StaleView(self.place)

    def _unread(self, node: torch.fx.Node, error: NotRead) -> ProblemError:
        what = f"{operation_name(node.target).removeprefix('aten::')} cannot be read"
        if error.what:
            what += f": {error.what}"
        mend = (
            error.mend
            or f"{len(RULES)} of PyTorch's operations are read; docs/models.md lists them"
        )
        return unreadable(what, self.place, mend)


def whole_of(value: TorchValue) -> TorchValue | None:
    """The array that a value lies in, if it is a part of one."""
    return value.part_of[0] if value.part_of is not None else None


def _modules(node: torch.fx.Node) -> list[str]:
    """The calls of modules that a node is in, the innermost last."""
    return list(node.meta.get("nn_module_stack") or {})


def _source(node: torch.fx.Node) -> Any:
    """What a node calls; of one of several results, what gave them."""
    whole = node.args[0] if node.target is getitem else node
    return getattr(whole, "target", None)


def variable(node: torch.fx.Node) -> str:
    """The variable that the user's line assigns a node's value to; empty where it does not."""
    line = line_of(node.meta.get("stack_trace"))
    if line is None:
        return ""
    after = node.next
    same = (
        line_of(after.meta.get("stack_trace")) == line and _modules(after)[:1] == _modules(node)[:1]
    )
    if after.op != "output" and same and after.target is not getitem:
        return ""  # the line goes on
    try:
        statement = ast.parse(line.text).body
    except SyntaxError:
        return ""
    match statement:
        case [ast.Assign(targets=[ast.Name(id=name)])] | [ast.AugAssign(target=ast.Name(id=name))]:
            return name
        case _:
            return ""
