"""SVG and PNG: well formed, escaped, legible in light and dark, nothing by colour alone."""

from __future__ import annotations

import math
import re
import struct
import sys
from importlib import resources
from xml.etree import ElementTree

import pytest
from hypothesis import given

import handgrad
from handgrad.expression import Adjoint, Expression, Name
from handgrad.formats.inline import inline_runs
from handgrad.formats.png import render_png
from handgrad.formats.style import Style
from handgrad.formats.svg import render_svg
from handgrad.formats.typst import render_typst
from handgrad.page.blocks import Figure
from handgrad.picture import Arrow, Circle, Drawing, Label, Outline, Rectangle, Role
from handgrad.saving import Page
from handgrad.solution.pictures.graph import graph_picture
from handgrad.solution.pictures.network import network_picture
from tests.formats.trees import adjoints, literals, names, trees
from tests.picture.shapes import PHASES, style_of

SVG = "{http://www.w3.org/2000/svg}"
CSS = "".join(
    (resources.files("handgrad.formats") / name).read_text("utf-8")
    for name in ("svg_plain.css", "svg.css")
)
ROLES: tuple[Role, ...] = (
    "ink", "faint", "surface", "value", "gradient", "on", "off",
    "series1", "series2", "series3", "series4", "series5", "series6",
)  # fmt: skip


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(t.itertext()) for t in parsed(svg).iter(f"{SVG}text")]


def drawing(*shapes: object, title: str = "t", description: str = "d") -> Drawing:
    return Drawing(100, 80, shapes, title, description)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name, _, _ in handgrad.bundled()])
def test_every_picture_is_whole_and_stands_alone(name: str) -> None:
    trace = handgrad.solve(handgrad.load(name))
    for phase in PHASES:
        picture = trace.picture(phase)
        svg = render_svg(picture, style_of(trace))
        root = parsed(svg)
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
        said = {e.get("id"): e.text for e in root if e.tag in (f"{SVG}title", f"{SVG}desc")}
        ids = (root.get("aria-labelledby") or "").split()
        assert [said[i] for i in ids] == [picture.title, picture.description]
        assert svg == render_svg(picture, style_of(trace))
        # Nothing is fetched: the only address is the name of the format.
        assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
        for reference in re.findall(r"url\(#([^)]+)\)", svg):
            assert root.find(f".//*[@id='{reference}']") is not None
        shown = {e.get("data-q") for e in root.iter()} - {None}
        assert shown == {s.quantity for s in picture.shapes} - {""}


def test_formulas_read_as_they_are_written() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    forward = texts(render_svg(trace.picture("forward"), style_of(trace)))
    for text in ("h1(1)", "z2(2) = −0.17", "ŷ", "0.6346", "W(2)", "−0.5", "b(3) = 0.3", "y = 1"):
        assert text in forward, text
    backward = texts(render_svg(trace.picture("backward"), style_of(trace)))
    for text in ("δ2(2)", "∂L/∂h2(2)", "= 0.1462", "∂L/∂W(2)", "−0.1315", "= −1.5758", "∂L/∂L"):
        assert text in backward, text


def test_two_pictures_in_one_page_do_not_share_names() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    ids = [
        set(re.findall(r' id="([^"]+)"', render_svg(trace.picture(p), style_of(trace))))
        for p in PHASES
    ]
    assert len(set.union(*ids)) == sum(map(len, ids))


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x>',
    "a & b",
    "]]>",
    "' onload='x",
    "\x1b[31m\x00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_a_problem_does_nothing(text: str) -> None:
    label = Label(10, 20, (text, Name("z")), quantity=text)
    shapes = (label, Circle(5, 5, 3, quantity=text), Arrow(((0, 0), (9, 9)), quantity=text))
    style = Style(display={"z": text})
    svg = render_svg(drawing(*shapes, title=text, description=text), style)
    root = parsed(svg)
    allowed = {"svg", "title", "desc", "style", "defs", "pattern", "path", "rect", "text", "tspan",
               "circle"}  # fmt: skip
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= allowed
    assert not any(a.startswith("on") for e in root.iter() for a in e.attrib)
    if text.isprintable():
        assert root.findtext(f"{SVG}title") == text
        assert texts(svg) == [text * 2]


