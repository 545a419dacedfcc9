"""Marks: how many each quantity is worth, and how many its figures earn."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, get_args

from handgrad.checking.quantities import Quantity
from handgrad.checking.report import Judged, Verdict
from handgrad.checking.words import RULES
from handgrad.checking.work import Work
from handgrad.errors import OptionError, nearest
from handgrad.solution.structure import StepKind

KINDS = tuple(kind for kind in get_args(StepKind) if kind != "loss_after")
"""The kinds of step that have marks: the loss after the update only looks back."""

VERDICTS = {"right": 1.0, "consistent": 1.0, "wrong": 0.0, "missing": 0.0}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a mistake costs in place of all the marks of a quantity that is wrong by it.

    `costs` are marks, no more than the quantity is worth; those of a mistake that is paid for `once` are
    lost for the first quantity alone, in the order of the steps.
    """

    costs: float
    once: bool = False


@dataclass(frozen=True, slots=True)
class Rubric:
    """What marks are given for.

    Arguments:
        default: marks for a quantity that nothing below names.
        kinds: for each quantity of a kind of step, such as {"update": 0.5}.
        steps: for a step as a whole, shared by its quantities, such as {"2.4": 3}.
        quantities: for a quantity, such as {"dW2": 2}; 0 for one that does not count.
        shares: of the marks, by verdict.
        mistakes: by rule, what a mistake costs where it is what is wrong; without, a wrong quantity
            has its share of the marks. Of two mistakes in one quantity both must be here.

    The narrower goes before the wider.
    """

    default: float = 1.0
    kinds: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)
    quantities: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=lambda: dict(VERDICTS))
    mistakes: Mapping[str, Cost] = field(default_factory=dict)

    def worth(self, quantity: Quantity, sharing: int) -> float:
        """The marks that a quantity is worth; `sharing` are the quantities of its step."""
        if quantity.target in self.quantities:
            return self.quantities[quantity.target]
        if quantity.step in self.steps:
            return self.steps[quantity.step] / sharing
        return self.kinds.get(quantity.kind, self.default)


RubricSource: TypeAlias = Rubric | str | Path | Mapping[str, object] | None
"""Marks, or the file that has them, or a mapping of them; None for one mark a quantity."""


def read_rubric(source: RubricSource, work: Work) -> Rubric:
    """A rubric from a TOML file or a mapping: `default`, and tables `kinds`, `steps`, `quantities`,
    `shares` and `mistakes`.

    Raises `OptionError` for a name that the problem does not have, and for what is no number of marks.
    """
    where = ""
    match source:
        case None:
            return Rubric()
        case Rubric():
            return source
        case Mapping():
            table: Mapping[str, Any] = source
        case _:
            where = Path(source).name
            table = _file(Path(source))
    known: dict[str, tuple[str, ...]] = {
        "kinds": KINDS,
        "steps": tuple(dict.fromkeys(q.step for q in work.structure.quantities if q.step)),
        "quantities": tuple(q.target for q in work.structure.quantities),
        "shares": tuple(VERDICTS),
    }
    keys = (*known, "mistakes")
    for key in table:
        if key != "default" and key not in keys:
            raise OptionError(
                f"the rubric has an unknown key {key[:40]!r}",
                where=where,
                mend=nearest(key, (*keys, "default")) or f"keys: default, {', '.join(keys)}",
            )
    parts = {key: _table(table.get(key, {}), key, names, where) for key, names in known.items()}
    shares = {**VERDICTS, **parts.pop("shares")}
    default = _number(table.get("default", 1), "default", where)
    mistakes = _mistakes(table.get("mistakes", {}), where)
    return Rubric(default, **parts, shares=shares, mistakes=mistakes)


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise OptionError(f"cannot be read: {error.strerror}", where=str(path)[:200]) from None
    except (ValueError, RecursionError) as error:
        raise OptionError(f"is not valid TOML: {str(error)[:100]}", where=path.name) from None


def _table(value: Any, key: str, names: tuple[str, ...], where: str) -> dict[str, float]:
    _known(value, key, names, where)
    return {str(n): _number(v, f"{key}.{n}", where) for n, v in value.items()}


def _known(value: Any, key: str, names: tuple[str, ...], where: str) -> None:
    """Raises `OptionError` unless a value is a table of some of these names."""
    if not isinstance(value, Mapping):
        raise OptionError(f"[{key}] is a table of names and marks", where=where)
    for name in value:
        if name not in names:
            raise OptionError(
                f"[{key}] names {str(name)[:40]!r}, which there is not",
                where=where,
                mend=nearest(str(name), names) or f"there is {', '.join(names[:12])}",
            )


def _mistakes(value: Any, where: str) -> dict[str, Cost]:
    """What mistakes cost: `mean_forgotten = 1`, or `{ costs = 1, once = true }`."""
    _known(value, "mistakes", RULES, where)
    found = {}
    for rule, said in value.items():
        table = said if isinstance(said, Mapping) else {"costs": said}
        once = table.get("once", False)
        if "costs" not in table or set(table) - {"costs", "once"} or not isinstance(once, bool):
            raise OptionError(
                f"mistakes.{rule} says what it costs, and whether once",
                where=where,
                mend=f"{rule} = {{ costs = 1, once = true }}",
            )
        found[rule] = Cost(_number(table["costs"], f"mistakes.{rule}", where), once)
    return found


def _number(value: Any, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise OptionError(f"{name} is a number of marks, 0 or more", where=where)
    return float(value)


class MarkedBy(NamedTuple):
    """What the marks of a quantity go by: `rule` explains best what is wrong, two joined by "+" where it takes a pair."""

    quantity: Quantity
    verdict: Verdict
    rule: str = ""
    trivial: bool = False


def marked(judged: tuple[Judged, ...], by: Rubric) -> tuple[Judged, ...]:
    """The verdicts with their marks. What follows from a slip without any work earns none."""
    outcomes = [
        MarkedBy(j.quantity, j.verdict, j.diagnosis[0].rule if j.diagnosis else "", j.trivial)
        for j in judged
    ]
    return tuple(
        replace(one, marks=earned, out_of=worth)
        for one, (earned, worth) in zip(judged, marks_of(outcomes, by), strict=True)
    )


def marks_of(outcomes: Sequence[MarkedBy], by: Rubric) -> Iterator[tuple[float, float]]:
    """What each quantity of a sheet earns, in the order of the steps, and what it is worth."""
    sharing: dict[str, int] = {}
    for quantity, *_ in outcomes:
        sharing[quantity.step] = sharing.get(quantity.step, 0) + quantity.asked
    paid: set[str] = set()
    for quantity, verdict, rule, trivial in outcomes:
        counted = quantity.asked or quantity.target in by.quantities
        worth = by.worth(quantity, max(1, sharing[quantity.step])) if counted else 0.0
        rules = rule.split("+") if rule else []
        if worth and rules and all(each in by.mistakes for each in rules):
            yield max(0.0, worth - _cost(rules, by.mistakes, paid)), worth
        else:
            yield worth * (0.0 if trivial else by.shares[verdict]), worth


def _cost(rules: Sequence[str], costs: Mapping[str, Cost], paid: set[str]) -> float:
    """What mistakes in one quantity cost; those that are to be paid for once are among the `paid` from then on."""
    total = sum(costs[rule].costs for rule in rules if rule not in paid)
    paid.update(rule for rule in rules if costs[rule].once)
    return total
