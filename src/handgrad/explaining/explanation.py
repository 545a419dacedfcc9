"""What there is to know of an operation, from its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from handgrad.errors import OptionError, nearest
from handgrad.explaining.example import NAMES, example_of, general
from handgrad.expression import Adjoint, Call, Expression
from handgrad.operations import BY_NAME, SPELLINGS
from handgrad.operations.frameworks import AT_KINKS, SlopeAtKink
from handgrad.record import JsonForm, record
from handgrad.saving import Page, Result


@record
class Pullback:
    """The gradient with respect to one argument, from that with respect to the result r."""

    argument: Adjoint
    formula: Expression


@record
class Explanation(Result):
    """One operation of the language.

    Arguments:
        name: its name in equations.
        spellings: other names of it.
        call: an example of a call; None of what takes no arrays of names alone.
        computes, gradient: what it does to numbers, and what its pull-back does to a gradient, in words.
        pullbacks: their formulas, of the example; n in them is the number of entries.
        arrays: what arrays the example is of, where the formulas are not those of all.
        options: by name, what an option is where it is left out, as it is written in equations.
        positional: the options that numbers after the arguments give.
        heading: the option that a text before the arguments gives.
        domain, kinks: where it is defined, and the conventions where it has no derivative.
        at_kinks: the slopes that frameworks take there.
    """

    name: str
    spellings: tuple[str, ...]
    call: Call | None
    computes: str
    gradient: str
    pullbacks: tuple[Pullback, ...]
    arrays: str
    options: Mapping[str, str]
    positional: tuple[str, ...]
    heading: str
    domain: tuple[str, ...]
    kinks: tuple[str, ...]
    at_kinks: tuple[SlopeAtKink, ...]
    json: ClassVar = JsonForm("explain")

    def page(self) -> Page:
        """The formulas, the words, and what is taken at kinks."""
        from handgrad.explaining.page import explanation_page

        return explanation_page(self)


def explain(name: str) -> Explanation:
    """The reference of one operation, by any of its names.

    Raises `OptionError` for a name that is no operation of the language.

        >>> handgrad.explain("swish").name
        'silu'
    """
    operation = BY_NAME.get(SPELLINGS.get(name, name))
    if operation is None or operation.family == "helper":
        known = [*(n for n, o in BY_NAME.items() if o.family != "helper"), *SPELLINGS]
        raise OptionError(
            f"there is no operation {name[:60]}",
            mend=nearest(name, known) or "docs/problem-files.md lists them",
        )
    example = example_of(operation)
    of = general(example) if example is not None else None
    return Explanation(
        name=operation.name,
        spellings=operation.spellings,
        call=example.call if example is not None else None,
        computes=operation.words.forward,
        gradient=operation.words.backward,
        pullbacks=tuple(Pullback(adjoint, formula) for adjoint, formula in of.gradients)
        if of
        else (),
        arrays=of.arrays if of is not None else "",
        options={n: str(v).lower() or "none" for n, v in operation.options.items()},
        positional=operation.positional,
        heading=operation.heading,
        domain=tuple(
            f"{NAMES[operation.arity[0]][d.argument]} must be {d.words}" for d in operation.domain
        ),
        kinks=tuple(kink.words for kink in operation.kinks),
        at_kinks=AT_KINKS.get(operation.name, ()),
    )