def test_a_problems_own_names_and_title_are_escaped() -> None:
    problem = handgrad.Problem(
        "z = w @ x\nL = z**2",
        {"w": [1, 2]},
        {"x": [3, 4]},
        title="</svg><script>",
        display={"w": "<b>w</b>", "z": "&amp;"},
    )
    trace = handgrad.solve(problem)
    for phase in PHASES:
        for picture in (
            network_picture(trace, phase),
            graph_picture(trace, phase),
        ):
            root = parsed(render_svg(picture, style_of(trace)))
            assert not list(root.iter(f"{SVG}b"))
            assert any("<b>w</b>" in t for t in texts(render_svg(picture, style_of(trace))))


def test_every_role_has_a_class_and_a_shut_gate_a_pattern() -> None:
    for role in ROLES:
        shapes = (
            Circle(20, 20, 9, role, "q"),
            Rectangle(40, 40, 9, 9, role, 2, 0.5),
            Outline(((0, 0), (5, 5), (9, 0)), role, closed=True),
            Outline(((0, 0), (5, 5)), role, dashed=True),
            Outline(((0, 0), (5, 5), (9, 0)), role, curved=True),
            Arrow(((0, 0), (50, 50)), role, curved=True),
            Label(50, 70, ("text",), role, "end", 12, True, halo=True),
        )
        svg = render_svg(drawing(*shapes), Style())
        root = parsed(svg)
        named = [e for e in root.iter() if f"hg-{role}" in (e.get("class") or "").split()]
        assert len(named) == 8
        hatched = [e for e in root.iter() if e.get("class") == "hg-hatch"]
        assert len(hatched) == (2 if role == "off" else 0)
        assert svg.count('stroke-dasharray="5 4"') >= (3 if role == "off" else 1)
        for kind in ("line", "text"):
            assert f"{'.hg-' if kind == 'line' else ''}{kind}.hg-{role}{{" in CSS or (
                kind,
                role,
            ) == ("text", "surface")
    dashes = [
        re.findall(
            r'stroke-dasharray="([^"]+)"',
            render_svg(drawing(Outline(((0, 0), (5, 5)), r)), Style()),
        )
        for r in ROLES
        if r.startswith("series")
    ]
    assert len({tuple(d) for d in dashes}) == 6


def test_a_smooth_curve_keeps_between_its_points() -> None:
    points = ((0.0, 0.0), (100.0, 0.0), (110.0, 5.0), (120.0, 10.0), (220.0, 10.0))
    svg = render_svg(drawing(Outline(points, curved=True)), Style())
    (d,) = re.findall(r' d="(M0 0C[^"]+)"', svg)
    numbers = [float(x) for x in re.findall(r"-?[\d.]+", d)]
    xs, ys = numbers[::2], numbers[1::2]
    assert xs == sorted(xs)
    assert min(ys) > -3
    assert max(ys) < 13


@pytest.mark.parametrize("stop", [(0.1, 38.0), (-38.0, 0.1), (0.1, -38.0), (38.0, 0.0)])
def test_an_arrow_between_two_boxes_points_where_it_goes(stop: tuple[float, float]) -> None:
    """Boxes one above the other are hardly ever exactly so: a head that lies level hides under one."""
    drawn = drawing(Arrow(((0.0, 0.0), stop), curved=True))
    (d,) = re.findall(r'class="hg-area[^"]*" d="M([^"]+)Z"', render_svg(drawn, Style()))
    tip, left, right = (tuple(map(float, point.split())) for point in d.split("L"))
    along = [t - (a + b) / 2 for t, a, b in zip(tip, left, right, strict=True)]
    dot = along[0] * stop[0] + along[1] * stop[1]
    assert dot / math.hypot(*along) / math.hypot(*stop) > 0.99
    typ = render_typst(Page("p", (Figure(drawn),)))
    found = [float(x) for x in re.findall(r"-?\d+\.\d\d", typ[typ.rindex("#stroke-through(") :])]
    assert found[8:14] == pytest.approx([*tip, *left, *right], abs=0.06)


