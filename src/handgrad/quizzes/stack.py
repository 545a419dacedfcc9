"""STACK questions as Moodle XML: an input for each figure, a tree of potential responses for each quantity.

A figure is right that is near the right one, or near what follows from the figures that the student entered before: Maxima
works that out from the formula that is shown. Then come the wrong rules, each with what went wrong. An input that was left
empty blocks no tree (`allowempty`); one that is no number blocks those whose formulas it stands in. The format is
that of STACK 4.11; each question has tests of its own (`qtest`) that STACK runs.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.checking import Checker
from handgrad.checking.quantities import Quantity
from handgrad.expression import Leaf
from handgrad.formats.plain_html import PlainHtml
from handgrad.page.blocks import Figure
from handgrad.quizzes.form import asked_html, feedback_text, picture_png, solution_heading
from handgrad.quizzes.maxima import MaximaTerm, MaximaTerms, in_maxima
from handgrad.quizzes.moodle_xml import html_element, quiz_file, texted
from handgrad.quizzes.question import AskedQuantity, Gap, QuizQuestion
from handgrad.text import Text

PICTURE = "network.png"
VERSION = "2026010500"

SETTINGS: Mapping[str, str] = {
    "questionsimplify": "1",
    "assumepositive": "0",
    "assumereal": "0",
    "decimals": ".",
    "scientificnotation": "*10",
    "multiplicationsign": "dot",
    "sqrtsign": "1",
    "complexno": "i",
    "inversetrig": "cos-1",
    "logicsymbol": "lang",
    "matrixparens": "[",
}

INPUT: Mapping[str, str] = {
    "boxsize": "8",
    "strictsyntax": "1",
    "insertstars": "0",
    "syntaxhint": "",
    "syntaxattribute": "0",
    "forbidwords": "",
    "allowwords": "",
    "forbidfloat": "0",
    "requirelowestterms": "0",
    "checkanswertype": "0",
    "mustverify": "0",
    "showvalidation": "0",
    "options": "allowempty",
}
"""Figures count as they are typed; only what is no number is answered before the question is checked."""


def stack_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """One XML file with all the questions, in a category of the problem's title."""
    content = quiz_file(questions[0].title, (_Stack(question).element() for question in questions))
    return {PurePosixPath(name): content}


@dataclass(frozen=True, slots=True)
class _Node:
    """A test of one figure: what it is compared with, how near, and where to go on."""

    figure: str
    against: str
    tolerance: str
    score: str
    said: str
    then: int
    otherwise: int


