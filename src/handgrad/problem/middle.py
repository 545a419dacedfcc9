"""A problem that starts from the middle: values given instead of computed, gradients that arrive from beyond."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace

from handgrad.equations import Equation, plain_name
from handgrad.errors import ProblemError, nearest
from handgrad.expression import Name, leaves
from handgrad.problem.given import Given
from handgrad.record import record

LETTERS = ("L", "J", "E", "C", "loss")
"""What a loss that no equation computes is called: the first that is no other name of the problem."""


@record
class LeftOut:
    """What a problem that starts from the middle does not need, as it was written.

    Arguments:
        equations: those before a given value alone, and those after an upstream gradient.
        parameters: the numbers to be learned that only they use.
        data: the given numbers that only they use.
        after: those of the names that come after an upstream gradient, or only lead to what does.
    """

    equations: tuple[Equation, ...] = ()
    parameters: Mapping[str, Given] = field(default_factory=dict)
    data: Mapping[str, Given] = field(default_factory=dict)
    after: frozenset[str] = frozenset()

    @property
    def before(self) -> tuple[str, ...]:
        """Those of the names that only lead to what is given."""
        return tuple(n for n in self.names if n not in self.after)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all of it, equations first."""
        return (*(e.target for e in self.equations), *self.parameters, *self.data)


def left_out(
    equations: Sequence[Equation],
    parameters: Mapping[str, Given],
    data: Mapping[str, Given],
    given: Collection[str],
    upstream: Collection[str],
    loss: str,
    where: str,
) -> LeftOut:
    """What only leads to given values, or only comes after those whose gradient arrives.

    Raises `ProblemError` for names of either that do not exist or have their number elsewhere, and for what
    is given and not used, or asks nothing.
    """
    tables = {**dict.fromkeys(parameters, "parameters"), **dict.fromkeys(data, "data")}
    check = MiddleCheck(equations, equations, tables, given, upstream, loss, where)
    check.names()
    out = _left_out(equations, parameters, data, given, upstream, loss)
    gone = {*out.names}
    kept = tuple(e for e in equations if e.target not in gone)
    left = {n: table for n, table in tables.items() if n not in gone}
    replace(check, kept=kept, numbers=left).uses()
    return out


def _left_out(
    equations: Sequence[Equation],
    parameters: Mapping[str, Given],
    data: Mapping[str, Given],
    given: Collection[str],
    upstream: Collection[str],
    loss: str,
) -> LeftOut:
    uses = {e.target: {leaf.name for leaf in leaves(e.expression)} for e in equations}
    users: dict[str, set[str]] = {}
    for target, names in uses.items():
        for name in names:
            users.setdefault(name, set()).add(target)
    out = {target for target in uses if target in given}
    if upstream:
        out |= uses.keys() - _before(uses, upstream, given)
    spared = set(upstream or (loss,)) - set(given)
    found = True
    while found:
        found = False
        for target in uses.keys() - out - spared:
            if target in users and users[target] <= out:
                out.add(target)
                found = True
    after = uses.keys() - _before(uses, upstream, ()) if upstream else set()
    unused = {n for n in (*parameters, *data) if n in users and users[n] <= out} - set(given)
    return LeftOut(
        tuple(e for e in equations if e.target in out),
        {n: g for n, g in parameters.items() if n in unused},
        {n: g for n, g in data.items() if n in unused},
        frozenset(after | {n for n in unused if users[n] <= after}),
    )


