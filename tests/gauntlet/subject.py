"""One problem in the gauntlet: its text, its file, PyTorch's numbers, and the command line in process."""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import torch
from numpy.typing import NDArray

import handgrad
from handgrad.cli import commands
from tests.gauntlet.facts.updating import Optimiser
from tests.gauntlet.oracle import Evaluated, Oracle
from tests.schemas import validate

Array = NDArray[np.float64]


class Wrong(Exception):  # noqa: N818 - what a judge finds is no error of the program's
    """What a judge has found. `kind` is the same for all that have one cause."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(f"{kind}: {said}")
        self.kind = kind
        self.said = said


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class _Console(io.TextIOWrapper):
    """Standard output that is kept, with a console's encoding."""

    def __init__(self, given: bytes = b"") -> None:
        super().__init__(io.BytesIO(given), encoding="utf-8")

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8")


def command_line(arguments: Sequence[str], typed: str = "") -> Ran:
    """One command in this process, warnings as errors. What it raises beside its own errors is raised."""
    out, err, stdin = _Console(), _Console(), sys.stdin
    sys.stdin = _Console(typed.encode())
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("error")
            code = commands.run(list(arguments))
    finally:
        sys.stdin = stdin
    return Ran(code, out.text(), err.text())


@dataclass
class Subject:
    """A problem under judgement.

    Attributes:
        text: the problem file; `folder` has it as `problem.toml`, and what commands write.
        random: decides what is varied; the same family and seed, the same.
    """

    family: str
    seed: int
    text: str
    folder: Path
    random: random.Random
    noted: list[str] = field(default_factory=list)

    @cached_property
    def path(self) -> str:
        path = self.folder / "problem.toml"
        path.write_text(self.text, encoding="utf-8")
        return str(path)

    @cached_property
    def problem(self) -> handgrad.Problem:
        return handgrad.loads(self.text)

    @cached_property
    def oracle(self) -> Oracle:
        return Oracle(self.text)

    @cached_property
    def found(self) -> Evaluated:
        return self.oracle.run()

    @cached_property
    def as_floats(self) -> Evaluated:
        """Residues of rounding and all, as programs have them."""
        return Oracle(self.text, paper=False).run()

    @cached_property
    def finite(self) -> bool:
        """Whether PyTorch has a finite loss and finite gradients of the parameters."""
        return self.is_finite(self.found)

    def is_finite(self, found: Evaluated) -> bool:
        names = self.oracle.asked
        return bool(np.isfinite(found.loss)) and all(
            np.isfinite(found.gradients[n]).all() for n in names
        )

    @property
    def activations(self) -> list[str]:
        used = {m for _, t in self.oracle.equations for m in re.findall(r"(\w+)\(", t)}
        return sorted(used & {"relu", "tanh", "sigmoid", "leaky_relu", "elu", "softplus", "gelu", "silu", "hardtanh", "relu6", "hardsigmoid", "hardswish", "mish", "selu", "celu", "log_sigmoid"})  # fmt: skip

    def out(self, name: str) -> str:
        """A file that is not there yet."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        return str(path)

    def run(
        self,
        *arguments: str,
        allowed: Sequence[str] = (),
        finite: bool | None = None,
        codes: Sequence[int] = (0,),
        typed: str = "",
    ) -> Ran | None:
        """A command on the problem; None where it refuses with reason.

        A refusal is wrong where PyTorch has finite numbers, unless its message has one of the
        patterns `allowed`: what the command is not made for.
        """
        name, *rest = arguments
        ran = command_line([name, self.path, *rest], typed)
        if ran.code in codes:
            if "--json" in rest:
                self._validate(ran.json)
            return ran
        if ran.code != 2:
            raise Wrong(f"exit code {ran.code}", f"{' '.join(arguments)}\n{ran.out}{ran.err}")
        message = ran.err.strip()
        if any(re.search(p, message) for p in allowed):
            self.noted.append(f"{name}: {_pattern(message)}")
            return None
        if self.finite if finite is None else finite:
            raise Wrong(f"refused: {_pattern(message)}", f"{' '.join(arguments)}\n{message}")
        return None

    @staticmethod
    def _validate(printed: Any) -> None:
        try:
            validate(printed, printed["schema"].split("/")[1])
        except jsonschema.ValidationError as error:
            raise Wrong("JSON that its schema refuses", f"{error.json_path}: {error.message[:400]}") from None  # fmt: skip

    def updated(self, steps: int, oracle: Oracle | None = None) -> dict[str, Array] | None:
        """The parameters after some updates, by PyTorch's optimisers; None where it has no such rule.

        The gradients are those of `oracle`: PyTorch's own unless that is given.
        """
        oracle = oracle or self.oracle
        update = dict(oracle.update)
        rule, rate = update.pop("rule", "sgd"), float(update.pop("rate", 0.1))
        numbers = {n: torch.tensor(np.array(a)) for n, a in oracle.parameters.items()}
        start = {n: float(update.get("rates", {}).get(n, rate)) for n in numbers}
        groups = [{"params": [t], "lr": start[n]} for n, t in numbers.items()]
        optimiser = _optimiser(rule, groups, update)
        if optimiser is None:
            return None
        theirs = Optimiser(oracle.update)
        for _ in range(steps):
            found = oracle.run(changes={n: t.numpy() for n, t in numbers.items()})
            if not np.isfinite(found.loss):
                break  # no solution goes on from there, and it says so
            decay = 0.0 if rule == "adamw" else float(update.get("weight_decay", 0))
            sizes = np.concatenate(
                [np.abs(found.gradients[n] + decay * t.numpy()).ravel() for n, t in numbers.items()]
            )
            if (
                oracle is self.oracle
                and rule not in ("sgd", "momentum", "nesterov")
                and ((sizes < 1e-7) & (sizes > 1e-20)).any()
            ):
                # A rule that divides by the gradient's size makes a step of what rounding leaves, though not
                # of what is nothing beside its ε of 1e-8.
                return None
            for name, tensor in numbers.items():
                tensor.grad = torch.tensor(np.array(found.gradients[name]))
            if "clip_norm" in update:
                torch.nn.utils.clip_grad_norm_(numbers.values(), float(update["clip_norm"]))
            if "clip_value" in update:
                torch.nn.utils.clip_grad_value_(numbers.values(), float(update["clip_value"]))
            theirs.step += 1
            for name, group in zip(numbers, optimiser.param_groups, strict=True):
                group["lr"] = theirs.rate(name)  # a scheduler's
            optimiser.step()
        return {n: t.numpy() for n, t in numbers.items()}


def _optimiser(rule: str, groups: list[dict[str, Any]], update: Mapping[str, Any]) -> Any:
    """PyTorch's optimiser of a rule; None where it has none."""

    def of(key: str, default: float) -> float:
        return float(update.get(key, default))

    decay, momentum = of("weight_decay", 0.01 if rule == "adamw" else 0), of("momentum", 0.9)
    match rule:
        case "sgd":
            return torch.optim.SGD(groups, weight_decay=decay)
        case "momentum" | "nesterov":
            ahead = rule == "nesterov"
            return torch.optim.SGD(groups, momentum=momentum, weight_decay=decay, nesterov=ahead)
        case "adagrad":
            slower = of("rate_decay", 0)
            return torch.optim.Adagrad(groups, lr_decay=slower, weight_decay=decay)
        case "rmsprop":
            return torch.optim.RMSprop(groups, weight_decay=decay)
        case "adadelta":
            return torch.optim.Adadelta(groups, rho=of("decay", 0.9), weight_decay=decay)
        case "adam":
            return torch.optim.Adam(groups, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(groups, weight_decay=decay)
    return None


def _pattern(message: str) -> str:
    """A message without what is the problem's own: names, numbers, the place."""
    last = [line for line in message.splitlines() if not re.fullmatch(r"[\s~^]*", line)]
    text = " / ".join(line.strip() for line in last if " = " not in line) or message
    text = re.sub(r"\S+\.toml,?|equation \d+:?", "", text)
    text = re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "N", text)
    return re.sub(r"\s+", " ", text)[:160].strip()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Warnings as errors, nothing printed."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("error")
        yield
