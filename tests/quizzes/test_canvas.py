"""The QTI package for Canvas, read as Canvas reads it."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from functools import cache
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

import handgrad
from handgrad.errors import OptionError
from handgrad.quizzes import quiz_files
from handgrad.quizzes.canvas import LONGEST, SMALLEST
from handgrad.quizzes.question import tolerance_around
from tests.quizzes.sheets import PROBLEMS, edges, files, pairs, questions, worked
from tests.slow import one_in

QTI = {"q": "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"}
CP = {"c": "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"}


@cache
def package(name: str, count: int = 1) -> dict[str, bytes]:
    (content,) = files("canvas", name, "out.zip", count).values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def items(name: str, quiz: int = 1, count: int = 1) -> list[Element]:
    root = ElementTree.fromstring(package(name, count)[f"quiz{quiz}/quiz{quiz}.xml"])
    return root.findall(".//q:item", QTI)


def kind(item: Element) -> str:
    entries = [e.text for e in item.findall(".//q:fieldentry", QTI)]
    return entries[0] or ""


def points(item: Element) -> float:
    return float([e.text or "" for e in item.findall(".//q:fieldentry", QTI)][1])


def rule(item: Element) -> tuple[float, float]:
    """The number and the margin that Canvas keeps of a numerical question: every range is right, whatever its score."""
    conditions = [
        c for c in item.findall(".//q:respcondition", QTI) if c.find(".//q:other", QTI) is None
    ]
    (condition,) = conditions
    assert condition.findtext("q:setvar", "", QTI) == "100"
    (either,) = condition.findall("q:conditionvar/q:or", QTI)
    exact = float(either.findtext("q:varequal", "", QTI))
    lower = float(either.findtext("q:and/q:vargte", "", QTI))
    upper = float(either.findtext("q:and/q:varlte", "", QTI))
    assert upper - exact == pytest.approx(exact - lower)
    return exact, upper - exact


def mattext(item: Element) -> str:
    return item.findtext("q:presentation/q:material/q:mattext", "", QTI)


@pytest.mark.parametrize("name", one_in(2, PROBLEMS))
def test_every_figure_is_a_question_that_is_marked_as_check_marks_it(name: str) -> None:
    for quiz, question in enumerate(questions(name, 2), start=1):
        numerical = [i for i in items(name, quiz, 2) if kind(i) == "numerical_question"]
        assert len({i.get("ident") for i in items(name, quiz, 2)}) == len(items(name, quiz, 2))
        for item, (asked, gap) in zip(numerical, pairs(question), strict=True):
            exact, margin = rule(item)
            assert points(item) == question.worth(asked)
            for right in (gap.right.figure, *edges(gap.right), repr(gap.right.value)):
                assert abs(float(right) - exact) <= margin
            for wrong in gap.wrong:
                assert abs(float(wrong.given.figure) - exact) > margin
            assert float(tolerance_around(exact, gap.right)) == pytest.approx(margin)


def test_wrong_rules_have_no_branch_and_no_range_makes_a_question_of_digits() -> None:
    for item in items("lab9"):
        if kind(item) == "numerical_question":
            assert len(item.findall(".//q:setvar", QTI)) == 1
            assert not item.findall(".//q:vargt", QTI) + item.findall(".//q:varlt", QTI)
            (fib,) = item.findall(".//q:render_fib", QTI)
            assert fib.get("fibtype") == "Decimal"


def test_the_sheet_stands_before_the_questions_with_its_picture() -> None:
    first, *rest = items("lab9")
    assert kind(first) == "text_only_question"
    assert points(first) == 0
    (source,) = re.findall(
        r'<img src="%24IMS-CC-FILEBASE%24/([^"]+)" alt="[^"]{20,}"', mattext(first)
    )
    content = package("lab9")[source]
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) > (100, 50)
    assert "<svg" not in mattext(first)
    assert "data:" not in mattext(first)
    assert all(kind(item) == "numerical_question" for item in rest)


def test_the_manifest_lists_every_file_once() -> None:
    contents = package("lab9", 2)
    root = ElementTree.fromstring(contents["imsmanifest.xml"])
    listed = [f.get("href") for f in root.findall(".//c:file", CP)]
    assert sorted(map(str, listed)) == sorted(set(contents) - {"imsmanifest.xml"})
    ids = [r.get("identifier") for r in root.findall(".//c:resource", CP)]
    assert len(set(ids)) == len(ids)
    needed = {d.get("identifierref") for d in root.findall(".//c:dependency", CP)}
    assert needed <= set(ids)


def test_the_package_is_the_same_whenever_it_is_made() -> None:
    again = quiz_files("canvas", worked("lab9"), Path("out.zip"))
    assert again == files("canvas", "lab9", "out.zip")


def test_texts_are_short_enough_to_be_shown() -> None:
    for name in PROBLEMS:
        for item in items(name):
            for text in item.iter(f"{{{QTI['q']}}}mattext"):
                assert len(text.text or "") < LONGEST


def test_a_text_that_canvas_would_not_show_is_refused() -> None:
    problem = handgrad.load("lab9").with_parts(description="long " * LONGEST)
    with pytest.raises(OptionError, match="fewer than 16384"):
        quiz_files("canvas", handgrad.practice(problem).worked(), Path("x.zip"), ["db3"])


def test_an_answer_that_canvas_makes_0_of_has_a_margin_around_0() -> None:
    problem = handgrad.loads(
        'equations = """\na = u*x\nL = w*a\n"""\n[parameters]\nw = 0.00004\nu = 1\n[data]\nx = 1\n',
        files=False,
    )
    sheets = handgrad.practice(problem, handgrad.requirements(keep=["w", "x"])).worked()
    (content,) = quiz_files("canvas", sheets, Path("x.zip"), ["da"]).values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = ElementTree.fromstring(archive.read("quiz1/quiz1.xml"))
    (item,) = (i for i in root.findall(".//q:item", QTI) if kind(i) == "numerical_question")
    exact, margin = rule(item)
    assert exact == 0
    assert SMALLEST > margin >= 0.00004 + 0.00005


def test_more_decimals_than_canvas_keeps_are_refused() -> None:
    with pytest.raises(OptionError, match="--decimals 4 or fewer"):
        quiz_files("canvas", worked("lab9", decimals=6), Path("x.zip"))
