"""Pages as Markdown, read back by a Markdown reader with and without mathematics between dollars."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

import handgrad
from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.formats.latex import latex
from handgrad.formats.markdown import escaped, formula, render_markdown, unmarked
from handgrad.formats.notebook import render_notebook
from handgrad.formats.style import Style
from handgrad.formats.terminal import render_terminal
from handgrad.page import (
    Block,
    Code,
    Columns,
    Derivation,
    Figure,
    Heading,
    Note,
    Paragraph,
    Relation,
    Table,
    Text,
)
from handgrad.page.blocks import relations_in
from handgrad.picture import Drawing
from handgrad.saving import Page
from tests.formats.trees import adjoints, literals, names, trees
from tests.slow import LARGE, with_slow

BUNDLED = [name for name, _, _ in handgrad.bundled()]
STYLE = Style(error_signals=frozenset({"z2"}), display={"s": "S_t", "t": "`$<b>|*[x](y)\\{#%&~"})

HOSTILE = [
    "<script>alert(1)</script>",
    "`code` and ``more``",
    "$x$ costs $5 or \\$6",
    "[x](javascript:alert(1)) ![y](z.png) <https://a.example>",
    "# not a heading",
    "1. not a list",
    "- not a list",
    "> not a quotation",
    "***\n---\n===\nfour\tlines",
    "a | b ~~c~~ *d* __e__ &lt; &#60;",
    "\x1b[31mred\x07 \u202eback",
    "\\",
    "```\nfence",
    "$$\nblock\n$$",
]


def reader(*, mathematics: bool = True) -> MarkdownIt:
    found = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return found.use(dollarmath_plugin) if mathematics else found


def flat(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def read(text: str) -> list[Token]:
    return list(flat(reader().parse(text)))


def solved(name: str, **options: bool) -> Page:
    return handgrad.solve(handgrad.load(name)).page(**options)  # type: ignore[arg-type]


def inline(blocks: Iterable[Block]) -> Iterator[Expression]:
    """The formulas within running text."""
    for block in blocks:
        texts: list[Text] = []
        match block:
            case Heading():
                texts = [block.text, block.aside]
            case Paragraph():
                texts = [block.text]
            case Table():
                texts = [block.caption, *block.header, *(c for row in block.rows for c in row)]
            case Note():
                texts = [block.text]
                yield from inline(block.derivations)
            case Derivation():
                texts = [relation.label for relation in block.relations]
            case Figure():
                texts = [block.caption]
            case Columns():
                for column in block.columns:
                    yield from inline(column)
        yield from (part for text in texts for part in text if not isinstance(part, str))


@pytest.mark.parametrize("elements", [False, True])
@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_every_formula_is_read_as_mathematics(name: str, elements: bool) -> None:
    page = solved(name, elements=elements)
    tokens = read(render_markdown(page))
    style = Style.of(page)
    found = [t.content for t in tokens if t.type == "math_inline"]
    assert found == [formula(e, style) for e in inline(page.blocks)]
    blocks = "\n".join(t.content for t in tokens if t.type == "math_block")
    for relation in relations_in(page.blocks):
        for expression in (relation.left, *relation.chain):
            assert expression is None or formula(expression, style) in blocks
    assert not any(t.type.startswith(("html", "link", "image", "s_")) for t in tokens)
    assert not any("$" in t.content for t in tokens if t.type == "text")


@pytest.mark.parametrize("alerts", [True, False])
@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_markdown_acts_on_nothing_in_a_formula(name: str, alerts: bool) -> None:
    """GitHub reads a page as Markdown first; what it finds between dollars must be unchanged."""
    text = render_markdown(solved(name), alerts=alerts)
    tokens = list(flat(reader(mathematics=False).parse(text)))
    shown = "\n".join("".join(_words(t)) for t in tokens if t.type == "inline")
    formulas = [t.content for t in read(text) if t.type in ("math_inline", "math_block")]
    assert formulas
    for found in formulas:
        assert found.strip() in shown
    assert "operatorname" not in text


def _words(token: Token) -> Iterator[str]:
    for child in token.children or []:
        yield "\n" if child.type == "softbreak" else child.content


@example(Name("s"))
@example(Name("t"))
@example(Adjoint("W", through="t"))
@given(trees(names | adjoints | literals()))
def test_formulas_hold_nothing_for_markdown(expression: Expression) -> None:
    written = formula(expression, STYLE)
    assert not re.search(r"\\[^A-Za-z]|[$`*<>|~\[\]#%]", written)
    parsed = reader(mathematics=False).parseInline(f"Before {written} after {written}.")
    assert [t.type for t in flat(parsed)] == ["inline", "text"]
    # The same formula, but for the spelling of its commands.
    assert len(re.findall(r"\\(?:frac|begin|left)\b", written)) == len(
        re.findall(r"\\(?:frac|begin|left)\b", latex(expression, style=STYLE))
    )
    assert written.count("{") == written.count("}")


@pytest.mark.parametrize(
    ("tex", "written"),
    [
        (r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}", r"\begin{bmatrix} 1 \cr 2 \end{bmatrix}"),
        (r"\operatorname{log\,softmax}(z)", r"\mathrm{log\thinspace softmax}(z)"),
        (r"\left\{a\right\}", r"\left\lbrace a\right\rbrace"),
        (r"\left.x\right|_{z^{(1)}}", r"\left.x\right\vert _ {z^{(1)}}"),
        (r"\mathbf{1}[z > 0]", r"\mathbf{1}\lbrack z \gt 0\rbrack"),
        (r"\hat{y}_{1}", r"\hat{y}_ {1}"),
        (r"z_{1}^{(2)}", r"z_{1}^{(2)}"),
        (r"\text{S\_t \#1 \textbackslash{}x}", r"\text{S＿t ＃1 ＼x}"),
        (r"(a;\ \alpha = 0.2)", r"(a;\enspace \alpha = 0.2)"),
    ],
)
def test_other_spellings(tex: str, written: str) -> None:
    assert unmarked(tex) == written


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_title_is_only_text(text: str) -> None:
    problem = handgrad.Problem(
        ["z = w * x", "L = z * z"],
        {"w": 1.5},
        {"x": 2.0},
        title=text,
        description=text,
        display={"z": text},
    )
    page = handgrad.solve(problem).page()
    for alerts in (True, False):
        tokens = read(render_markdown(page, alerts=alerts))
        kinds = {t.type for t in tokens}
        assert not kinds & {"html_inline", "html_block", "link_open", "image", "code_inline", "hr"}
        assert not kinds & {"bullet_list_open", "ordered_list_open", "s_open", "fence"}
        found = [t.content for t in tokens if t.type == "math_inline"]
        assert found == [formula(e, Style.of(page)) for e in inline(page.blocks)]
        title = next(t for t in tokens if t.type == "inline")
        plain = "".join(_words(title)).replace("＄", "$")
        assert plain == " ".join("".join(c for c in _visible(text)).split())
        assert not any(ord(c) < 32 and c != "\n" for c in render_markdown(page))


def _visible(text: str) -> str:
    return "".join(
        c if c.isprintable() or c in "\n\xa0" else c.encode("unicode_escape").decode() for c in text
    )


@given(st.text())
def test_running_text_comes_back_as_it_was(text: str) -> None:
    plain = " ".join(_visible(text).split())
    page = Page("", (Paragraph((text,)),))
    tokens = read(render_markdown(page))
    shown = "".join(w for t in tokens if t.type == "inline" for w in _words(t))
    assert shown.replace("＄", "$") == plain.strip()


def test_a_dollar_alone_stays_a_dollar() -> None:
    assert escaped("5$") == r"5\$"
    page = Page("", (Paragraph(("from $5 to $6, ", Name("z1"), "3")),))
    assert render_markdown(page) == "from ＄5 to ＄6, $z^{(1)}$ 3\n"


def test_tables_are_tables() -> None:
    page = solved("lab9")
    tokens = read(render_markdown(page))
    tables = [b for b in page.blocks if isinstance(b, Table)]
    assert sum(t.type == "table_open" for t in tokens) == len(tables) == 1
    rows, columns = len(tables[0].rows) + 1, len(tables[0].header)
    assert sum(t.type == "tr_open" for t in tokens) == rows
    assert sum(t.type in ("td_open", "th_open") for t in tokens) == rows * columns


def test_blocks_of_every_kind() -> None:
    drawing = Drawing(10, 10, (), "a picture", "Two units, one of them off.")
    derivation = Derivation((Relation(Name("z1"), (Literal(2.0),), label=("in each case",)),))
    page = Page(
        "every kind",
        (
            Heading(("A", Name("z1")), 3, "2.4", ("uses 2.3",)),
            Columns(((Paragraph(("left",)),), (Note("check", ("right",), (derivation,)),))),
            Figure(drawing, ("The network",)),
            Code("x = '```'\n"),
            Derivation((Relation(None, (Literal(1.0), Literal(2.0))),)),
            Derivation(
                (
                    Relation(
                        Name("h"),
                        (Literal((1.0, 0.0, 0.0)),),
                        remarks={1: "gate shut", 2: "gate shut", 0: "50% {on}"},
                        shape="3",
                    ),
                )
            ),
        ),
    )
    assert (
        render_markdown(page)
        == r"""### 2.4 A $z^{(1)}$