def _before(
    uses: Mapping[str, set[str]], names: Collection[str], given: Collection[str]
) -> set[str]:
    """The names, and all that they are computed from, as far back as what is given."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += () if name in given else uses.get(name, ())
    return found


def letter(last: str, taken: Collection[str]) -> str:
    """What a loss is called that no equation which is left computes.

    The last equation's name, where that is one of a loss: it is left out, as all that comes after; else a free letter.
    """
    if last in (*LETTERS, "cost"):
        return last
    return next((n for n in LETTERS if n not in taken), "loss_beyond")


def seed_names(upstream: Collection[str], taken: Collection[str]) -> dict[str, str]:
    """By value, the name under which programs keep the gradient that arrives at it."""
    found: dict[str, str] = {}
    for name in upstream:
        seed = f"upstream_{name}"
        while seed in taken or seed in found.values():
            seed += "_"
        found[name] = seed
    return found


@record
class MiddleCheck:
    """Says what of `[given]` and `[upstream]` cannot be meant, in one line with the mend.

    Arguments:
        equations: all that were written.
        kept: those that are not left out.
        numbers: the names in [parameters] and in [data], each with its table.
    """

    equations: Sequence[Equation]
    kept: Sequence[Equation]
    numbers: Mapping[str, str]
    given: Collection[str]
    upstream: Collection[str]
    loss: str
    where: str = ""

    def names(self) -> None:
        """Raises `ProblemError` for names that do not exist, or have their number elsewhere."""
        targets = [e.target for e in self.equations]
        used = {leaf.name for e in self.equations for leaf in leaves(e.expression)}
        for name in self.given:
            if name in self.numbers:
                raise self._wrong(
                    f"{name} is given twice, in [{self.numbers[name]}] and in [given]",
                    "keep one of the two",
                )
            if name not in targets and name not in used:
                raise self._wrong(
                    f"[given] names {name[:40]!r}, which no equation has",
                    nearest(name, [*targets, *sorted(used)])
                    or f"the equations compute {', '.join(targets)}",
                )
            if name == self.loss and not self.upstream:
                raise self._wrong(
                    f"{name} is the loss: where it is given, nothing is left to differentiate",
                    f"leave {name} out of [given]",
                )
        for name in self.upstream:
            if name in self.numbers:
                raise self._wrong(
                    f"[upstream] names {name}, which is given in [{self.numbers[name]}]",
                    f"an upstream gradient is that of a computed value: {', '.join(targets)}",
                )
            if name not in targets and name not in self.given:
                raise self._wrong(
                    f"[upstream] names {name[:40]!r}, which no equation computes",
                    nearest(_value_in(name), targets)
                    or f"the equations compute {', '.join(targets)}",
                )

    def uses(self) -> None:
        """Raises `ProblemError` for what is given and not used, or asks nothing."""
        used = {leaf.name for e in self.kept for leaf in leaves(e.expression)}
        for name in self.given:
            if name not in used:
                reason = (
                    "nothing that leads to [upstream] uses it"
                    if self.upstream
                    else "no equation that is left uses it"
                )
                raise self._wrong(f"{name} is given, but {reason}", f"leave {name} out of [given]")
        if not self.upstream:
            return
        if self.loss in {e.target for e in self.kept} | used:
            raise self._wrong(
                f"[upstream] gives what arrives from a loss further on, but {self.loss} comes before it",
                'leave the values after it alone, or call the loss by a free letter: loss = "J"',
            )
        if not self.kept:
            raise self._wrong(
                "nothing lies between [given] and [upstream]", "leave the value out of one of them"
            )
        asked = {n for n, table in self.numbers.items() if table == "parameters"} | {*self.given}
        computed = {e.target: {leaf.name for leaf in leaves(e.expression)} for e in self.kept}
        reached = {name: _before(computed, [name], self.given) for name in self.upstream}
        if any(asked & names for names in reached.values()):
            for name, names in reached.items():
                if not asked & names:
                    raise self._wrong(
                        f"the upstream gradient of {name} reaches nothing that is asked for",
                        f"{name} depends on no parameter and no given value: leave it out of [upstream]",
                    )

    def _wrong(self, what: str, mend: str) -> ProblemError:
        return ProblemError(what, where=self.where, mend=mend)


def _value_in(written: str) -> str:
    """The value that a gradient written as a quotient or as dz2 is of; a name as it is."""
    below = written.rpartition("/")[2].strip()
    for sign in ("d", "∂"):
        if below.startswith(sign) and len(below) > 1:
            return plain_name(below[1:])
    return plain_name(below)


def without_quotient(written: str, known: Collection[str]) -> str:
    """The name that a key of [upstream] speaks of: z2, or ∂L/∂z2, dL/dz2, dz2 where nothing is called so."""
    name = plain_name(written)
    if name in known:
        return name
    meant = _value_in(written)
    return meant if meant in known else name


def names_in(equations: Sequence[Equation]) -> set[str]:
    """Every name that equations compute or use."""
    return {e.target for e in equations} | {
        leaf.name for e in equations for leaf in leaves(e.expression) if isinstance(leaf, Name)
    }
