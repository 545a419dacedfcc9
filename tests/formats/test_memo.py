"""Markup that was made before is used again: no page may be another for what was written before it."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import handgrad
from handgrad.expression import Adjoint, Call, Expression, Literal, Name, Nested, substitute
from handgrad.formats import memo
from handgrad.formats.html.page import live_parts, render_live
from handgrad.formats.html.relation import derivation
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.live import Live
from handgrad.formats.mathematics.printed import printed
from handgrad.formats.memo import Memo, memo_of
from handgrad.formats.style import Style
from handgrad.page.blocks import Derivation, Relation
from tests.formats.trees import adjoints, literals, names, trees

STYLE = Style()


def forget() -> None:
    memo._memo.cache_clear()


def edited(problem: handgrad.Problem, drawn: random.Random) -> handgrad.Problem:
    """The problem with another number in one of its parameters, 0 and −0 among them."""
    name = drawn.choice(list(problem.parameters))
    array = np.array(problem.parameters[name].array, dtype=float)
    array.flat[drawn.randrange(array.size)] = drawn.choice([0.0, -0.0, -1.5, 1e-9, drawn.random()])
    return problem.with_values({name: array})


def written(problem: handgrad.Problem) -> tuple[str, str]:
    page = handgrad.solve(problem).page(pictures=True, open_entries=True)
    live = Live(frozenset(problem.parameters))
    return handgrad.render(page, "html"), render_live(page, live)


@pytest.mark.parametrize("name", ["lab9", pytest.param("classes", marks=pytest.mark.sweep), "xor"])
def test_a_page_is_the_same_after_any_others(name: str) -> None:
    drawn, problem = random.Random(name), handgrad.load(name)
    problems = [problem := edited(problem, drawn) for _ in range(4)]
    forget()
    after_others = [written(each) for each in problems]
    for each, found in zip(problems, after_others, strict=True):
        forget()
        assert written(each) == found


@given(st.lists(trees(names | adjoints | literals(), 6), min_size=2, max_size=4))
@example([Call("max_pool1d", (Name("x"),), (("size", True), ("stride", s))) for s in (True, 1)])
def test_formulas_with_one_key_are_drawn_alike(formulas: list[Expression]) -> None:
    drawn: dict[object, str] = {}
    for formula in formulas:
        markup = HtmlWriter.of(STYLE).formula(formula)
        forget()
        assert HtmlWriter.of(STYLE).formula(formula) == markup
        assert drawn.setdefault(printed(formula), markup) == markup


def test_what_is_written_otherwise_has_another_key() -> None:
    """Formulas that compare equal, but of other shapes or with numbers that were written otherwise."""
    vector, matrix = Name("a", shape=(2,)), Name("a", shape=(2, 2))
    apart: list[tuple[Expression, Expression]] = [
        (vector.T, matrix.T),
        (vector @ matrix, matrix @ matrix),
        (Adjoint("a", shape=(2,)).T, Adjoint("a", shape=(2, 2)).T),
        (Literal(0.5), Literal(0.5, text="0.50")),
        (Literal((1.0, 2.0)), Literal((1.0, 2.0), row=True)),
    ]
    for one, other in apart:
        assert one == other
        assert printed(one) != printed(other)
    write = HtmlWriter.of(STYLE).formula
    assert write(vector @ matrix) != write(matrix @ matrix)


@given(trees(names | adjoints | literals(), 5), st.randoms(use_true_random=False))
@example(Literal((0.25, -3.0, 1.5e-9, 0.0)), random.Random(0))
def test_a_template_filled_is_what_is_written(formula: Expression, drawn: random.Random) -> None:
    """Of relations with as many digits in their numbers, each is written as if there were no other."""
    live = replace(STYLE, live=Live())
    relations = [
        Relation(Name("a"), (formula, other), marks={(0,): "off"})
        for other in [formula, *(other_digits(formula, drawn) for _ in range(3))]
    ]
    alone = []
    for relation in relations:
        forget()
        alone.append(derivation(Derivation((relation,)), HtmlWriter.of(live)))
    forget()
    assert [derivation(Derivation((r,)), HtmlWriter.of(live)) for r in relations] == alone


def other_digits(formula: Expression, drawn: random.Random) -> Expression:
    """The formula with other digits in its numbers, as a rule as many of them."""

    def value(of: Nested) -> Nested:
        if isinstance(of, tuple):
            return tuple(map(value, of))
        return float(re.sub(r"[1-8]", lambda _: str(drawn.randint(1, 8)), repr(of)))

    def changed(each: Expression) -> Expression | None:
        return replace(each, value=value(each.value)) if isinstance(each, Literal) else None

    return substitute(formula, changed)


def test_another_style_has_a_memo_of_its_own() -> None:
    styles = [
        STYLE,
        replace(STYLE, decimals=2),
        replace(STYLE, display={"a": "α"}),
        replace(STYLE, losses={"a": "J"}),
        replace(STYLE, live=Live()),
    ]
    assert len({id(memo_of(style)) for style in styles}) == len(styles)
    assert memo_of(STYLE) is memo_of(Style())


def test_a_memo_keeps_so_much_and_no_more() -> None:
    kept = Memo()
    for k in range(3 * memo.ROOM):
        assert kept.of(k, lambda k=k: k + 1) == k + 1  # type: ignore[misc]
        kept.of(0, lambda: -1)
    assert len(kept.lately) + len(kept.before) <= memo.ROOM
    assert kept.of(3 * memo.ROOM - 1, lambda: -1) == 3 * memo.ROOM
    assert kept.of(0, lambda: -1) == 1  # asked for again and again, it has not made room


@pytest.mark.parametrize("name", ["lab9", "classes", "xor"])
def test_the_parts_of_a_page_that_is_edited_make_up_the_page(name: str) -> None:
    page = handgrad.solve(handgrad.load(name)).page(pictures=True, open_entries=True)
    parts = live_parts(page, Live())
    keys = [key for key, _ in parts if key]
    assert len(keys) > 5
    assert re.sub(r' data-part="\w+"', "", "".join(html for _, html in parts)) == render_live(
        page, Live()
    )
    for key, html in parts:
        assert html.count(f'data-part="{key}"') == bool(key)
        if key:  # one element
            assert re.match(r"<(\w+)", html)[1] == re.search(r"</(\w+)>$", html)[1]  # type: ignore[index]
