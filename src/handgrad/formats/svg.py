"""A drawing as SVG that stands alone or within a page of HTML.

Every role is a class, `hg-off` and so on; colours are CSS variables with light values, and
dark ones where the reader's screen is dark. What knows no variables (a PDF writer, a
converter to PNG) takes the light colours. Whatever a shape shows is named in `data-q`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from functools import cache
from importlib import resources
from itertools import zip_longest
from typing import assert_never
from xml.sax.saxutils import escape, quoteattr

from handgrad.errors import printable
from handgrad.expression import Expression, number
from handgrad.formats.inline import Face, Level, inline_runs
from handgrad.formats.mathematics.printed import printed_text
from handgrad.formats.memo import Memo, memo_of
from handgrad.formats.style import Style
from handgrad.picture import Arrow, Circle, Drawing, Label, Outline, Rectangle, Role, Shape
from handgrad.picture.measure import SERIF, plain_width
from handgrad.picture.strokes import Point, Stroke, stroke
from handgrad.record import record

DASHES: dict[Role, str] = {
    "series2": "9 4",
    "series3": "2 4",
    "series4": "10 4 2 4",
    "series5": "5 3",
    "series6": "14 4 2 4 2 4",
}
"""Lines of several series differ by their dashes as well as by their colours."""

SHIFT: dict[Level, float] = {"line": 0.0, "above": -0.36, "below": 0.2}
"""How far scripts stand off the line, in the letters' size."""

STACKED = (-0.42, 0.3)
"""The same of an upper and a lower one at one letter, for them not to touch."""

SCRIPT = 0.76
"""The size of scripts beside that of the letters."""

SIZE = 12.0
LINE = 1.4
"""The size of letters and the thickness of lines that most shapes have; the others say theirs."""

_FACES: dict[Face, str] = {
    "text": "",
    "figure": "",
    "letter": ' class="hg-var"',
    "word": ' class="hg-math"',
    "sign": ' class="hg-sign"',
}


def render_svg(drawing: Drawing, style: Style) -> str:
    """The drawing as an SVG element, complete as a file of its own."""
    return "\n".join(
        _lines(drawing, style, ' xmlns="http://www.w3.org/2000/svg"', [f"<style>{_css()}</style>"])
    )


def svg_within(drawing: Drawing, style: Style) -> str:
    """The same within a page that has its styles, on one line."""
    return "".join(_lines(drawing, style, "", [])).replace("\n", "")


def _lines(drawing: Drawing, style: Style, namespace: str, styles: list[str]) -> list[str]:
    pen = _Pen(style, memo_of(style))
    body = "\n".join([part for shape in drawing.shapes for part in pen.drawn(shape)])
    said = escape(printable(drawing.title)), escape(printable(drawing.description))
    # Two drawings in one page need names of their own for what they refer to.
    key = f"hg-{hashlib.sha256('|'.join((body, *said)).encode()).hexdigest()[:8]}"
    width, height = _n(drawing.width), _n(drawing.height)
    return [
        f'<svg{namespace} class="hg-drawing" role="img" '
        f'aria-labelledby="{key}-title {key}-desc" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" text-anchor="middle" font-size="{_n(SIZE)}" '
        f'stroke-width="{LINE:.3g}">',
        f'<title id="{key}-title">{said[0]}</title>',
        f'<desc id="{key}-desc">{said[1]}</desc>',
        *styles,
        *([_hatch(key)] if "url(#hatch)" in body else []),
        f'<rect class="hg-paper" width="{width}" height="{height}"/>',
        body.replace("url(#hatch)", f"url(#{key}-hatch)"),
        "</svg>",
        "",
    ]


def _hatch(key: str) -> str:
    return (
        f'<defs><pattern id="{key}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="hg-hatch-line" d="M3 0V7"/></pattern></defs>'
    )


@cache
def _css() -> str:
    folder = resources.files("handgrad.formats")
    texts = [(folder / name).read_text("utf-8") for name in ("svg_plain.css", "svg.css")]
    return "\n".join(text.partition("*/\n")[2].rstrip("\n") for text in texts)


def _n(x: float) -> str:
    """A length to a tenth of a pixel."""
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _of(quantity: str) -> str:
    return f" data-q={quoteattr(printable(quantity))}" if quantity else ""


@record
class _Pen:
    """Draws shapes in a style, and remembers what was drawn in it before."""

    style: Style
    memo: Memo

    def drawn(self, shape: Shape) -> list[str]:
        key = _printed(shape) if isinstance(shape, Label) else shape
        return self.memo.of(("shape", key), lambda: _shape(shape, self))

    def text(self, label: Label) -> str:
        """The text of a label, wherever it stands."""
        key = "text", printed_text(label.text), label.size
        return self.memo.of(key, lambda: _text(label, self.style))


def _printed(label: Label) -> Hashable:
    """All that a label depends on, but for the style."""
    return (
        label.x, label.y, printed_text(label.text), label.role, label.anchor, label.size, label.bold,
        label.quantity, label.halo,
    )  # fmt: skip


