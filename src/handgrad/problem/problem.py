"""A problem: equations, the numbers they start from, the loss, and the update."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypedDict, Unpack

import numpy as np

from handgrad.arrays import Numbers
from handgrad.equations import (
    BlockText,
    Equation,
    parse_equations,
    plain_name,
    read_equations,
    source,
)
from handgrad.errors import OptionError, ProblemError, nearest
from handgrad.expression import Call, Expression, substitute
from handgrad.operations import BY_NAME, SPELLINGS
from handgrad.operations.constants import with_constants
from handgrad.operations.gates import activations_in
from handgrad.problem.dots import with_scalar_products
from handgrad.problem.given import Given, Values, from_text, given, number
from handgrad.problem.hinges import with_hinges
from handgrad.problem.middle import (
    LeftOut,
    left_out,
    letter,
    names_in,
    seed_names,
    without_quotient,
)
from handgrad.problem.model import Model
from handgrad.problem.networks import network
from handgrad.record import JsonForm
from handgrad.saving import Page, Paper, Report, Shown
from handgrad.updates import Update

REDUCTIONS = ("mean", "sum")


class ProblemParts(TypedDict, total=False):
    """ProblemParts of a problem that another has instead, by the names of its fields."""

    equations: str | Sequence[str] | Sequence[Equation]
    parameters: Values
    data: Values
    upstream: Values
    loss: str
    title: str
    description: str
    update: Update | None
    display: Mapping[str, str]
    reduction: str
    where: str
    model: Model | None


@dataclass(frozen=True, init=False, repr=False)
class Problem(Shown):
    """Equations and numbers.

    Arguments:
        equations: one equation a line, or a list of them; see `handgrad.equations`. Definitions and
            repeats among them are written out.
        parameters: by name, numbers to be learned: a number, nested lists, an array,
            "1/3", or {"cases": […]} for one value each case.
        data: by name, numbers that are given.
        given: by name, values on the way that are given instead of computed; what only leads to
            them is left out, and their gradient is asked for.
        upstream: by the name of a value, the gradient that arrives at it from a loss further on; the
            backward pass starts there, and what comes after is left out.
        loss: the equation whose value is differentiated; the last one by default. With `upstream`,
            the letter of the loss that no equation computes.
        update: how parameters are updated; None for no update.
        display: by name, how to show it.
        reduction: how the loss of many cases is reduced: "mean" or "sum".
        where: the file it was read from, for error messages.
        model: what is kept of the model that it was read from; its paths are taken for names.

    Raises `HandgradError` for anything that cannot be used.
    """

    equations: tuple[Equation, ...]
    parameters: Mapping[str, Given]
    data: Mapping[str, Given]
    given: tuple[str, ...]
    upstream: Mapping[str, Given]
    loss: str
    title: str
    description: str
    update: Update | None
    display: Mapping[str, str]
    reduction: Literal["mean", "sum"]
    where: str = field(compare=False)
    model: Model | None = field(compare=False)
    left_out: LeftOut = field(compare=False)
    blocks: BlockText | None = field(init=False, compare=False)
    json: ClassVar = JsonForm(
        without=("update", "display", "where", "model", "left_out", "upstream", "blocks"),
        also=("parameters=parameter_names", "data=data_names", "upstream=upstream_names"),
    )

    def __init__(  # noqa: PLR0913 - its fields
        self,
        equations: str | Sequence[str] | Sequence[Equation],
        parameters: Values | None = None,
        data: Values | None = None,
        *,
        given: Values | None = None,
        upstream: Values | None = None,
        loss: str | None = None,
        title: str = "",
        description: str = "",
        update: Update | None = None,
        display: Mapping[str, str] | None = None,
        reduction: str = "mean",
        where: str = "",
        model: Model | None = None,
    ) -> None:
        plain = model.plain if model is not None else plain_name
        learned = _givens(parameters or {}, "parameters", where, plain)
        known = _givens(data or {}, "data", where, plain)
        parsed, blocks = _parsed(equations, {**dict.fromkeys(learned), **_counts(known)}, where)
        middle = _givens(given or {}, "given", where, plain)
        shapes = {n: g.shape for table in (learned, known, middle) for n, g in table.items()}
        parsed = with_scalar_products(parsed, shapes)
        parsed = _with_constants(parsed, {*learned, *known, *middle})
        names = names_in(parsed) | learned.keys() | known.keys() if upstream else set()
        arriving = _givens(
            {without_quotient(str(n), names): v for n, v in (upstream or {}).items()}
            if isinstance(upstream, Mapping)
            else upstream or {},
            "upstream",
            where,
            plain,
        )
        if loss is not None:
            loss = plain(loss)
        elif arriving:
            loss = letter(parsed[-1].target, names)
        else:
            loss = parsed[-1].target
        if model is not None and isinstance(update, Update) and update.rates:
            update = replace(update, rates={plain(n): rate for n, rate in update.rates.items()})
        out = LeftOut()
        if middle or arriving:
            out = left_out(parsed, learned, known, middle, arriving, loss, where)
            gone = {*out.names}
            parsed = tuple(e for e in parsed if e.target not in gone)
            learned = {n: g for n, g in learned.items() if n not in gone}
            known = {n: g for n, g in known.items() if n not in gone}
        parsed = with_hinges(parsed, learned.keys(), known.keys(), loss)
        values = {
            "equations": parsed,
            "blocks": blocks,
            "parameters": learned,
            "data": {**known, **middle},
            "given": tuple(middle),
            "upstream": arriving,
            "loss": loss,
            "title": title,
            "description": description,
            "update": update,
            "display": {plain(n): shown for n, shown in (display or {}).items()},
            "reduction": reduction,
            "where": where,
            "model": model,
            "left_out": out,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    def __repr__(self) -> str:
        return f"<Problem {(self.title or self.loss)!r}: {len(self.equations)} equations>"

    def __hash__(self) -> int:
        return hash((self.equations, self.loss))

    def _check(self) -> None:
        targets = {e.target: e for e in self.equations}
        for name in self.parameters:
            if name in self.data:
                raise self._wrong(f"{name} is given twice, as a parameter and as data")
        for name in (*self.parameters, *self.data):
            if not name.isidentifier():
                raise self._wrong(f"{name[:40]!r} is not a name")
            if name in targets:
                raise self._wrong(
                    f"{name} is given a number and computed by equation {targets[name].number}",
                    "keep one of the two",
                )
        for name in self.display:
            known = (*targets, *self.parameters, *self.data, *self.left_out.names, self.loss)
            if name not in known:
                raise self._wrong(
                    f"[display] names {name[:40]!r}, which the problem does not have",
                    nearest(name, known),
                )
        if self.upstream and not self.loss.isidentifier():
            raise self._wrong(f"loss = {self.loss[:40]!r} is not a name")
        if self.loss not in targets and not self.upstream:
            raise self._wrong(
                f"the loss {self.loss!r} is computed by no equation",
                nearest(str(self.loss), targets) or f"the equations compute {', '.join(targets)}",
            )
        if self.reduction not in REDUCTIONS:
            raise self._wrong(f"reduction = {self.reduction!r} is unknown", 'write "mean" or "sum"')
        if self.update is not None and not isinstance(self.update, Update):
            raise self._wrong(
                f"update is a {type(self.update).__name__}, not an Update",
                _update_like(self.update),
            )
        if self.update is not None:
            self._check_update(self.update)
        counts = {
            n: g.array.shape[-1]
            for table in (self.parameters, self.data, self.upstream)
            for n, g in table.items()
            if g.batched
        }
        if len(set(counts.values())) > 1:
            said = " and ".join(f"{n} has {c} cases" for n, c in counts.items())
            raise self._wrong(said, "every list of cases needs the same number of them")

    def _check_update(self, update: Update) -> None:
        rates = {f"rates.{name}": rate for name, rate in update.rates.items()}
        for setting, value in {**update.settings, **rates}.items():
            if not math.isfinite(value):
                raise self._wrong(f"update.{setting} is not a finite number")
        for name in update.rates:
            if name not in self.parameters and name not in self.left_out.parameters:
                what = (
                    "which is no parameter"
                    if name in self.data
                    else "which the problem does not have"
                )
                raise self._wrong(
                    f"update.rates names {name[:40]!r}, {what}",
                    nearest(name, self.parameters)
                    or f"its parameters: {', '.join(self.parameters)}",
                )
        of_cases = [name for name, given in self.parameters.items() if given.batched]
        if update.clips == "clip_norm" and of_cases and len(of_cases) < len(self.parameters):
            alike = next(name for name in self.parameters if name not in of_cases)
            raise self._wrong(
                f"clip_norm takes one norm of all gradients: {of_cases[0]} differs from case to case, {alike} does not",
                "give all parameters in cases, or none",
            )

    def _wrong(self, what: str, mend: str = "") -> ProblemError:
        return ProblemError(what, where=self.where, mend=mend)

    def named(self, text: str) -> str:
        """The name that a text stands for: a path of the model's that the problem was read from, or a name with marks."""
        return plain_name(text) if self.model is None else self.model.plain(text)

    def respelled(self, text: str) -> str:
        """A text such as `dfc1.weight[3,1]` with every path of the model's put as its name: `dfc1_weight[3,1]`."""
        return text if self.model is None else self.model.named(text)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of the numbers to be learned."""
        return tuple(self.parameters)

    @property
    def frozen(self) -> frozenset[str]:
        """The parameters that no update moves: their rate is 0."""
        update = self.update
        return frozenset(n for n in self.parameters if update and not update.rate_of(n))

    @property
    def data_names(self) -> tuple[str, ...]:
        """The names of the numbers that are given."""
        return tuple(self.data)

    @property
    def upstream_names(self) -> tuple[str, ...]:
        """The names of the values at which a gradient arrives."""
        return tuple(self.upstream)

    @property
    def seeds(self) -> Mapping[str, str]:
        """By value at which a gradient arrives, the name that this gradient has among the `inputs`."""
        return seed_names(self.upstream, self._names)

    @property
    def inputs(self) -> dict[str, Given]:
        """All that a run starts from, by name: parameters, data and the gradients that arrive."""
        seeds = self.seeds
        arriving = {seeds[name]: numbers for name, numbers in self.upstream.items()}
        return {**self.parameters, **self.data, **arriving}

    @property
    def fixed(self) -> dict[str, Given]:
        """The inputs that are not learned."""
        return {n: given for n, given in self.inputs.items() if n not in self.parameters}

    @property
    def asked(self) -> tuple[str, ...]:
        """The names whose gradients are asked for: parameters and given values; data where there are none."""
        return (*self.parameters, *self.given) or tuple(self.data)

    @property
    def has_loss(self) -> bool:
        """Whether an equation computes the loss; with upstream gradients it is only a letter."""
        return not self.upstream

    @property
    def _names(self) -> set[str]:
        return names_in(self.equations) | self.parameters.keys() | self.data.keys()

    def page(self) -> Page:
        """The equations and the numbers."""
        from handgrad.problem.page import problem_page

        return problem_page(self)

    def report(self) -> Report:
        """The page, with no other forms."""
        return Report(self.page)

    def with_values(self, values: Values) -> Problem:
        """The problem with other numbers, by name; `rate` is the update's where no value has that name.

        Texts are read as on the command line: "[0, 1]", "1/3". Raises `OptionError` for a
        name that the problem is not given.
        """
        parameters, data, update = dict(self.parameters), dict(self.data), self.update
        upstream = dict(self.upstream)
        for written, value in values.items():
            name = self.named(written)
            place = f"{name} = {value}" if isinstance(value, str) else name
            arriving = self._arriving(written)
            if name not in parameters and name not in data and not arriving:
                update, changed = _with_setting(update or Update(), name, value, place)
                if changed:
                    continue
            home = parameters if name in parameters else data
            if name not in home and arriving:
                home, name = upstream, arriving
            if name not in home:
                known = [*parameters, *data, *self.seeds.values(), "rate"]
                computed = any(e.target == name for e in self.equations)
                what = (
                    f"{name} is computed by an equation"
                    if computed
                    else f"the problem is not given {name}"
                )
                raise OptionError(
                    what, mend=nearest(name, known) or f"it is given {', '.join(known)}"
                )
            new = from_text(value, place) if isinstance(value, str) else given(value, place)
            if home[name].batched and not new.batched and new.array.ndim == home[name].array.ndim:
                new = given({"cases": new.written if new.written is not None else new.array}, place)
            home[name] = new
        changes: ProblemParts = {
            "parameters": parameters,
            "data": data,
            "upstream": upstream,
            "update": update,
        }
        if self.blocks is not None and any(plain_name(n) in self.blocks.counts for n in values):
            changes["equations"] = self.blocks.text
        return self.with_parts(**changes)

    def _arriving(self, written: str) -> str:
        """The value whose upstream gradient a text names: upstream_z2, dz2, ∂L/∂z2; "" for any other."""
        if not self.upstream or plain_name(written) in self._names:
            return ""
        meant = without_quotient(written, self.upstream)
        seeds = {seed: name for name, seed in self.seeds.items()}
        return meant if meant in self.upstream else seeds.get(written, "")

    def with_swap(self, swaps: Mapping[str, str], keep: Collection[str] = frozenset()) -> Problem:
        """The problem with one operation put for another, such as {"relu": "leaky_relu"}.

        The equations of the names in `keep` stay as they are. Raises `OptionError` for an operation that is unknown, absent, or takes other arguments.
        """
        equations = self.equations
        for old, new in swaps.items():
            old, new = SPELLINGS.get(old, old), SPELLINGS.get(new, new)
            equations = _swapped(equations, old, new, keep)
        return self.with_parts(equations=equations)

    def with_rows_as_cases(self, names: Collection[str], reduction: str = "mean") -> Problem:
        """The problem with a case for each row of these data; the loss is reduced over them so."""
        data = {
            n: given({"cases": g.written or g.array}, f"data.{n}") if n in names else g
            for n, g in self.data.items()
        }
        return self.with_parts(data=data, reduction=reduction)

    def of_case(self, case: int) -> Problem:
        """The problem of one of its cases alone, counted from 0; itself where nothing is given in cases."""
        if not any(g.batched for g in self.inputs.values()):
            return self

        def alone(givens: Mapping[str, Given]) -> dict[str, Given]:
            return {
                n: Given(np.array(g.array[..., case])) if g.batched else g
                for n, g in givens.items()
            }

        return self.with_parts(
            parameters=alone(self.parameters), data=alone(self.data), upstream=alone(self.upstream)
        )

    def with_columns_as_cases(self, names: Collection[str], reduction: str = "mean") -> Problem:
        """The problem with a case for each column of these data, which stays a column; the loss is reduced so."""
        data = {
            n: given({"cases": np.moveaxis(g.array, -1, 0)[..., None]}, f"data.{n}")
            if n in names
            else g
            for n, g in self.data.items()
        }
        return self.with_parts(data=data, reduction=reduction)

    def with_equations(self, equations: Sequence[str]) -> Problem:
        """The problem with other equations for the same numbers and the same loss."""
        return self.with_parts(equations=parse_equations(equations, self.where))

    def with_inputs(self, values: Mapping[str, Given]) -> Problem:
        """The problem with other numbers for these of its `inputs`."""
        return self.with_parts(
            parameters={n: values.get(n, g) for n, g in self.parameters.items()},
            data={n: values.get(n, g) for n, g in self.data.items()},
            upstream={n: values.get(self.seeds[n], g) for n, g in self.upstream.items()},
        )

    def with_parts(self, **changes: Unpack[ProblemParts]) -> Problem:
        """The problem with other parts, by the names of its fields; what was left out stays written.

        `data` may hold given values; without the `upstream` gradients there is nothing that comes after.
        """
        parts: Any = {**{n: getattr(self, n) for n in ProblemParts.__annotations__}, **changes}
        out = self.left_out if parts["upstream"] or not self.upstream else LeftOut()
        if not isinstance(parts["equations"], str):
            parts["equations"] = (*parts["equations"], *out.equations)
        parts["parameters"] = {**parts["parameters"], **out.parameters}
        data = parts["data"]
        parts["data"] = {n: g for n, g in data.items() if n not in self.given} | dict(out.data)
        changed = Problem(**parts, given={n: data[n] for n in self.given})
        if "equations" not in changes:
            object.__setattr__(changed, "blocks", self.blocks)
        return changed

    @classmethod
    def mlp(  # noqa: PLR0913 - options by keyword
        cls,
        sizes: Sequence[int],
        hidden: str = "relu",
        output: str = "sigmoid",
        loss: str = "bce",
        *,
        seed: int = 0,
        x: Numbers | Mapping[str, Numbers] | None = None,
        y: Numbers | Mapping[str, Numbers] | None = None,
        rate: float = 0.1,
    ) -> Problem:
        """A multilayer perceptron with the lab's names: z1 = W1 @ x + b1, h1 = relu(z1), ….

        Arguments:
            sizes: units in each layer, inputs first, such as [2, 2, 2, 1].
            hidden: the activation of the hidden layers.
            output: that of the last layer; "identity" for none.
            loss: that of the table, such as bce, cross_entropy or mse.
            seed: of the parameters, drawn with one decimal from a He-scaled normal.
            x: the inputs of the example; plausible numbers by default.
            y: its target; a plausible one by default.
            rate: of the update.

        Raises `ProblemError` for sizes, activations and losses that do not fit together.
        """
        equations, parameters, data = network(sizes, hidden, output, loss, seed)
        data.update((name, given) for name, given in (("x", x), ("y", y)) if given is not None)
        title = f"A {'-'.join(map(str, sizes))} network"
        return cls(equations, parameters, data, title=title, update=Update("sgd", rate))

    def to_toml(self) -> str:
        """The problem as a file."""
        from handgrad.problem.writing import to_toml

        return to_toml(self)

    def save(
        self,
        path: str | Path,
        *,
        slides: bool = False,
        paper: Paper | None = None,
        force: bool = False,
    ) -> None:
        """Writes the problem to a .toml file that `load` reads, or its page to a file of another kind.

        Arguments:
            path: .toml, or a kind of `handgrad solve -o`.
            slides: of a page: a deck rather than a document.
            paper: of a printed page: "a4" or "letter"; A4 by default.
            force: replace a file that exists already.

        Raises `OptionError` where it cannot be written.
        """
        from handgrad.files import write_files

        if Path(path).suffix.lower() == ".toml":
            write_files({Path(path): self.to_toml().encode("utf-8")}, force)
        else:
            Shown.save(self, path, slides=slides, paper=paper, force=force)


def _update_like(given: object) -> str:
    """An `Update` with what was given for one."""
    match given:
        case str():
            return f"write handgrad.Update({given!r}, rate=0.1)"
        case Mapping():
            told = ", ".join(f"{name}={value!r}" for name, value in given.items())
            return f"write handgrad.Update({told})"
        case _:
            return f"write handgrad.Update(rate={given})"


def _counts(data: Mapping[str, Given]) -> dict[str, int | None]:
    """Of each datum its value where it is a single whole number, which may count steps."""
    return {
        name: int(value.array)
        if value.array.ndim == 0 and float(value.array).is_integer() and abs(value.array) < 1e6
        else None
        for name, value in data.items()
    }


def _parsed(
    equations: str | Sequence[str] | Sequence[Equation],
    given: Mapping[str, int | None],
    where: str,
) -> tuple[tuple[Equation, ...], BlockText | None]:
    if not isinstance(equations, str):
        if not isinstance(equations, Sequence):
            raise OptionError(
                f"equations are lines of text, not a {type(equations).__name__}",
                mend='write them: handgrad.Problem("z = W @ x + b\\nL = …", parameters, data)',
            )
        ready = tuple(e for e in equations if isinstance(e, Equation))
        if ready and len(ready) == len(equations):
            return ready, None
        equations = [str(e) for e in equations]
    return read_equations(equations, given, where)


def _with_constants(equations: tuple[Equation, ...], given: set[str]) -> tuple[Equation, ...]:
    """The equations with π and e where these names are neither given nor computed."""
    defined = given | {e.target for e in equations}
    return tuple(
        e
        if (formula := with_constants(e.expression, defined)) is e.expression
        else replace(e, expression=formula)
        for e in equations
    )


def _givens(
    values: Values, table: str, where: str, plain: Callable[[str], str]
) -> dict[str, Given]:
    prefix = f"{where}, " if where else ""
    if not isinstance(values, Mapping):
        raise ProblemError(f"{table} is a table of names and numbers", where=where)
    found: dict[str, Given] = {}
    for written, value in values.items():
        name = plain(str(written))
        if name in found:
            raise ProblemError(f"{name} is given twice in {table}", where=where)
        found[name] = given(value, f"{prefix}{table}.{written}")
    return found


def _with_setting(update: Update, name: str, value: Any, place: str) -> tuple[Update, bool]:
    """The update with another rate or option, and whether it has one of that name."""
    if name == "rate":
        return replace(update, rate=number(value, place)[0]), True
    if update.accepts(name):
        options = {**update.options, name: number(value, place)[0]}
        return replace(update, options=options), True
    return update, False


def _swapped(
    equations: tuple[Equation, ...], old: str, new: str, keep: Collection[str]
) -> tuple[Equation, ...]:
    for name in (old, new):
        if name not in BY_NAME or BY_NAME[name].family == "helper":
            raise OptionError(
                f"there is no operation {name}", where="--swap", mend=nearest(name, BY_NAME)
            )
    if BY_NAME[old].arity != BY_NAME[new].arity:
        raise OptionError(f"{old} and {new} take different numbers of arguments", where="--swap")
    found = False

    written: dict[Expression, Call] = {}

    def other(node: Expression) -> Expression | None:
        nonlocal found
        if isinstance(node, Call) and node.operation == old:
            found = True
            kept = tuple(o for o in node.options if o[0] in BY_NAME[new].options)
            return Call(new, tuple(substitute(a, other) for a in node.arguments), kept)
        known = written.get(node)
        if known is not None and known.operation == old:
            # Written out, such as max(0, z) for ReLU.
            found = True
            return Call(new, (substitute(known.arguments[0], other),))
        return None

    changed = []
    for equation in equations:
        if equation.target in keep:
            changed.append(equation.text)
            continue
        written = dict(activations_in(equation.expression))
        expression = substitute(equation.expression, other)
        same = expression == equation.expression
        changed.append(equation.text if same else f"{equation.target} = {source(expression)}")
    if not found:
        raise OptionError(f"no equation uses {old}", where="--swap")
    return parse_equations(changed)
