"""Moodle's XML: every gap as Moodle reads it, marked as `check` marks it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.formats.plain_html import PlainHtml
from handgrad.quizzes import quiz_files
from handgrad.quizzes.asking import quiz_questions
from handgrad.quizzes.moodle import cloze
from handgrad.quizzes.question import Gap, Taken, WrongFigure
from tests.quizzes.cloze import gaps_of, typed
from tests.quizzes.sheets import PROBLEMS, edges, files, pairs, questions, worked

FRACTIONS = {100, 90, 80, 75, 70, 60, 50, 40, 30, 25, 20, 10, 5, 0}


def exported(name: str, count: int = 1) -> ElementTree.Element:
    (content,) = files("moodle", name, "out.xml", count).values()
    return ElementTree.fromstring(content)


def asked(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [q for q in root if q.get("type") != "category"]


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_gap_is_read_and_marked_as_check_marks_it(name: str) -> None:
    for element, question in zip(asked(exported(name, 2)), questions(name, 2), strict=True):
        gaps, rest = gaps_of(element.findtext("questiontext/text") or "")
        assert len(gaps) == len(question.gaps)
        assert "NUMERICAL" not in rest
        for read, (quantity, gap) in zip(gaps, pairs(question), strict=True):
            assert read.weight == question.worth(quantity)
            for right in (gap.right.figure, *edges(gap.right), repr(gap.right.value)):
                assert read.mark(right)[0] == 100
            for wrong in gap.wrong:
                share, said = read.mark(wrong.given.figure)
                assert share == 0
                assert said.startswith("It looks as if ")
                assert said.endswith(".")
                for edge in edges(wrong.given):
                    assert read.mark(edge) == (0, said)
            beyond = float(gap.right.figure) + 1.01 * float(gap.right.tolerance)
            assert read.mark(f"{beyond:.9f}")[0] == 0
            assert all(a.fraction in FRACTIONS for a in read.alternatives)


def test_answers_are_written_in_ascii_and_read_as_students_type_them() -> None:
    gaps, _ = gaps_of(asked(exported("lab9"))[0].findtext("questiontext/text") or "")
    negative = next(g for g in gaps if g.alternatives[0].value < 0)
    figure = f"{negative.alternatives[0].value:.4f}"
    for same in (figure, figure.replace(".", ","), f" {figure} ", f"{figure}0"):
        assert negative.mark(same)[0] == 100
    # What Moodle does not take for a number: docs/learning-systems.md says so.
    assert typed(figure.replace("-", "−")) is None
    assert typed("1/3") is None
    text = exported("lab9").findtext(".//question[@type='cloze']/questiontext/text") or ""
    assert not re.search(r"[=~:]−|=\+", text)


def hostile(text: str) -> Gap:
    wrong = WrongFigure("a_rule", Taken(2, "2", 1.99995, 2.00005), (text,))
    return Gap((), Taken(1, "1", 0.99995, 1.00005), (wrong, wrong))


@pytest.mark.parametrize(
    "text", ["a } b", "a ~ b", "# a", r"a \} b", "}}~~##", "<b>&amp;</b>", "{1:NM:=2}"]
)
def test_feedback_can_neither_end_a_gap_nor_begin_an_answer(text: str) -> None:
    html = PlainHtml(questions()[0].style, lambda _: "")
    gaps, rest = gaps_of(f"before {cloze(hostile(text), 3, html)} after")
    assert rest == "before  after"
    (gap,) = gaps
    assert [a.value for a in gap.alternatives] == [1, 2, 2]
    assert gap.alternatives[1].feedback == f"It looks as if {text.replace('~', '∼')}."


def test_the_reader_of_the_tests_sees_an_unescaped_brace() -> None:
    """Without the escape the rest of a gap is printed for all to read."""
    html = PlainHtml(questions()[0].style, lambda _: "")
    bare = cloze(hostile("a } b"), 1, html).replace(r"\}", "}")
    _, rest = gaps_of(bare)
    assert "%0%2" in rest


def test_what_is_shown_beside_the_gaps_is_no_gap() -> None:
    given = handgrad.load("lab9")
    problem = given.with_parts(description="Fill in {1:NUMERICAL:=7} and <script>x</script>.")
    sheets = handgrad.practice(problem).worked()
    (content,) = quiz_files("moodle", sheets, Path("x.xml"), ["db2"]).values()
    text = ElementTree.fromstring(content).findtext(".//question[@type='cloze']/questiontext/text")
    gaps, rest = gaps_of(text or "")
    assert len(gaps) == 2
    assert "<script>" not in rest


def test_one_figure_is_a_numerical_question() -> None:
    sheets = worked("lab9")
    (content,) = quiz_files("moodle", sheets, Path("x.xml"), ["dz3"]).values()
    (question,) = asked(ElementTree.fromstring(content))
    assert question.get("type") == "numerical"
    (gap,) = quiz_questions(sheets, ["dz3"])[0].gaps
    answers = question.findall("answer")
    assert [a.get("fraction") for a in answers] == ["100", *["0"] * len(gap.wrong)]
    first = answers[0]
    assert first.findtext("text") == gap.right.figure
    assert float(first.findtext("tolerance") or 0) == float(gap.right.tolerance)
    assert not first.findtext("feedback/text")
    assert all(a.findtext("feedback/text") for a in answers[1:])
    assert not gaps_of(question.findtext("questiontext/text") or "")[0]


def test_the_picture_lies_in_the_question_and_has_words() -> None:
    for question in asked(exported("lab9", 2)):
        text = question.findtext("questiontext/text") or ""
        (source,) = re.findall(r'<img src="@@PLUGINFILE@@/([^"]+)" alt="[^"]{20,}"', text)
        (file,) = question.findall("questiontext/file")
        assert (file.get("name"), file.get("encoding"), file.get("path")) == (source, "base64", "/")
        assert base64.b64decode(file.text or "").startswith(b"\x89PNG")


def test_mathematics_is_between_the_signs_that_moodle_sets() -> None:
    for question in asked(exported("softmax")):
        for part in ("questiontext", "generalfeedback"):
            text = question.findtext(f"{part}/text") or ""
            assert text.count(r"\(") == text.count(r"\)") > 5
            assert "$" not in text
            assert r"\hg" not in text


def test_the_worked_solution_is_the_general_feedback() -> None:
    (question,) = asked(exported("lab9"))
    solution = question.findtext("generalfeedback/text") or ""
    for step in worked("lab9").exercises[0].trace.steps:
        assert (f">{step.id} " in solution) == (step.kind != "loss_after")


def test_the_command_writes_a_question_for_each_student(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("id,name\na1,Ada\nb2,Bo & Co\n", "utf-8")
    out = tmp_path / "quiz.xml"
    command = ["practice", "lab9", "--for", str(roster), "--as", "moodle", "-o", str(out)]
    assert run([*command, "--blank", "db2", "--problems", str(tmp_path / "problems")]) == 0
    names = [q.findtext("name/text") for q in asked(ElementTree.fromstring(out.read_bytes()))]
    assert names == [f"{handgrad.load('lab9').title} · {n}" for n in ("Ada (a1)", "Bo & Co (b2)")]
    assert (tmp_path / "problems" / "a1.toml").is_file()
    once = out.read_bytes()
    assert run(command) == 2
    assert "exists already" in capsys.readouterr().err
    assert run([*command, "--blank", "db2", "--force"]) == 0
    assert out.read_bytes() == once


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--as", "moodle"], "name it with -o"),
        (["--as", "moodle", "-o", "quiz.zip"], "ends in .xml"),
        (["--as", "moodle", "-o", "quiz.xml", "--json"], "name it with -o"),
        (["--as", "moodle", "-o", "quiz.xml", "--room", "3"], "empty lines are for paper"),
        (["--as", "moodle", "-o", "quiz.xml", "--blank", "nothing"], "nothing is called"),
        (["--as", "mudle", "-o", "quiz.xml"], "mudle"),
    ],
)
def test_what_cannot_be_written_is_said(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["practice", "lab9", *options]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