class _Stack:
    """One question on its way to be written."""

    def __init__(self, question: QuizQuestion) -> None:
        self.question = question
        self.html = PlainHtml(question.style, lambda _: f"@@PLUGINFILE@@/{PICTURE}")
        laid_out = [
            (asked.target, gap)
            for asked in question.asked
            for grid in asked.grids()
            for row in grid.rows
            for gap in row
        ]
        self.inputs = {(t, g.at): f"ans{k + 1}" for k, (t, g) in enumerate(laid_out)}
        self.work = Checker(question.sheet.problem).work
        quantities = {q.target: q for q in self.work.structure.quantities}
        self.quantities: dict[str, Quantity] = {
            asked.target: quantities[asked.target] for asked in question.asked
        }
        self.following = {a.target: self._following(a) for a in question.asked}

    def element(self) -> Element:
        """The question."""
        question, html = self.question, self.html
        element = Element("question", type="stack")
        texted(SubElement(element, "name"), question.name)
        text = html_element(element, "questiontext", self._body())
        for part in question.body:
            if isinstance(part, Figure):
                file = SubElement(text, "file", name=PICTURE, path="/", encoding="base64")
                file.text = base64.b64encode(picture_png(part, question)).decode("ascii")
        solution = html.blocks([solution_heading(), *question.solution])
        html_element(element, "generalfeedback", _shown(solution))
        SubElement(element, "defaultgrade").text = str(len(question.asked))
        SubElement(element, "penalty").text = "0"
        SubElement(element, "hidden").text = "0"
        SubElement(element, "idnumber")
        texted(SubElement(element, "stackversion"), VERSION)
        texted(SubElement(element, "questionvariables"), "")
        html_element(element, "specificfeedback", "")
        html_element(element, "questionnote", "")
        html_element(element, "questiondescription", "")
        for tag, said in (
            ("prtcorrect", "Right."),
            ("prtpartiallycorrect", "Right in part."),
            ("prtincorrect", "Wrong."),
        ):
            html_element(element, tag, f"<p>{said}</p>")
        for tag, value in SETTINGS.items():
            SubElement(element, tag).text = value
        SubElement(element, "variantsselectionseed")
        element.extend(self._inputs())
        element.extend(self._tree(k, asked) for k, asked in enumerate(question.asked, start=1))
        element.extend(self._tests())
        return element

    def _body(self) -> str:
        parts = []
        for part in self.question.body:
            if not isinstance(part, AskedQuantity):
                parts.append(_shown(self.html.blocks([part])))
                continue

            def field(gap: Gap, target: str = part.target) -> str:
                name = self.inputs[target, gap.at]
                return f"[[input:{name}]] [[validation:{name}]]"

            tree = self.question.asked.index(part) + 1
            parts.append(f"{asked_html(part, field, self.html)}\n[[feedback:prt{tree}]]")
        return "\n".join(parts)

    def _inputs(self) -> Iterator[Element]:
        for asked in self.question.asked:
            for gap in asked.gaps:
                element = Element("input")
                SubElement(element, "name").text = self.inputs[asked.target, gap.at]
                SubElement(element, "type").text = "numerical"
                SubElement(element, "tans").text = gap.right.figure
                for tag, value in INPUT.items():
                    SubElement(element, tag).text = value
                yield element

    # -- what is right given what came before ------------------------------------------------------

    def _following(self, asked: AskedQuantity) -> Mapping[tuple[int, ...], str]:
        """By entry, what follows from the figures before it, in Maxima; empty where no figure is asked for before it."""
        formula = self.quantities[asked.target].formula
        before = {q.leaf: q for t, q in self.quantities.items() if t != asked.target}
        if not any(leaf in before for leaf in formula.leaves):
            return {}
        values: dict[Leaf, Array | MaximaTerms] = {}
        for leaf in formula.leaves:
            exact = self.work.exact[leaf]
            values[leaf] = exact
            if leaf in before:
                names = np.empty(exact.shape, dtype=object)
                for at in np.ndindex(exact.shape):
                    names[at] = self.inputs[before[leaf].target, at].replace("ans", "f")
                values[leaf] = MaximaTerms.named(names)
        found = in_maxima(formula, values)
        if found is None:
            return {}
        found = np.broadcast_to(found, asked.shape)
        return {at: str(found[at]) for at in np.ndindex(asked.shape)}

    def _variables(self, asked: AskedQuantity) -> str:
        """The student's figures that a quantity's formula has in it, and what follows from them.

        A figure that was left empty counts as right. Nothing follows from zeros that leave nothing to work out.
        """
        following = self.following[asked.target]
        if not following:
            return ""
        lines = []
        for leaf in self.quantities[asked.target].formula.leaves:
            for target, quantity in self.quantities.items():
                if quantity.leaf != leaf or target == asked.target:
                    continue
                for at in np.ndindex(np.shape(self.work.exact[leaf])):
                    name = self.inputs[target, at]
                    right = MaximaTerm.of(float(self.work.exact[leaf][at])).text
                    lines.append(
                        f"{name.replace('ans', 'f')}:if numberp(float({name})) then float({name}) else {right};"
                    )
        names = {g.at: self.inputs[asked.target, g.at].replace("ans", "c") for g in asked.gaps}
        for gap in asked.gaps:
            name = names[gap.at]
            right = MaximaTerm.of(gap.right.value).text
            # A logarithm of a wrong number may be none, and a quotient an error.
            lines.append(f"{name}:errcatch(float({following[gap.at]}));")
            lines.append(
                f"{name}:if length({name})>0 and numberp(first({name})) then first({name}) else {right};"
            )
        sizes = ",".join(f"abs({name})" for name in names.values())
        lines.append(f"most:max({sizes});")
        for gap in asked.gaps:
            name = names[gap.at]
            if any(g.right.value for g in asked.gaps):
                right = MaximaTerm.of(gap.right.value).text
                lines.append(f"{name}:if most>10^(-12) then {name} else {right};")
            # What was rounded on the way moves larger numbers farther.
            size = MaximaTerm.of(max(abs(gap.right.value), float(gap.right.tolerance))).text
            lines.append(
                f"{name.replace('c', 't')}:{gap.right.tolerance}*max(1,abs({name})/{size});"
            )
        return "\n".join(lines)

    # -- trees --------------------------------------------------------------------------------------

    def _tree(self, number: int, asked: AskedQuantity) -> Element:
        element = Element("prt")
        SubElement(element, "name").text = f"prt{number}"
        SubElement(element, "value").text = "1.0000000"
        SubElement(element, "autosimplify").text = "1"
        SubElement(element, "feedbackstyle").text = "1"
        texted(SubElement(element, "feedbackvariables"), self._variables(asked))
        for k, node in enumerate(self._nodes(asked)):
            element.append(_node_element(number, k, node))
        return element

    def _nodes(self, asked: AskedQuantity) -> Sequence[_Node]:
        """Entry by entry: the right figure, what follows from those before, the wrong rules."""
        nodes: list[_Node] = []
        for gap, score in zip(asked.gaps, _shares(len(asked.gaps)), strict=True):
            name = self.inputs[asked.target, gap.at]
            tests = [(gap.right.figure, gap.right.tolerance, score, "")]
            if self.following[asked.target]:
                given = self._said(asked, gap, ("right, given what came before.",))
                tests.append((name.replace("ans", "c"), name.replace("ans", "t"), score, given))
            for wrong in gap.wrong:
                said = self._said(asked, gap, feedback_text(wrong))
                tests.append((wrong.given.figure, wrong.given.tolerance, "0", said))
            first = len(nodes)
            last = gap is asked.gaps[-1]
            after = -1 if last else first + len(tests)
            for k, (against, tolerance, worth, said) in enumerate(tests):
                otherwise = first + k + 1 if k + 1 < len(tests) else after
                nodes.append(_Node(name, against, tolerance, worth, said, after, otherwise))
        return nodes

    def _said(self, asked: AskedQuantity, gap: Gap, text: Text) -> str:
        """What is said of one figure, which is named where there are several."""
        said = self.html.text(text)
        if len(asked.gaps) > 1:
            case = f" ({asked.case(gap)})" if asked.batched else ""
            said = f"{self.html.text((asked.entry(gap), case))}: {said}"
        return _shown(f"<p>{said}</p>")

    # -- tests --------------------------------------------------------------------------------------

    def _tests(self) -> Iterator[Element]:
        """All right; nothing entered; by quantity, the first wrong rule alone."""
        right = {(a.target, g.at): g.right.figure for a in self.question.asked for g in a.gaps}
        yield self._test(1, "all right", right, {})
        yield self._test(2, "nothing entered", {}, {a.target: 0.0 for a in self.question.asked})
        number = 3
        for asked in self.question.asked:
            slip = next(((g, w) for g in asked.gaps for w in g.wrong), None)
            if slip is not None:
                gap, wrong = slip
                own = _shares(len(asked.gaps))[asked.gaps.index(gap)]
                entered = {
                    key: figure for key, figure in right.items() if key[0] == asked.target
                } | {(asked.target, gap.at): wrong.given.figure}
                rest = {a.target: 0.0 for a in self.question.asked if a is not asked}
                rest[asked.target] = 1 - float(own)
                yield self._test(number, f"{asked.target}: {wrong.rule}", entered, rest)
                number += 1

    def _test(
        self,
        number: int,
        words: str,
        entered: Mapping[tuple[str, tuple[int, ...]], str],
        scores: Mapping[str, float],
    ) -> Element:
        """What is entered, and by quantity what it scores; 1 unless it is said."""
        element = Element("qtest")
        SubElement(element, "testcase").text = str(number)
        SubElement(element, "description").text = words
        for key, name in self.inputs.items():
            entry = SubElement(element, "testinput")
            SubElement(entry, "name").text = name
            SubElement(entry, "value").text = entered.get(key, "EMPTYANSWER")
        for k, asked in enumerate(self.question.asked, start=1):
            expected = SubElement(element, "expected")
            SubElement(expected, "name").text = f"prt{k}"
            SubElement(expected, "expectedscore").text = f"{scores.get(asked.target, 1.0):.7f}"
            SubElement(expected, "expectedpenalty").text = "0.0000000"
            note = _last_note(k, self._nodes(asked), asked, self.inputs, entered)
            SubElement(expected, "expectedanswernote").text = note
        return element


