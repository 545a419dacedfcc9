"""STACK questions: every tree marked as `check` marks, what follows from an earlier mistake included."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest

import handgrad
from handgrad.arrays import Objects
from handgrad.checking import Checker
from handgrad.cli.commands import run
from handgrad.grading import Grading
from handgrad.quizzes import quiz_files
from handgrad.quizzes.maxima import MaximaTerms, in_maxima
from handgrad.quizzes.question import AskedQuantity, Gap, QuizQuestion
from tests.quizzes.sheets import PROBLEMS, edges, files, questions, shares
from tests.quizzes.stack_trees import Maxima, failing, marks

Entered = dict[tuple[str, tuple[int, ...]], str]


def asked(name: str, count: int = 1) -> list[Element]:
    (content,) = files("stack", name, "out.xml", count).values()
    return [q for q in ElementTree.fromstring(content) if q.get("type") == "stack"]


def laid_out(question: QuizQuestion) -> list[tuple[AskedQuantity, Gap]]:
    return [(a, g) for a in question.asked for grid in a.grids() for row in grid.rows for g in row]


def inputs(question: QuizQuestion, entered: Entered) -> dict[str, str]:
    return {f"ans{k}": entered[a.target, g.at] for k, (a, g) in enumerate(laid_out(question), 1)}


def right(question: QuizQuestion) -> Entered:
    return {(a.target, g.at): g.right.figure for a in question.asked for g in a.gaps}


def by_target(question: QuizQuestion, element: Element, entered: Entered) -> dict[str, float]:
    found = marks(element, inputs(question, entered))
    scores = {}
    for k, asked_for in enumerate(question.asked, start=1):
        marked = found[f"prt{k}"]
        assert marked is not None
        scores[asked_for.target] = marked.score
    return scores


@pytest.mark.parametrize(
    "name", ["lab9", *(pytest.param(n, marks=pytest.mark.sweep) for n in PROBLEMS[1:])]
)
def test_right_figures_edges_and_wrong_rules(name: str) -> None:
    for element, question in zip(asked(name), questions(name), strict=True):
        whole = right(question)
        assert min(by_target(question, element, whole).values()) == pytest.approx(1, abs=1e-6)
        for end in (0, 1):
            edge = {(a.target, g.at): edges(g.right)[end] for a in question.asked for g in a.gaps}
            assert min(by_target(question, element, edge).values()) == pytest.approx(1, abs=1e-6)
        for k, a in enumerate(question.asked, start=1):
            for n in range(max(len(g.wrong) for g in a.gaps)):
                slipped = [g for g in a.gaps if n < len(g.wrong)]
                entered = whole | {(a.target, g.at): g.wrong[n].given.figure for g in slipped}
                found = marks(element, inputs(question, entered))[f"prt{k}"]
                assert found is not None
                assert found.score == pytest.approx(1 - len(slipped) / len(a.gaps), abs=1e-6)
                assert len(found.said) == len(slipped)
                assert all("It looks as if" in said for said in found.said)


@pytest.mark.parametrize(
    "name", ["lab9", *(pytest.param(n, marks=pytest.mark.sweep) for n in PROBLEMS[1:])]
)
def test_what_follows_from_a_mistake_is_right_as_check_has_it(name: str) -> None:
    (question,), (element,) = questions(name), asked(name)
    work = Checker(question.sheet.problem).work
    quantities = {q.target: q for q in work.structure.quantities}
    tried = 0
    for first in question.asked:
        slip = next(((g, g.wrong[0]) for g in first.gaps if g.wrong), None)
        if slip is None:
            continue
        entered = right(question) | {(first.target, slip[0].at): slip[1].given.figure}
        values = {leaf: work.exact[leaf] for leaf in work.exact}
        for a in question.asked:
            quantity = quantities[a.target]
            if a is not first:
                with np.errstate(invalid="ignore"):
                    value = quantity.formula({f: values[f] for f in quantity.formula.leaves})
                if not np.isfinite(value).all():
                    value = work.exact[quantity.leaf]  # a logarithm of what is no probability
                value = np.broadcast_to(value, a.shape)
                if question.asked.index(a) > question.asked.index(first):
                    entered |= {
                        (a.target, at): f"{value[at] + 0.0:.4f}" for at in np.ndindex(a.shape)
                    }
            values[quantity.leaf] = np.array(
                [float(entered[a.target, at]) for at in np.ndindex(a.shape)]
            ).reshape(a.shape)
        assert by_target(question, element, entered) == pytest.approx(
            shares(question, entered), abs=1e-6
        )
        tried += 1
    assert tried > 2


def test_zeros_make_nothing_right() -> None:
    (question,), (element,) = questions("lab9"), asked("lab9")
    zeros = dict.fromkeys(right(question), "0")
    scores = by_target(question, element, zeros)
    counted = {
        a.target: sum(float(g.right.figure) == 0 for g in a.gaps) / len(a.gaps)
        for a in question.asked
    }
    late = [a.target for a in question.asked if a.target.startswith(("d", "h"))]
    assert {t: scores[t] for t in late} == pytest.approx({t: counted[t] for t in late}, abs=1e-6)


def test_what_is_empty_blocks_nothing_and_what_is_no_number_only_its_own() -> None:
    (question,), (element,) = questions("lab9"), asked("lab9")
    nothing = marks(element, {})
    assert all(marked is not None and not marked.score for marked in nothing.values())
    entered = inputs(question, right(question))
    blocked = marks(element, entered | {"ans1": "-0,2"})
    assert [name for name, marked in blocked.items() if marked is None] == ["prt1", "prt2", "prt16"]
    same = marks(element, entered | {"ans1": entered["ans1"].replace("-", "−")})
    assert same == marks(element, entered)


def test_its_own_tests_hold() -> None:
    for element in asked("lab9"):
        assert len(element.findall("qtest")) > 5
        assert not list(failing(element))


def test_shares_of_many_entries_add_up_to_a_whole() -> None:
    """Of 48 entries 0.0208333 each is 0.9999984: STACK would not call it right."""
    rows, more = np.arange(48).reshape(12, 4) / 10 - 2, np.arange(48).reshape(4, 12) / 8 - 3
    problem = handgrad.Problem("Z = X @ W\nL = sum(Z**2)", {"W": more[:, :4]}, {"X": rows})
    sheets = handgrad.practice(problem).worked(decimals=4)
    (content,) = quiz_files("stack", sheets, Path("out.xml")).values()
    (element,) = [q for q in ElementTree.fromstring(content) if q.get("type") == "stack"]
    assert len(element.findall("input")) > 48
    assert not list(failing(element))


def test_every_input_has_its_place_and_only_these_are_blocks() -> None:
    (element,) = asked("rnn")
    text = element.findtext("questiontext/text") or ""
    names = [i.findtext("name") or "" for i in element.findall("input")]
    trees = [p.findtext("name") or "" for p in element.findall("prt")]
    for kind, of in (("input", names), ("validation", names), ("feedback", trees)):
        assert sorted(re.findall(rf"\[\[{kind}:(\w+)\]\]", text)) == sorted(of)
    assert len(re.findall(r"\[\[", text)) == 2 * len(names) + len(trees)
    assert "{@" not in text + (element.findtext("generalfeedback/text") or "")
    assert all(len(name) <= 18 for name in names)
    for given in element.findall("input"):
        assert (given.findtext("type"), given.findtext("forbidfloat")) == ("numerical", "0")
        assert given.findtext("options") == "allowempty"
    for node in element.iter("node"):
        assert re.fullmatch(r"ans\d+", node.findtext("sans") or "")


def test_what_is_shown_cannot_be_a_block() -> None:
    problem = handgrad.load("lab9").with_parts(description="See [[input:ans1]] and {@1+1@}.")
    (content,) = quiz_files(
        "stack", handgrad.practice(problem).worked(), Path("x.xml"), ["dz3"]
    ).values()
    text = (
        ElementTree.fromstring(content).findtext(".//question[@type='stack']/questiontext/text")
        or ""
    )
    assert text.count("[[input:") == 1
    assert "{@" not in text


def test_formulas_are_maximas() -> None:
    problem = handgrad.loads(
        'equations = """\na = clip(x, -1, 1)\nb = max(a, x**2) + where(x > 0, x, 2) * gelu(x)\nc = softplus(b) / (1 + exp(-a))\nL = sum(c)\n"""\n[data]\nx = [0.5, -2, 3]\n'
    )
    work = Checker(problem).work
    tried = 0
    for quantity in work.structure.quantities:
        values = {}
        numbers: dict[str, float] = {}
        for leaf in quantity.formula.leaves:
            exact = work.exact[leaf]
            names: Objects = np.array(["?"] * exact.size, dtype=object)
            names[:] = [f"v{len(numbers) + k}" for k in range(exact.size)]
            numbers |= dict(zip(names, map(float, exact.ravel()), strict=True))
            values[leaf] = MaximaTerms.named(names.reshape(exact.shape))
        texts = in_maxima(quantity.formula, values)
        if texts is None:
            continue  # erf is not written
        tried += 1
        given = [Maxima(text, numbers).value() for text in texts.ravel()]
        expected = np.broadcast_to(work.exact[quantity.leaf], texts.shape).ravel()
        assert given == pytest.approx(expected.tolist())
    assert tried > 5


def test_what_stack_reports_is_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary of a response as STACK 4.11 itself writes it."""
    (question,) = questions("lab9")
    entered = right(question) | {("dz3", ()): "", ("z1", (0,)): "7"}
    bits = [
        f"{name}: {value} [score]" for name, value in inputs(question, entered).items() if value
    ]
    cell = "; ".join(["Seed: ", *bits, "prt1: # = 1 | prt1-1-T | prt1-6-T", "prt2: !"])
    path = tmp_path / "responses.csv"
    path.write_text(f'Last name,Username,Status,Response 1\nL,ada,Finished,"{cell}"\n')
    report = Grading(question.sheet.problem).run(path)
    assert report.students is not None
    verdicts = {s.target: s.verdict for s in report.students[0].steps}
    assert [verdicts[t] for t in ("z1", "dz3", "h2")] == ["wrong", "missing", "right"]


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "quiz.xml"
    assert run(["practice", "lab9", "--as", "stack", "-o", str(out)]) == 0
    assert b'type="stack"' in out.read_bytes()
