"""A model and its loss as one exported graph of ATen's operations."""

from __future__ import annotations

import copy
import inspect
import logging
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from handgrad.equations.place import CodeLine
from handgrad.errors import OptionError, ProblemError

MODEL = "model"
"""What the model is called in the wrapper that adds its loss; paths are told without it."""


class _WithLoss(torch.nn.Module):
    """The model's output, and the loss of it."""

    def __init__(
        self, model: torch.nn.Module, loss: Callable[..., Any] | None, counted: int
    ) -> None:
        super().__init__()
        self.model = model
        self.counted = counted
        if isinstance(loss, torch.nn.Module):
            self.loss = loss
        else:
            self.compare = loss
        self.training = model.training

    def forward(self, *given: Any, **named: Any) -> Any:
        inputs, rest = given[: self.counted], given[self.counted :]
        output = self.model(*inputs, **named)
        loss = getattr(self, "loss", None) or getattr(self, "compare", None)
        return output if loss is None else loss(output, *rest)


class Loss(torch.nn.Module):
    """A loss alone, of an output and what it is compared with."""

    def __init__(self, loss: Callable[..., Any]) -> None:
        super().__init__()
        self.compare = loss

    def forward(self, output: Any, *y: Any) -> Any:
        return self.compare(output, *y)


@dataclass
class Exported:
    """An exported graph, and what its inputs are called.

    Arguments:
        program: of `torch.export`.
        inputs: what the user inputs are called, in their order.
        prefix: of paths that belong to the wrapper.
        frozen: the parameters, by their targets, that get no gradient.
    """

    program: torch.export.ExportedProgram
    inputs: Sequence[str]
    values: Sequence[torch.Tensor]
    prefix: str = ""
    frozen: frozenset[str] = frozenset()
    title: str = ""

    def path(self, target: str) -> str:
        """A path of the model's own."""
        if not self.prefix:
            return target
        return target.removeprefix(self.prefix).lstrip(".") if target != self.prefix else ""


def exported(
    model: Any,
    x: Any,
    y: Any = None,
    loss: Callable[..., Any] | None = None,
) -> Exported:
    """The graph of a model's loss on these inputs.

    Raises `OptionError` for what is no model or no tensors, and `ProblemError` where it cannot be exported.
    """
    if not isinstance(model, torch.nn.Module):
        raise OptionError(
            f"a model of PyTorch is a torch.nn.Module, not a {type(model).__name__}",
            mend="give the module itself: handgrad.from_torch(model, x, y, loss)",
        )
    positional, named = _inputs(x)
    if loss is None and y is not None:
        raise OptionError(
            "y is given, and no loss", mend="give one, such as torch.nn.functional.cross_entropy"
        )
    if loss is not None and not callable(loss):
        raise OptionError(
            f"loss is a function of the output and y, not a {type(loss).__name__}",
            mend="such as torch.nn.functional.cross_entropy",
        )
    targets = () if y is None else tuple(y) if isinstance(y, tuple) else (y,)
    for name, value in (
        *((f"input {k + 1}", v) for k, v in enumerate(positional)),
        *named.items(),
        *(("y", v) for v in targets),
    ):
        _check(name, value)
    whole = _WithLoss(model, loss, len(positional))
    arguments = (*positional, *targets)
    try:
        with torch.random.fork_rng(devices=[]), quietly():
            program = torch.export.export(whole, arguments, named or None, strict=False)
    except Exception as error:
        raise _failed(whole, model, arguments, named, error) from None
    names = [
        *_argument_names(model, positional),
        *(["y"] if len(targets) == 1 else [f"y{k + 1}" for k in range(len(targets))]),
        *named,
    ]
    frozen = frozenset(
        f"{MODEL}.{n}"
        for n, p in model.named_parameters(remove_duplicate=False)
        if not p.requires_grad
    )
    if isinstance(loss, torch.nn.Module):
        frozen |= {f"loss.{n}" for n, p in loss.named_parameters() if not p.requires_grad}
    return Exported(
        program, names, [*arguments, *named.values()], MODEL, frozen, type(model).__name__
    )


