"""A QTI 1.2 package for Canvas: a quiz for each sheet, a numerical question for each figure.

What Canvas makes of such a package is in its gem qti_exporter. A range of a numerical question is a right answer there
whatever it is worth, so that wrong rules have no branch; `vargt` with some bounds would make a question of digits of it,
and `varequal` counts only within `or`. New Quizzes reads the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from handgrad.errors import OptionError
from handgrad.formats.plain_html import PlainHtml
from handgrad.page.blocks import Block, Figure, Heading
from handgrad.quizzes.form import entry_tex, field_names, picture_png
from handgrad.quizzes.packing import packed
from handgrad.quizzes.question import AskedQuantity, Gap, QuizQuestion, tolerance_around

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
PACKAGE = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
CANVAS = "http://canvas.instructure.com/xsd/cccv1p0"

LONGEST = 16_384
"""Characters of a question's text; Canvas shows a note in place of a longer one."""

DECIMALS = 4
"""Decimals of an answer that Canvas shows and keeps where a quiz is edited."""

SMALLEST = 1e-4
"""Canvas makes 0 of an answer that is nearer to it."""


def canvas_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """A zip with a quiz for each sheet.

    Raises `OptionError` for more decimals than Canvas keeps, and for a text that it does not show.
    """
    if questions[0].style.decimals > DECIMALS:
        raise OptionError(
            f"Canvas keeps {DECIMALS} decimals of an answer",
            where="--decimals",
            mend=f"--decimals {DECIMALS} or fewer",
        )
    contents: dict[str, bytes] = {}
    manifest = Element("manifest", xmlns=PACKAGE, identifier="handgrad")
    metadata = SubElement(manifest, "metadata")
    SubElement(metadata, "schema").text = "IMS Content"
    SubElement(metadata, "schemaversion").text = "1.1.3"
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    for question in questions:
        quiz = _Quiz(question)
        for path, content in quiz.contents().items():
            contents[path] = content
        quiz.list_in(resources)
    contents["imsmanifest.xml"] = _xml(manifest)
    return {PurePosixPath(name): packed(contents)}


