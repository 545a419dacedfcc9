"""What is said of answers beside the verdicts re-derived, and a false remark of each kind found."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import pytest

import handgrad
from handgrad.checking.reading import read_text
from handgrad.checking.remarks import Arrangement, ArrayFault, AsColumn, NoArray, Unused
from tests.gauntlet.facts.answers import Known, Sheet
from tests.gauntlet.facts.planting import right_sheet
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.spoiling import spoiled, with_field
from tests.gauntlet.facts.untidy import (
    arranged,
    of_objects,
    of_remarks,
    of_rest,
    of_untidy,
    remarks_of,
    turned,
)

LEFT = ("parser", "moves")
"""Fields that are the parser's own words, or are changed by hand below."""

TEXTS = {
    ".toml": (
        "z1 = [0.6, 0.1]\nz1 = 1\nz2 = \nz3 = [1, 2\nh1 0.5\nq = [[1, 2], [3]]\nq2 = [[1, 2], 3]\nq3 = {cases = 3}\n"
        "q4 = [[[[[[[[[[1]]]]]]]]]]",
        "dW2 = [[1, oops], [0, 0]]\n\"dL/dW2\" = [[1, 1], [0, 0]]\ndz22 = 1\n\"dz1/dW1\" = 1\nW1 = [[9, 9], [9, 9]]\n"
        "x = [7, 7]\n[updated]\nW1 = {some = 1}\nb9 = 1\n[answers]\nz1 = 1",
        "z1 = [0.6, 0.1]\n" + "\n".join(f"q{k} = 1" for k in range(15)),
    ),
    ".json": ('{\n"z1": [0.6, 0.1],\n', '{\n"z1": [0.6, 0.1],\n"z2": [0.',),
    ".ipynb": (
        '{"cells": [{"cell_type": "markdown", "source": "h2 = z2"}, {"cell_type": "code", "source": '
        '["z1 = [0.6, 0.1]\\n", "z2 = W2 @ h1"]}, {"cell_type": "code", "source": "h1 = np.array([0.6, 0.1])\\nz3 = h2 - 1"}]}',
    ),
    ".csv": (",1\nz1,0.6,0.1", f"z1,0.6,0.1\nz2,{'1' * 131_073}\nz3,1"),
}  # fmt: skip


def known_of(problem: handgrad.Problem) -> Known:
    return Known(Facts.of(problem), handgrad.Checker(problem))


@cache
def lab() -> Known:
    return known_of(handgrad.load("lab9"))


def reports() -> Iterator[tuple[tuple[Unused, ...], list[Unused]]]:
    """What is said of each text, and what is derived from it."""
    known = lab()
    still = known_of(handgrad.load("lab9").with_parts(update=None))
    for kind, texts in TEXTS.items():
        for text in texts:
            for each in (known, still) if "updated" in text else (known,):
                said = each.checker.check(read_text(text, kind, "answers")).unused
                yield said, remarks_of(text, kind, each)


def all_hold(said: tuple[Unused, ...], derived: list[Unused]) -> bool:
    return all(claim.holds for claim in of_remarks(said, derived))


def test_a_false_remark_of_each_kind_is_found() -> None:
    """Every field of every remark, changed; a remark left out, and one too many."""
    kinds: set[Any] = set()
    faults: set[Any] = set()
    for said, derived in reports():
        assert [c.message for c in of_remarks(said, derived) if not c.holds] == []
        assert not all_hold(said, derived[:-1])
        assert not all_hold((*said, said[-1]), derived)
        for place, remark in enumerate(said):
            kinds.add(type(remark))
            faults |= {type(remark.fault)} if isinstance(remark, NoArray) else set()
            lies = [false for _, false in spoiled(remark, LEFT)]
            if hasattr(remark, "moves"):
                lies.append(with_field(remark, "moves", not remark.moves))
            for false in lies:
                assert not all_hold((*said[:place], false, *said[place + 1 :]), derived), false
    assert kinds == set(get_args(Unused))
    objects = list(of_objects(lab()))
    assert [c.message for c in objects if not c.holds] == []
    # Programs' objects are no files' faults.
    assert {f.__name__ for f in set(get_args(ArrayFault)) - faults} == {"NotReal", "ArrayUnread"}


def test_a_false_arrangement_is_found() -> None:
    column = handgrad.Problem(
        "z = W @ x + b\nL = sum(z**2)",
        {"W": [[1, 2], [3, 4]], "b": [[1], [2]]},
        {"x": [[1], [0.5]]},
    )
    batched = handgrad.Problem(
        "z = W @ x\nL = sum(z**2)",
        {"W": [[1, 2], [3, 4]]},
        {"x": {"cases": [[1, 2], [3, 1], [2, 2]]}},
    )
    found = set()
    for problem in (column, batched):
        known = known_of(problem)
        sheet = right_sheet(known)
        assert sheet is not None
        other = turned(sheet, known)
        for judged in known.checker.check(other.figures).entered:
            figures = other.figures[judged.target]
            assert judged.verdict == "right"
            assert all(holds for holds, _ in arranged(judged, figures, known))
            if judged.arrangement is None:
                false = replace(judged, arrangement=AsColumn(2))
                assert not all(holds for holds, _ in arranged(false, figures, known))
                continue
            found.add(type(judged.arrangement))
            ((_, changed),) = spoiled(judged.arrangement)
            for lie in (None, changed):
                false = replace(judged, arrangement=lie)
                assert not all(holds for holds, _ in arranged(false, figures, known)), lie
    assert found == set(get_args(Arrangement))


def test_a_rest_that_is_not_checked_is_found() -> None:
    text = "z1 = [0.6, 0.1]\nz2 = \nz3 = 0.552"
    report = lab().checker.check(read_text(text, ".toml", "answers"))
    sheet = Sheet({"z1": ["0.6", "0.1"], "z3": "0.552"})
    assert all(holds for holds, _ in of_rest(report, text, ".toml", sheet))
    lying = replace(report, steps=tuple(s for s in report.steps if s.target != "z3"))
    assert not all(holds for holds, _ in of_rest(lying, text, ".toml", sheet))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_said_of_untidy_answers_holds(seed: int) -> None:
    sheet = right_sheet(lab())
    assert sheet is not None
    claims = [*of_untidy(sheet, lab(), random.Random(seed))]
    assert [c.message for c in claims if not c.holds] == []