@contextmanager
def quietly() -> Iterator[None]:
    """Without warnings and what is logged: PyTorch tells of its own inside, which says nothing to its user."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _inputs(x: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(x, Mapping):
        return (), dict(x)
    return (tuple(x) if isinstance(x, tuple | list) else (x,)), {}


def _check(name: str, value: Any) -> None:
    if not isinstance(value, torch.Tensor):
        raise OptionError(
            f"{name} is a {type(value).__name__}, not a tensor", mend="write torch.as_tensor(…)"
        )
    if value.is_floating_point() and not torch.isfinite(value).all():
        raise OptionError(f"{name} holds a NaN or an infinity", mend="every number must be finite")


def _argument_names(model: torch.nn.Module, given: Sequence[Any]) -> list[str]:
    """What the model's forward calls its arguments."""
    try:
        known = [
            p.name
            for p in inspect.signature(model.forward).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        known = []
    usual = ["x", *(f"x{k + 2}" for k in range(len(given)))]
    return [known[k] if k < len(known) else usual[k] for k in range(len(given))]


def _failed(
    whole: torch.nn.Module,
    model: torch.nn.Module,
    arguments: Sequence[Any],
    named: Mapping[str, Any],
    error: Exception,
) -> ProblemError:
    """Why a model has no graph: it cannot be run at all, or what it does depends on its numbers."""
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            # A copy's buffers move, and not the model's.
            copy.deepcopy(whole)(*arguments, **named)
    except Exception as raised:
        return ProblemError(
            f"the model cannot be run on these inputs: {told(raised)}",
            where=_place(raised),
            mend="try model(x) and the loss first",
        )
    what = told(error)
    if (
        "data-dependent" in str(error)
        or "GuardOnDataDependent" in type(error).__name__
        or "Could not guard" in str(error)
    ):
        what = "its path depends on the numbers that it is given (an if, a loop or an .item() on a tensor)"
        return ProblemError(
            f"the model cannot be exported: {what}",
            where=_place(error),
            mend="write it with torch.where, or take the branch out",
        )
    return ProblemError(
        f"the model cannot be exported: {what}",
        where=_place(error),
        mend="torch.export must be able to",
    )


def told(error: BaseException) -> str:
    """An error of PyTorch's in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]


def _place(error: BaseException) -> str:
    """The file and line of the user's own code that an error came from; empty where none is seen."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if is_users(f.filename)]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


_NOT_USERS = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]), "<")


def is_users(file: str) -> bool:
    """Whether a file is neither PyTorch's nor handgrad's own; PyTorch's may lie elsewhere on another machine."""
    return not file.startswith(_NOT_USERS) and "site-packages/torch/" not in file


def line_of(stack_trace: str | None) -> CodeLine | None:
    """The innermost line of the user's code in a node's trace."""
    found = None
    lines = (stack_trace or "").splitlines()
    for here, after in zip(lines, [*lines[1:], ""], strict=False):
        told_ = here.strip()
        if told_.startswith('File "') and '", line ' in told_:
            file, _, rest = told_.removeprefix('File "').partition('", line ')
            number = rest.partition(",")[0]
            if is_users(file) and number.isdigit():
                found = CodeLine(Path(file).name, int(number), after.strip())
    return found


def functional(found: Exported) -> Exported:
    """The same graph without what works in place, which PyTorch writes anew."""
    with quietly():
        program = found.program.run_decompositions({})
    return replace(found, program=program)


def operation_name(target: Any) -> str:
    """What PyTorch calls an operation: "aten::relu" of aten.relu.default."""
    schema = getattr(target, "_schema", None)
    return str(getattr(target, "__name__", target)) if schema is None else str(schema.name)


def plain_operation(target: Any) -> str:
    """The same without its library, and without the marks of what works in place or inside."""
    return operation_name(target).rpartition("::")[2].strip("_")
