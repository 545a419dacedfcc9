"""Equalities as they are shown: with the figures on the page they hold, or the page says that they are rounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

import handgrad
from handgrad.discussion.page import questions_page
from handgrad.expression import Call, Expression, Literal
from handgrad.page.blocks import (
    Block,
    Columns,
    Derivation,
    Heading,
    Note,
    Paragraph,
    Relation,
    Table,
)
from handgrad.saving import Page
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.claim import Claim, Claims, close
from tests.gauntlet.facts.lines import unsettled, within
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.worked import units

ROUNDED = ("full precision is carried", "the rounded figure is carried")
"""What a page says of its figures."""

LONGEST = 5
"""Entries that are asked about with `why`."""

GAP = re.compile(r"\s[.,;](?=\s|$)|(?<!\.)\.\.(?!\.)|,\s*[.,]")
"""Where something is left out of a sentence: a space before its mark, or two marks in a row."""

EXACT: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "negate": lambda a: -a,
}
"""What can be carried out in full with the figures that are shown."""


def of_pages(facts: Facts) -> Claims:
    """Every page kind that shows sums and products with numbers put in."""
    for name, page in pages(facts):
        yield from of_page(name, page)


def of_page(name: str, page: Page) -> Claims:
    """One page: its equalities in full, and as they are shown."""
    says = any(words in text for text in _texts(page.blocks) for words in ROUNDED)
    for relation in _relations(page.blocks):
        for left, right in zip(relation.chain, relation.chain[1:], strict=False):
            if not (_is_numbers(left) and _is_numbers(right)):
                continue
            yield from _equality(name, left, right, page.decimals, says)
    for text in filter(None, _sentences(page.blocks)):
        yield Claim(f"page {name}: sentences are whole", GAP.search(text) is None, text)


def _equality(name: str, left: Expression, right: Expression, decimals: int, says: bool) -> Claims:
    try:
        one, other = (_value(x) for x in (left, right))
    except (KeyError, ValueError):
        return  # cases as the columns of matrices: what they are is judged line by line
    if one.shape == other.shape:
        holds = close(one, other, 1e-8) or _within_rests(left, one, other)
        if not holds:
            with terms.as_floats_are():
                holds = close(_value(left), _value(right), 1e-8)
        yield Claim(f"page {name}: equality", holds, f"{one} and {other}: {left} = {right}"[:500])
    if one.shape == ():
        adds_up = _as_shown(left, decimals) == _as_shown(right, decimals)
        message = f"{_text(left, decimals)} = {_text(right, decimals)}, and nothing says that it is rounded"
        yield Claim(
            f"page {name}: figures add up or are said to be rounded", adds_up or says, message
        )


def _within_rests(left: Expression, one: Any, other: Any) -> bool:
    """Whether two sides differ by no more than the last digits of the numbers on the left make of it."""
    return within(one, other, unsettled(left, _differs(left), max([1, *_counts(left)])))


def _value(formula: Expression) -> Any:
    """The numbers of a formula; the cases on the last axis where it differs from case to case."""

    def none(leaf: terms.Leaf, case: int) -> Any:
        raise KeyError(leaf)

    cases = max([1, *_counts(formula)])
    each = [
        np.asarray(terms.value(formula, none, case, cases), dtype=float)
        for case in (range(cases) if _differs(formula) else (0,))
    ]
    return np.stack(each, axis=-1) if _differs(formula) else each[0]


def _counts(formula: Expression) -> Iterator[int]:
    """The numbers of cases of the literals in a formula."""
    if isinstance(formula, Literal) and formula.batched:
        yield np.shape(formula.value)[-1]
    elif isinstance(formula, Call):
        for argument in formula.arguments:
            yield from _counts(argument)


def _differs(formula: Expression) -> bool:
    if isinstance(formula, Call):
        reduces = formula.operation in ("mean_over_cases", "sum_over_cases")
        return not reduces and any(map(_differs, formula.arguments))
    return isinstance(formula, Literal) and formula.batched


def shown(x: float, decimals: int) -> Fraction:
    """A number as it is printed: rounded half up, with a power of ten where nothing would be left of it."""
    if not np.isfinite(x):
        return Fraction(0)
    number = Decimal(repr(float(x)))
    rounded = Decimal(0)
    if abs(number) < 10**7:
        rounded = number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    if rounded == 0 and number != 0:
        exponent = number.adjusted()
        scaled = number.scaleb(-exponent).quantize(
            Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP
        )
        rounded = scaled.scaleb(exponent)
    return Fraction(rounded)


def _as_shown(formula: Expression, decimals: int) -> Any:
    """What a formula of numbers gives with the figures that are shown, as the result would be shown."""
    exactly = _exactly(formula, decimals)
    if exactly is None:
        value = float(_value(formula))
        # What floats leave of entries that cancel is 0 as they are shown.
        return shown(0.0 if abs(value) < 1e-15 * _largest(formula) else value, decimals)
    return exactly


def _largest(formula: Expression) -> float:
    if isinstance(formula, Literal):
        return float(np.max(np.abs(np.asarray(formula.value, dtype=float)), initial=0.0))
    return max(map(_largest, formula.arguments), default=0.0) if isinstance(formula, Call) else 0.0


def _exactly(formula: Expression, decimals: int) -> Fraction | None:
    if isinstance(formula, Literal) and not isinstance(formula.value, tuple):
        return shown(formula.value, decimals)
    if isinstance(formula, Call) and formula.operation in EXACT:
        arguments = [_exactly(a, decimals) for a in formula.arguments]
        if all(a is not None for a in arguments):
            found: Fraction = EXACT[formula.operation](*arguments)
            return found
    return None


def _text(formula: Expression, decimals: int) -> str:
    if isinstance(formula, Literal) and not isinstance(formula.value, tuple):
        return f"{float(shown(formula.value, decimals)):g}"
    if isinstance(formula, Call):
        return f"{formula.operation}({', '.join(_text(a, decimals) for a in formula.arguments)})"
    return str(formula)


def _is_numbers(formula: Expression) -> bool:
    if isinstance(formula, Literal):
        return not _blank(formula.value)
    return isinstance(formula, Call) and all(_is_numbers(a) for a in formula.arguments)


def _blank(value: Any) -> bool:
    return any(map(_blank, value)) if isinstance(value, tuple) else value != value


# -- the pages ------------------------------------------------------------------------------------


def pages(facts: Facts) -> Iterator[tuple[str, Page]]:
    """The pages of a problem, by their kind: of all but the whole solution every second one, by the seed."""
    trace = facts.trace
    yield "solve", trace.page()
    if facts.seed % 2:
        yield "solve --elements", trace.page(elements=True)
        yield "solve --only forward", trace.page(only="forward")
        step = trace._steps[facts.seed % len(trace._steps)]
        yield "solve --step", trace.page(step=step.id)
        for why in map(facts.why, entries(facts)[:LONGEST]):
            if why is not None:
                yield "why", why.page()
        for asked in units(facts):
            with suppress(handgrad.HandgradError):
                yield "solve --unit", handgrad.solve_unit(facts.problem, asked).page()
        return
    yield "solve --only backward", trace.page(only="backward")
    yield "questions", questions_page(trace, facts.questions)
    discussed = [(q.asked(), q.blocks()) for q in facts.questions]
    yield "slides", trace.slides(discussed)
    other = other_numbers(facts)
    if other is not None:
        comparison = handgrad.compare(trace, other)
        yield "compare", comparison.page()


def other_numbers(facts: Facts) -> handgrad.Trace | None:
    """The solution with the first datum, or parameter, doubled; None where that has none."""
    given = {**facts.problem.data, **facts.problem.parameters}
    name, one = next(iter(given.items()))
    array = np.asarray(one.array, dtype=float) * 2
    value = {"cases": np.moveaxis(array, -1, 0)} if one.batched else array
    try:
        return handgrad.solve(facts.problem.with_values({name: value}))
    except handgrad.HandgradError:
        return None


def entries(facts: Facts) -> list[str]:
    """Entries of gradients and values to ask about, drawn by the seed."""
    generator = np.random.default_rng(facts.seed)
    names = [*facts.oracle.parameters, *facts.targets]
    found = []
    for name in names:
        array = np.asarray(facts.at.values[name])
        index = [int(generator.integers(n)) for n in array.shape]
        spelled = f"[{','.join(map(str, index))}]" if index else ""
        if name != facts.oracle.loss:
            found.append(f"d{name}{spelled}")
        if name in facts.targets:
            found.append(f"{name}{spelled}")
    generator.shuffle(found)
    return found


def _relations(blocks: Sequence[Block]) -> Iterator[Relation]:
    for block in blocks:
        match block:
            case Derivation():
                yield from block.relations
            case Note():
                yield from _relations(block.derivations)
            case Columns():
                for column in block.columns:
                    yield from _relations(column)
            case _:
                pass


def _sentences(blocks: Sequence[Block]) -> Iterator[str]:
    """Running text with an x for each formula, so that a mark after one stands as it does on the page."""
    for block in blocks:
        match block:
            case Paragraph() | Note() | Heading():
                yield "".join(part if isinstance(part, str) else "x" for part in block.text)
            case Table():
                yield "".join(part if isinstance(part, str) else "x" for part in block.caption)
            case Columns():
                for column in block.columns:
                    yield from _sentences(column)
            case _:
                pass


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph() | Note() | Heading():
                yield " ".join(part for part in block.text if isinstance(part, str))
            case Table():
                yield " ".join(part for part in block.caption if isinstance(part, str))
            case Columns():
                for column in block.columns:
                    yield from _texts(column)
            case _:
                pass
