"""Pages and answers to why re-derived, and false equalities, paths, factors and terms found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

import handgrad
from handgrad.discussion import questions_for
from handgrad.discussion.page import questions_page
from handgrad.expression import Literal, Name
from handgrad.formats.markdown import render_markdown
from handgrad.page.blocks import Derivation, Paragraph, Relation
from handgrad.paths import WhyGradient, WhyValue
from handgrad.saving import Page
from tests.gauntlet.facts.paged import of_page, of_pages
from tests.gauntlet.facts.paths import of_why, of_whys
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled


@cache
def facts_of(name: str) -> Facts:
    return Facts.of(handgrad.load(name))


@pytest.mark.parametrize("name", ["lab9", "batch"])
def test_what_pages_show_adds_up(name: str) -> None:
    claims = [*of_pages(facts_of(name)), *of_whys(facts_of(name))]
    assert len(claims) > 100
    assert [c for c in claims if not c.holds] == []


def page(*relations: Relation, says: str = "") -> Page:
    return Page("A page", (Derivation(relations), Paragraph((says,))))


THIRDS = Relation(Name("s"), (Literal(1 / 3) + Literal(1 / 3) + Literal(1 / 3), Literal(1.0)))
WHOLE = Relation(Name("s"), (Literal(0.25) * Literal(3.0), Literal(0.75)))


def test_a_sum_that_does_not_add_up_as_shown_has_to_be_said_to_be_rounded() -> None:
    """0.3333 + 0.3333 + 0.3333 = 1."""
    assert [c.holds for c in of_page("", page(THIRDS))] == [True, False]
    said = page(THIRDS, says="Figures are shown to 4 decimals; full precision is carried.")
    assert all(c.holds for c in of_page("", said))
    assert all(c.holds for c in of_page("", page(WHOLE)))


def test_an_equality_that_does_not_hold_is_found() -> None:
    wrong = Relation(Name("s"), (Literal(0.25) * Literal(3.0), Literal(0.7501)))
    assert not all(c.holds for c in of_page("", page(wrong)))


@pytest.mark.parametrize("text", ["Take the exponential. Here .", "Of 3, , and 4.", "It is 0.."])
def test_a_sentence_with_something_left_out_is_found(text: str) -> None:
    (claim,) = of_page("", page(says=text))
    assert not claim.holds


def test_every_page_whose_figures_are_rounded_says_so() -> None:
    trace = facts_of("lab9").trace
    words = "full precision is carried"
    why = handgrad.why(trace.problem, "dW1[0,1]").page()
    pages = [why, questions_page(trace, questions_for(trace))]
    pages += [
        trace.page(only="backward"),
        trace.page(step="2.1"),
    ]
    for each in pages:
        assert words in render_markdown(each), each.title


ENTRIES = {"lab9": ("dW1[0,0]", "dW2[1,0]", "yhat", "z2[0]"), "batch": ("dW1[0,0]",)}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_false_answer_to_why_is_found(name: str) -> None:
    facts = facts_of(name)
    found: dict[Any, bool] = {}
    for entry in ENTRIES[name]:
        why = handgrad.why(facts.problem, entry)
        assert isinstance(why, WhyGradient | WhyValue)
        assert [c for c in of_why(why, facts) if not c.holds] == []
        for field, false in spoiled(why, ("problem", "parts", "paths", "links", "terms", "loss")):
            # One path or term more than there are may be, where not all of them are listed.
            found[type(why), field] = not all(c.holds for c in of_why(false, facts))
        if isinstance(why, WhyGradient):
            for path in why.paths[:1]:
                for field, false in spoiled(path, ("operation", "step", "shortcut", "case")):
                    spoilt = replace(why, paths=(false, *why.paths[1:]))
                    found["path", field] = not all(c.holds for c in of_why(spoilt, facts))
        if isinstance(why, WhyValue):
            for term in why.terms[:1]:
                for field, false in spoiled(term, ("formula", "through", "blame")):
                    other = replace(why, terms=(false, *why.terms[1:]))
                    found["term", field] = not all(c.holds for c in of_why(other, facts))
            for link in why.links[-1:]:
                for field, false in spoiled(link, ("entry", "step", "blame")):
                    other = replace(why, links=(*why.links[:-1], false))
                    found["link", field] = not all(c.holds for c in of_why(other, facts))
    assert all(found.values()), {key for key, caught in found.items() if not caught}


def test_false_groups_of_paths_that_are_zero_are_found() -> None:
    """In two cases a gate is shut, in the third the input is 0."""
    facts = facts_of("classes")
    why = handgrad.why(facts.problem, "dW1[1,0]")
    assert isinstance(why, WhyGradient)
    assert [c for c in of_why(why, facts) if not c.holds] == []
    gate, given = why.zeros
    false = [
        (gate,),
        (given,),
        (replace(gate, count=72),),
        (replace(gate, count=gate.count + 1), replace(given, count=given.count - 1)),
        (replace(gate, cases=(0, 1, 2), values=(*gate.values, -0.25)), given),
        (replace(gate, values=(-0.25, -0.25)), given),
        (gate, replace(given, cases=(1,))),
        (gate, replace(given, entry=replace(given.entry, index=(1,)))),
    ]
    for zeros in false:
        assert not all(c.holds for c in of_why(replace(why, zeros=zeros), facts)), zeros