@given(trees(names | adjoints | literals()))
def test_any_formula_can_be_a_label(tree: Expression) -> None:
    svg = render_svg(drawing(Label(0, 0, ("a ", tree, " b"))), Style())
    (text,) = texts(svg)
    assert text.startswith("a ")
    # However many scripts it has, the text ends on the line it began on.
    shifts = [float(s) for s in re.findall(r' dy="([^"]+)"', svg)]
    assert abs(sum(shifts)) < 0.05 * max(1, len(shifts))


def test_runs_of_a_formula() -> None:
    style = Style(error_signals=frozenset({"z1"}))
    runs = inline_runs((Name("W2"), " = ", Adjoint("z1").at((1,))), style)
    assert [(r.text, r.face, r.level) for r in runs] == [
        ("W", "letter", "line"),
        ("(2)", "word", "above"),
        (" = ", "text", "line"),
        ("δ", "letter", "line"),
        ("2", "word", "below"),
        ("(1)", "word", "above"),
    ]


# -- colours ---------------------------------------------------------------------------------


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--hg-([\w-]+):(#[0-9a-f]+)", block))


LIGHT, DARK = (variables(b) for b in re.findall(r"\.hg-drawing\{([^}]*)\}", CSS))


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(theme: dict[str, str]) -> None:
    """WCAG 2.1 AA: 4.5 for text on whatever it stands on, 3 for lines and outlines."""
    series = [f"series{k}" for k in range(1, 7)]
    for text in ("ink", "faint", "value", "gradient", "on", "off", *series):
        assert contrast(theme[text], theme["paper"]) >= 4.5, text
    for text in ("ink", "value", "gradient", "off", "faint"):
        for face in ("surface", "on-face", "off-face"):
            assert contrast(theme[text], theme[face]) >= 4.5, (text, face)
    for text in ("ink", "value", "gradient"):
        assert contrast(theme[text], theme["hatch"]) >= 3
    for line in ("rule", "outline"):
        assert contrast(theme[line], theme["paper"]) >= 3, line


def test_the_light_colours_are_the_same_with_and_without_variables() -> None:
    plain, _, rest = CSS.partition("@media all{")
    rules: dict[str, str] = {}
    for selector, body in re.findall(r"^(\.hg-[^{]+)\{([^}]*)\}", plain, re.MULTILINE):
        rules[selector] = f"{rules.get(selector, '')};{body}"
    checked = 0
    for selector, body in re.findall(r"^(\.hg-[^{]+)\{([^}]*)\}", rest, re.MULTILINE):
        for key, name in re.findall(r"(fill|stroke):var\(--hg-([\w-]+)\)", body):
            assert f"{key}:{LIGHT[name]}" in rules[selector], (selector, name)
            checked += 1
    assert checked > 30


# -- PNG -------------------------------------------------------------------------------------


def test_a_png_has_the_size_asked_for() -> None:
    pytest.importorskip("typst")
    trace = handgrad.solve(handgrad.load("lab9"))
    picture = trace.picture("backward")
    png = render_png(picture, style_of(trace), scale=1.5)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert abs(width - 1.5 * picture.width) <= 1
    assert abs(height - 1.5 * picture.height) <= 2


def test_without_typst_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(handgrad.MissingExtraError) as raised:
        render_png(drawing(), Style())
    assert str(raised.value) == "a PNG picture needs Typst (pip install 'handgrad[pdf]')"