class _Quiz:
    def __init__(self, question: QuizQuestion) -> None:
        self.question = question
        self.id = f"quiz{question.sheet.number}"
        self.picture = f"images/{self.id}.png"
        self.names = field_names(question)
        self.html = PlainHtml(question.style, lambda _: f"%24IMS-CC-FILEBASE%24/{self.picture}")

    def contents(self) -> dict[str, bytes]:
        """The files of the quiz by their paths in the zip."""
        (figure,) = (part for part in self.question.body if isinstance(part, Figure))
        return {
            f"{self.id}/{self.id}.xml": _xml(self._assessment()),
            f"{self.id}/assessment_meta.xml": _xml(self._meta()),
            self.picture: picture_png(figure, self.question),
        }

    def list_in(self, resources: Element) -> None:
        """Puts the files into the list of the package."""
        files = (
            (self.id, "imsqti_xmlv1p2", f"{self.id}/{self.id}.xml"),
            (
                f"{self.id}meta",
                "associatedcontent/imscc_xmlv1p1/learning-application-resource",
                f"{self.id}/assessment_meta.xml",
            ),
            (f"{self.id}picture", "webcontent", self.picture),
        )
        for identifier, kind, path in files:
            # A quiz is named by its file alone: with an href, Canvas reads it twice.
            attributes = {"identifier": identifier, "type": kind, "href": path}
            if identifier == self.id:
                del attributes["href"]
            resource = SubElement(resources, "resource", attributes)
            SubElement(resource, "file", href=path)
            if identifier == self.id:
                SubElement(resource, "dependency", identifierref=f"{self.id}meta")

    def _meta(self) -> Element:
        quiz = Element("quiz", xmlns=CANVAS, identifier=self.id)
        SubElement(quiz, "title").text = self.question.name
        SubElement(quiz, "quiz_type").text = "assignment"
        SubElement(quiz, "shuffle_answers").text = "false"
        total = sum(self.question.worth(asked) * len(asked.gaps) for asked in self.question.asked)
        SubElement(quiz, "points_possible").text = str(total)
        return quiz

    def _assessment(self) -> Element:
        root = Element("questestinterop", xmlns=QTI)
        assessment = SubElement(root, "assessment", ident=self.id, title=self.question.name)
        section = SubElement(assessment, "section", ident="root_section")
        section.extend(list(self._items()))
        return root

    def _items(self) -> Iterator[Element]:
        """What is given as a text, then a question for each figure under the title of its step."""
        shown: list[Block] = []
        texts = 0
        title = ""
        for part in self.question.body:
            if not isinstance(part, AskedQuantity):
                shown.append(part)
                continue
            headings = [b for b in shown if isinstance(b, Heading) and b.id == part.step]
            title = self.html.blocks(headings) or title
            before = [b for b in shown if b not in headings]
            if any(not isinstance(b, Heading) for b in before):
                texts += 1
                yield self._text(f"{self.id}text{texts}", before)
            shown = []
            for gap in part.gaps:
                yield self._numerical(part, gap, title)
        if any(not isinstance(b, Heading) for b in shown):
            yield self._text(f"{self.id}text{texts + 1}", shown)

    def _text(self, ident: str, blocks: Sequence[Block]) -> Element:
        item = _item(ident, "Text", "text_only_question", 0)
        self._presentation(item, self.html.blocks(blocks))
        return item

    def _numerical(self, asked: AskedQuantity, gap: Gap, title: str) -> Element:
        name = "_".join([self.names[asked.target], *map(str, gap.at)])
        item = _item(f"{self.id}.{name}", name, "numerical_question", self.question.worth(asked))
        case = f" ({asked.case(gap)})" if asked.batched else ""
        label = self.html.mathematics(entry_tex(asked, gap, self.html))
        presentation = self._presentation(item, f"{title}<p>{label} ?{case}</p>")
        response = SubElement(
            presentation, "response_str", ident="response1", rcardinality="Single"
        )
        fib = SubElement(response, "render_fib", fibtype="Decimal")
        SubElement(fib, "response_label", ident="answer1")
        processing = SubElement(item, "resprocessing")
        outcomes = SubElement(processing, "outcomes")
        SubElement(
            outcomes, "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal"
        )
        always = SubElement(processing, "respcondition", attrib={"continue": "Yes"})
        SubElement(SubElement(always, "conditionvar"), "other")
        SubElement(always, "displayfeedback", feedbacktype="Response", linkrefid="general_fb")
        self._right(processing, gap)
        feedback = SubElement(item, "itemfeedback", ident="general_fb")
        material = SubElement(SubElement(feedback, "flow_mat"), "material")
        self._mattext(material, self.html.blocks(self.question.worked_step(asked.step)))
        return item

    def _right(self, processing: Element, gap: Gap) -> None:
        """The one branch that is right: the figure, or a range around it."""
        figure = gap.right.figure if abs(float(gap.right.figure)) >= SMALLEST else "0"
        margin = float(tolerance_around(float(figure), gap.right))
        condition = SubElement(processing, "respcondition", attrib={"continue": "No"})
        either = SubElement(SubElement(condition, "conditionvar"), "or")
        SubElement(either, "varequal", respident="response1").text = figure
        both = SubElement(either, "and")
        for tag, sign in (("vargte", -1), ("varlte", 1)):
            bound = SubElement(both, tag, respident="response1")
            bound.text = f"{float(figure) + sign * margin:.9f}"
        SubElement(condition, "setvar", action="Set", varname="SCORE").text = "100"

    def _presentation(self, item: Element, html: str) -> Element:
        presentation = SubElement(item, "presentation")
        self._mattext(SubElement(presentation, "material"), html)
        return presentation

    def _mattext(self, material: Element, html: str) -> None:
        if len(html) >= LONGEST:
            raise OptionError(
                f"a text of {self.question.name} has {len(html)} characters; Canvas shows fewer than {LONGEST}",
                mend="a smaller network, or a --blank that leaves fewer steps to be shown worked out",
            )
        SubElement(material, "mattext", texttype="text/html").text = html


def _item(ident: str, title: str, kind: str, points: int) -> Element:
    item = Element("item", ident=ident, title=title)
    fields = SubElement(SubElement(item, "itemmetadata"), "qtimetadata")
    for label, entry in (
        ("question_type", kind),
        ("points_possible", str(points)),
        ("assessment_question_identifierref", str(uuid.uuid5(uuid.NAMESPACE_OID, ident))),
    ):
        field = SubElement(fields, "qtimetadatafield")
        SubElement(field, "fieldlabel").text = label
        SubElement(field, "fieldentry").text = entry
    return item


def _xml(root: Element) -> bytes:
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"
