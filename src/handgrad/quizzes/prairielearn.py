"""A question folder for PrairieLearn, whose students get one variant each; its grade() runs handgrad's own checker.

The elements show fields and read figures; marks and what went wrong are those of `check`, by which figures that follow from an
earlier mistake are right (`handgrad.quizzes.grading`). All that differs from variant to variant lies in variants.json.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from handgrad.exercises import file_names
from handgrad.formats.markup import plain
from handgrad.formats.plain_html import PlainHtml
from handgrad.formats.svg import render_svg
from handgrad.page.blocks import Block, Figure
from handgrad.quizzes.form import field_names, label_tex
from handgrad.quizzes.question import AskedQuantity, Grid, QuizQuestion

SERVER = '''"""What PrairieLearn calls: the variant is chosen, and answers are checked, by handgrad."""

from handgrad.quizzes import grading


def generate(data):
    grading.generate(data)


def grade(data):
    grading.grade(data)
'''


def prairielearn_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """The files of one question by their paths in its folder."""
    first = questions[0]
    sheets = file_names([question.sheet for question in questions])
    info = {
        "uuid": _uuid(questions),
        "type": "v3",
        "title": first.title,
        "topic": "Backpropagation",
        "tags": ["handgrad"],
    }
    contents: dict[str, str] = {
        "info.json": json.dumps(info, indent=2, ensure_ascii=False) + "\n",
        "question.html": _template(first),
        "server.py": SERVER,
        "variants.json": json.dumps(
            {
                "fields": _fields(first),
                "variants": [
                    {"sheet": sheet, **_variant(q, k)}
                    for k, (q, sheet) in enumerate(zip(questions, sheets, strict=True))
                ],
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n",
    }
    for k, question in enumerate(questions):
        for part in question.body:
            if isinstance(part, Figure):
                contents[_picture(k)] = render_svg(part.drawing, question.style)
    return {PurePosixPath(path): text.encode() for path, text in contents.items()}


def _picture(variant: int) -> str:
    return f"clientFilesQuestion/network-{variant}.svg"


def _uuid(questions: Sequence[QuizQuestion]) -> str:
    """The same for the same sheets, so that a question that is written again stays the same question."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(question.sheet.problem.to_toml().encode())
    digest.update(" ".join(asked.target for asked in questions[0].asked).encode())
    return str(uuid.UUID(bytes=digest.digest()[:16], version=4))


def _elements(question: QuizQuestion) -> list[tuple[AskedQuantity, Grid, str]]:
    """Every field or table of fields with its name; PrairieLearn appends numbers to that of a table."""
    names = field_names(question)
    found = []
    for asked in question.asked:
        grids = list(asked.grids())
        for k, grid in enumerate(grids):
            name = names[asked.target]
            if asked.shape:
                name += f"_{k + 1}_" if len(grids) > 1 else "_"
            found.append((asked, grid, name))
    return found


def _fields(question: QuizQuestion) -> list[dict[str, Any]]:
    """Which figures of which quantity an element reads, row by row."""
    return [
        {
            "name": name,
            "target": asked.target,
            "shape": asked.shape,
            "batched": asked.batched,
            "scalar": not asked.shape,
            "places": [[gap.at for gap in row] for row in grid.rows],
        }
        for asked, grid, name in _elements(question)
    ]


def _shown(question: QuizQuestion) -> list[list[Block] | Figure | AskedQuantity]:
    """The body with the blocks between two quantities, or beside the picture, together."""
    runs: list[list[Block] | Figure | AskedQuantity] = []
    for part in question.body:
        if isinstance(part, AskedQuantity | Figure):
            runs.append(part)
        elif runs and isinstance(runs[-1], list):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _template(question: QuizQuestion) -> str:
    """The page: what is shown is the variant's, put in whole, so that no brace of LaTeX is read as Mustache."""
    elements = _elements(question)
    lines: list[str] = []
    for k, run in enumerate(_shown(question)):
        part = f"{{{{{{params.shown.part{k}}}}}}}"
        if isinstance(run, Figure):
            lines += _panel(
                '<pl-figure file-name="{{params.picture}}" alt="{{params.drawn}}"></pl-figure>'
            )
        elif isinstance(run, list):
            lines += _panel(part)
        else:
            lines += _panel(f"<p>{part}</p>")
            for asked, grid, name in elements:
                if asked is run:
                    lines += _element(asked, grid, name)
            said = f"feedback.{_key(run, elements)}"
            lines += [
                "<pl-submission-panel>",
                f"{{{{#{said}}}}}<p>{{{{{said}}}}}</p>{{{{/{said}}}}}",
                "</pl-submission-panel>",
            ]
    lines += ["<pl-answer-panel>", "{{{params.solution}}}", "</pl-answer-panel>"]
    return "\n".join(lines) + "\n"


def _panel(html: str) -> list[str]:
    return ["<pl-question-panel>", html, "</pl-question-panel>"]


def _key(asked: AskedQuantity, elements: Sequence[tuple[AskedQuantity, Grid, str]]) -> str:
    """Under which name feedback on a quantity lies: that of its first element."""
    return next(name for each, _, name in elements if each is asked)


def _element(asked: AskedQuantity, grid: Grid, name: str) -> list[str]:
    tolerance = f'comparison="relabs" rtol="0" atol="{{{{params.atol.{name}}}}}"'
    if not asked.shape:
        return [f'<pl-number-input answers-name="{name}" {tolerance}></pl-number-input>']
    words = "; ".join(filter(None, [grid.caption, ", ".join(grid.header)]))
    told = [f"<p>{plain(words)}</p>"] if words else []
    return [
        *told,
        f'<pl-matrix-component-input answers-name="{name}" {tolerance} allow-partial-credit="true"></pl-matrix-component-input>',
    ]


def _variant(question: QuizQuestion, k: int) -> dict[str, Any]:
    """What is a variant's own: its problem for the checker, what is shown, and the answers."""
    (figure,) = (part for part in question.body if isinstance(part, Figure))
    html = PlainHtml(question.style, lambda _: "")
    shown: dict[str, str] = {}
    for n, run in enumerate(_shown(question)):
        match run:
            case Figure():
                continue
            case AskedQuantity():
                shown[f"part{n}"] = html.mathematics(label_tex(run, html))
            case _:
                shown[f"part{n}"] = html.blocks(run)
    answers: dict[str, Any] = {}
    tolerances: dict[str, str] = {}
    for asked, grid, name in _elements(question):
        gaps = [gap for row in grid.rows for gap in row]
        tolerances[name] = max((gap.right.tolerance for gap in gaps), key=float)
        rows = [[float(gap.right.figure) for gap in row] for row in grid.rows]
        answers[name] = rows if asked.shape else rows[0][0]
    return {
        "problem": question.sheet.problem.to_toml(),
        "answers": answers,
        "params": {
            "shown": shown,
            "atol": tolerances,
            "picture": PurePosixPath(_picture(k)).name,
            "drawn": figure.drawing.description,
            "solution": html.blocks(question.solution),
        },
    }