def _shape(shape: Shape, pen: _Pen) -> list[str]:
    match shape:
        case Circle():
            at = f'cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.radius)}"'
            return _face("circle", at, shape.role, 1.0, shape.quantity)
        case Rectangle():
            at = (
                f'x="{_n(shape.x)}" y="{_n(shape.y)}" width="{_n(shape.width)}" '
                f'height="{_n(shape.height)}"'
            )
            if shape.rounding:
                at += f' rx="{_n(shape.rounding)}"'
            return _face("rect", at, shape.role, shape.strength, shape.quantity)
        case Outline():
            return [_line(shape, stroke(shape))]
        case Arrow():
            return _arrow(shape)
        case Label():
            return [_label(shape, pen)]
        case _:
            assert_never(shape)


def _face(element: str, at: str, role: Role, strength: float, quantity: str) -> list[str]:
    """A filled shape: a face with an outline, or an area of one colour; shut gates are hatched."""
    kind = "face" if role in ("surface", "on", "off", "faint") else "area"
    opacity = f' fill-opacity="{strength:.3g}"' if strength != 1 else ""
    dash = ' stroke-dasharray="5 4"' if role == "off" else ""
    drawn = f'<{element} class="hg-{kind} hg-{role}" {at}{opacity}{dash}{_of(quantity)}/>'
    if role != "off":
        return [drawn]
    return [drawn, f'<{element} class="hg-hatch" fill="url(#hatch)" {at}/>']


def _line(line: Outline | Arrow, drawn: Stroke) -> str:
    closed = isinstance(line, Outline) and line.closed
    d = _path(drawn)
    if closed:
        return f'<path class="hg-area hg-{line.role}" d="{d}Z"{_of(line.quantity)}/>'
    dashes = "5 4" if line.dashed else DASHES.get(line.role, "")
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    width = f' stroke-width="{line.width:.3g}"' if line.width != LINE else ""
    return f'<path class="hg-line hg-{line.role}" d="{d}"{width}{dash}{_of(line.quantity)}/>'


def _path(drawn: Stroke) -> str:
    pieces = (("L" if len(piece) == 1 else "C") + _points(piece) for piece in drawn.pieces)
    return f"M{_points([drawn.start])}{''.join(pieces)}"


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _arrow(arrow: Arrow) -> list[str]:
    """A line and its head, a triangle at the last point."""
    drawn = stroke(arrow)
    tip, *wings = drawn.head
    d = _path(Stroke(tip, tuple((wing,) for wing in wings)))
    head = f'<path class="hg-area hg-{arrow.role}" d="{d}Z"{_of(arrow.quantity)}/>'
    return [_line(arrow, drawn), head]


def _label(label: Label, pen: _Pen) -> str:
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "middle" else ""
    size = f' font-size="{_n(label.size)}"' if label.size != SIZE else ""
    classes = f"hg-{label.role}{' hg-bold' if label.bold else ''}{' hg-halo' if label.halo else ''}"
    return (
        f'<text class="{classes}" x="{_n(label.x)}" y="{_n(label.y)}"'
        f"{size}{anchor}{_of(label.quantity)}{_said(label, pen.style)}>{pen.text(label)}</text>"
    )


def _said(label: Label, style: Style) -> str:
    """What a page that is edited says of a label with a figure."""
    if style.live is None or not label.quantity:
        return ""
    figures = [
        x for part in label.text if isinstance(part, Expression) and (x := number(part)) is not None
    ]
    return style.live.figure(label.quantity, figures[0]) if len(figures) == 1 else ""


def _text(label: Label, style: Style) -> str:
    """Runs of text: scripts are moved off the line and back, since not all readers know a shift.

    A letter's scripts stand one above the other: the upper goes back by the lower's width, as far as it is known.
    """
    parts: list[str] = []
    at = below = behind = 0.0
    runs = inline_runs(label.text, style)
    for run, after in zip_longest(runs, runs[1:]):
        wanted = SHIFT[run.level] * label.size
        if run.level == "below" and after is not None and after.level == "above":
            wanted = STACKED[1] * label.size
        elif run.level == "above" and below:
            wanted = STACKED[0] * label.size
        wide = SERIF * SCRIPT * label.size * plain_width(run.text)
        back = below if run.level == "above" else 0.0
        attributes = f' dx="{_n(behind - back)}"' if behind != back else ""
        behind = max(0.0, back - wide)
        below = wide if run.level == "below" else 0.0
        wanted = round(wanted, 1)
        attributes += f' dy="{_n(wanted - at)}"' if wanted != at else ""
        at = wanted
        if run.level != "line":
            attributes += f' font-size="{_n(SCRIPT * label.size)}"'
        attributes += _FACES[run.face]
        text = escape(run.text)
        parts.append(f"<tspan{attributes}>{text}</tspan>" if attributes else text)
    return "".join(parts)