def _shares(count: int) -> list[str]:
    """Each entry's share of the score, in the seven decimals that STACK keeps: they add up to 1."""
    ends = [round(k * 10**7 / count) for k in range(count + 1)]
    return [f"{(end - start) / 10**7:.7f}" for start, end in itertools.pairwise(ends)]


def _last_note(
    number: int,
    nodes: Sequence[_Node],
    asked: AskedQuantity,
    inputs: Mapping[tuple[str, tuple[int, ...]], str],
    entered: Mapping[tuple[str, tuple[int, ...]], str],
) -> str:
    """The note of the node that a tree ends in, where nothing follows from a mistake."""
    figures = {inputs[key]: figure for key, figure in entered.items()}
    right = {inputs[asked.target, g.at]: g.right.value for g in asked.gaps}
    k = 0
    while True:
        node = nodes[k]
        figure = figures.get(node.figure, "")
        carried = node.against.startswith("c")
        against = right[node.figure] if carried else float(node.against)
        tolerance = float(node.tolerance) if not carried else 0.0
        met = figure != "" and abs(float(figure) - against) < tolerance
        following = node.then if met else node.otherwise
        if following == -1:
            return f"prt{number}-{k + 1}-{'T' if met else 'F'}"
        k = following


def _node_element(number: int, k: int, node: _Node) -> Element:
    element = Element("node")
    SubElement(element, "name").text = str(k)
    SubElement(element, "description")
    SubElement(element, "answertest").text = "NumAbsolute"
    SubElement(element, "sans").text = node.figure
    SubElement(element, "tans").text = node.against
    SubElement(element, "testoptions").text = node.tolerance
    SubElement(element, "quiet").text = "1"
    for outcome, score, then, said in (
        ("true", node.score, node.then, node.said),
        ("false", "0", node.otherwise, ""),
    ):
        SubElement(element, f"{outcome}scoremode").text = "+"
        SubElement(element, f"{outcome}score").text = score
        SubElement(element, f"{outcome}penalty").text = "0"
        SubElement(element, f"{outcome}nextnode").text = str(then)
        note = f"prt{number}-{k + 1}-{outcome[0].upper()}"
        SubElement(element, f"{outcome}answernote").text = note
        html_element(element, f"{outcome}feedback", said)
    return element


def _shown(html: str) -> str:
    """What is only shown: what CASText would read as a block or a formula has its bracket as an entity."""
    return html.replace("[[", "[&#91;").replace("{@", "{&#64;").replace("{#", "{&#35;")
