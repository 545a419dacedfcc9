"""Moodle's XML format for questions: a numerical question for one figure, Cloze for more.

The format is that of question/format/xml of Moodle 4, and Cloze's that of question/type/multianswer. A question has its
picture as a file in it. Moodle takes the first answer that fits, so that the right one stands first and wrong rules,
each worth 0 with its feedback, after it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, SubElement

from handgrad.formats.plain_html import PlainHtml
from handgrad.page.blocks import Figure
from handgrad.quizzes.form import asked_html, feedback_text, picture_png, solution_heading
from handgrad.quizzes.moodle_xml import html_element, quiz_file, texted
from handgrad.quizzes.question import AskedQuantity, Gap, QuizQuestion

PICTURE = "network.png"


def moodle_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """One XML file with all the questions, in a category of the problem's title."""
    content = quiz_file(questions[0].title, (_question(question) for question in questions))
    return {PurePosixPath(name): content}


def _question(question: QuizQuestion) -> Element:
    html = PlainHtml(question.style, lambda _: f"@@PLUGINFILE@@/{PICTURE}")
    single = len(question.gaps) == 1
    element = Element("question", type="numerical" if single else "cloze")
    texted(SubElement(element, "name"), question.name)
    text = html_element(element, "questiontext", _body(question, html, single))
    for part in question.body:
        if isinstance(part, Figure):
            file = SubElement(text, "file", name=PICTURE, path="/", encoding="base64")
            file.text = base64.b64encode(picture_png(part, question)).decode("ascii")
    solution = html.blocks([solution_heading(), *question.solution])
    html_element(element, "generalfeedback", solution)
    if single:
        _numerical(element, question.gaps[0], html)
    return element


def _body(question: QuizQuestion, html: PlainHtml, single: bool) -> str:
    def field(asked: AskedQuantity) -> Callable[[Gap], str]:
        return lambda gap: "?" if single else cloze(gap, question.worth(asked), html)

    parts = []
    for part in question.body:
        if not isinstance(part, AskedQuantity):
            parts.append(_without_gaps(html.blocks([part])))
        else:
            parts.append(asked_html(part, field(part), html))
    return "\n".join(parts)


def _without_gaps(html: str) -> str:
    """What is shown beside the gaps; what Cloze would read as another one has its brace as an entity."""
    return re.sub(r"\{(?=[0-9]*:)", "&#123;", html)


def _numerical(question: Element, gap: Gap, html: PlainHtml) -> None:
    SubElement(question, "defaultgrade").text = "1"
    SubElement(question, "penalty").text = "0.3333333"
    right = gap.right
    _answer(question, 100, right.figure, right.tolerance, "")
    for wrong in gap.wrong:
        said = html.text(feedback_text(wrong))
        _answer(question, 0, wrong.given.figure, wrong.given.tolerance, said)


def _answer(question: Element, fraction: int, figure: str, tolerance: str, feedback: str) -> None:
    answer = SubElement(question, "answer", fraction=str(fraction), format="moodle_auto_format")
    texted(answer, figure)
    SubElement(answer, "tolerance").text = tolerance
    html_element(answer, "feedback", feedback)


def cloze(gap: Gap, weight: int, html: PlainHtml) -> str:
    """A gap as Cloze has it: `{1:NUMERICAL:=-0.25:0.005~%0%0.5:0.005#what went wrong}`."""
    right = gap.right
    alternatives = [f"={right.figure}:{right.tolerance}"]
    for wrong in gap.wrong:
        said = _escaped(html.lettered(feedback_text(wrong)))
        alternatives.append(f"%0%{wrong.given.figure}:{wrong.given.tolerance}#{said}")
    return f"{{{weight}:NUMERICAL:{'~'.join(alternatives)}}}"


def _escaped(feedback: str) -> str:
    """Feedback of a gap: of what ends it only } and # can be escaped there, and a ~ begins another answer."""
    return feedback.replace("}", r"\}").replace("#", r"\#").replace("~", "∼")