*uses 2.3*

|  |  |
| :-- | :-- |
| left | ✓ right <br> in each case: <br> $\begin{aligned} z^{(1)} &= 2 \end{aligned}$ |

*The network Two units, one of them off.*

````python
x = '```'
````

$$
\begin{aligned}
& 1 \cr
&= 2
\end{aligned}
$$

$$
\begin{aligned}
h &= \begin{bmatrix} 1 \cr 0 \cr 0 \end{bmatrix} \qquad \text{rows 2, 3: gate shut; row 1: 50％ (on)}
\end{aligned}
$$
"""
    )
    noted = Page("noted", (Note("check", ("right",), (derivation,)),))
    assert render_markdown(noted).startswith("> [!TIP]\n> right\n>\n> in each case:\n")
    assert "> ✓ right" in render_markdown(noted, alerts=False)
    assert render_markdown(Page("empty", ())) == ""


@pytest.mark.parametrize("name", ["lab9", "softmax", "batch", "leaky", "neuron", "regression"])
def test_the_figures_are_those_of_the_terminal(name: str) -> None:
    page = solved(name)
    terminal = render_terminal(page, width=400, colour=False, unicode=True)
    figures = [
        set(re.findall(r"-?\d+\.\d+", text.replace("−", "-")))
        for text in (render_markdown(page), terminal)
    ]
    assert figures[0] == figures[1]


def test_two_solutions_stand_side_by_side() -> None:
    lab = handgrad.load("lab9")
    two = handgrad.compare(handgrad.solve(lab), handgrad.solve(lab.with_values({"b2": [0, 0.5]})))
    text = render_markdown(two.page())
    tables = [t for t in read(text) if t.type == "table_open"]
    steps = sum(not pair.same for pair in two.steps)
    assert len(tables) == 2 + steps  # what was changed, at a glance, and one for each step
    (row,) = [
        line
        for line in text.split("\n")
        if line.startswith("|") and "0.23" in line and "h^{(2)}" in line and "ReLU" in line
    ]
    left, right = row.strip("|").split(" | ")
    assert "-0.17" in left
    assert "0.23" not in left
    assert "0.23" in right
    found = json.loads(render_notebook(two.page()))
    assert row in "".join(line for cell in found["cells"] for line in cell["source"])
