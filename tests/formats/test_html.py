"""Pages as HTML: what stands on them, and that nothing on them does harm."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.expression import Literal, Name
from handgrad.formats.html import render_html
from handgrad.formats.terminal import render_terminal
from handgrad.page.blocks import (
    Code,
    Columns,
    Derivation,
    Figure,
    Heading,
    Note,
    Paragraph,
    Relation,
    Table,
)
from handgrad.picture import Circle, Drawing, Label
from handgrad.saving import Page
from tests.formats.trees import adjoints, blocks, literals, names, trees
from tests.slow import LARGE, with_slow

BUNDLED = [name for name, _, _ in handgrad.bundled()]
NUMBER = re.compile(r"−?\d+(?:\.\d+)?")
SCRIPTS = {"msub", "msup", "msubsup"}
VOID = {"meta", "mspace", "path", "br", "input", "circle", "rect"}
HOSTILE = "</style></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;&#60;"


class Reader(HTMLParser):
    """The words of a page, the scripts of symbols left out, and its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[list[str | int]] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        skipped = bool(self.open) and self.open[-1][0] in SCRIPTS and self.open[-1][1] > 0  # type: ignore[operator]
        if self.open:
            self.open[-1][1] += 1  # type: ignore[operator]
        if tag not in VOID:
            hidden = tag in ("style", "script", "svg", "header", "nav", "title") or skipped
            inherited = bool(self.open) and bool(self.open[-1][2])
            self.open.append([tag, 0, hidden or inherited])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if self.open:
            self.open[-1][1] += 1  # type: ignore[operator]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1][2]):
            self.words.append(data)

    @property
    def ids(self) -> list[str]:
        return [i for _, attributes in self.tags if (i := attributes.get("id"))]


def solved(name: str, **options: bool) -> Page:
    return handgrad.solve(handgrad.load(name)).page(**options)  # type: ignore[arg-type]


@cache
def written(name: str) -> str:
    """The worked solution of a bundled problem as HTML."""
    return render_html(solved(name))


@cache
def terminal_of(name: str) -> str:
    return render_terminal(solved(name), width=400, colour=False, unicode=True)


def numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text.replace("𝟏", "1")))


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_the_numbers_and_steps_of_the_terminal(name: str) -> None:
    terminal = terminal_of(name)
    # What stands below rows on a phone alone says again, with their numbers, what stands beside them.
    drawn = re.sub(r'<span class="remark told">.*?</span>', "", written(name))
    html = Reader(drawn)  # without scripts: the terminal's are no digits
    # Scripts are left out of both: a terminal has a slice in parentheses after the name, as in u_(:,3:4).
    shown = numbers(re.sub(r"_\([^()]*\)", "", terminal))
    read = numbers(" ".join(html.words))
    assert {n.lstrip("−") for n in read} == {n.lstrip("−") for n in shown}
    steps = re.findall(r"^(\d+\.\d+) ", terminal, re.MULTILINE)
    assert [i.removeprefix("step-") for i in html.ids if re.fullmatch(r"step-[\d.]+", i)] == steps


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_signs_agree_with_the_terminal(name: str) -> None:
    terminal = terminal_of(name)
    html = re.sub("<mn>10</mn><mn>[^<]*</mn>", "", written(name))
    negative = set(re.findall(r"<mn>(−[^<]*)</mn>", html))
    assert negative <= numbers(terminal)


def test_the_page_of_the_lab_is_small() -> None:
    page = solved("lab9", open_entries=True, pictures=True)
    assert len(render_html(page).encode()) < 300_000


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_ids_are_used_once_and_links_lead_somewhere(name: str) -> None:
    html = Reader(render_html(solved(name, open_entries=True)))
    assert len(html.ids) == len(set(html.ids))
    ids = set(html.ids)
    links = [a["href"] for tag, a in html.tags if tag == "a"]
    assert links
    assert all(link and link[1:] in ids for link in links)
    labels = [a["aria-labelledby"] for _, a in html.tags if "aria-labelledby" in a]
    assert all(i in ids for label in labels for i in str(label).split())


def test_entries_open_to_lines_of_their_own() -> None:
    html = render_html(solved("lab9", open_entries=True))
    for entry in ("dW2[0,1]", "dW2[1,0]", "z1[0]", "db2[1]"):
        assert f'data-entry="{entry}"' in html
        assert f'data-q="{entry}"' in html
    assert "data-entry" not in render_html(solved("lab9"))


def test_every_entry_relation_gives_its_entry() -> None:
    for block in solved("attention", open_entries=True).blocks:
        if not isinstance(block, Derivation):
            continue
        for relation in block.relations:
            result = relation.chain[-1]
            for index, entry in relation.entries.items():
                assert isinstance(result, Literal)
                value = result.value
                for k in index:
                    assert isinstance(value, tuple)
                    value = value[k]
                number = entry.chain[-1]
                assert isinstance(number, Literal)
                assert number.value == pytest.approx(value)


def test_large_results_are_not_opened() -> None:
    problem = handgrad.Problem("L = sum((W @ x) ** 2)", {"W": [[1.0] * 9] * 8, "x": [1.0] * 9})
    page = handgrad.solve(problem).page(open_entries=True)
    relations = [r for b in page.blocks if isinstance(b, Derivation) for r in b.relations]
    assert any(r.shape == "8×9" and not r.entries for r in relations)
    assert any(r.shape == "9" and r.entries for r in relations)


def hostile_page() -> Page:
    text = (HOSTILE, Name("evil"), HOSTILE)
    relation = Relation(
        Name("evil"),
        (Name("evil"), Literal((1.0, 2.0))),
        remarks={0: HOSTILE},
        label=text,
        shape=HOSTILE,
    )
    drawing = Drawing(
        10, 10, (Circle(1, 1, 1, quantity=HOSTILE), Label(1, 1, text)), HOSTILE, HOSTILE
    )
    return Page(
        HOSTILE,
        (
            Heading(text, 1),
            Heading(text, 2),
            Figure(drawing, text),
            Heading(text, 3, HOSTILE, text),
            Paragraph(text),
            Derivation((relation,)),
            Note("gate", text, (Derivation((relation,)),)),
            Table((text,), ((text,),), "l", text),
            Code(HOSTILE),
            Columns(((Paragraph(text),), (Heading(text, 3, HOSTILE), Paragraph(text)))),
        ),
        display={"evil": HOSTILE},
    )


@pytest.mark.parametrize("layout", ["document", "slides"])
def test_hostile_words_do_nothing(layout: str) -> None:
    clean = render_html(replace(hostile_page(), layout=layout))  # type: ignore[arg-type]
    html = Reader(clean)
    assert not any(tag == "img" or "onerror" in a for tag, a in html.tags)
    assert sum(tag == "script" for tag, _ in html.tags) == 2
    assert len(html.ids) == len(set(html.ids))
    assert HOSTILE in "".join(html.words)


def test_nothing_is_asked_of_another_host() -> None:
    html = render_html(solved("lab9", open_entries=True))
    addresses = set(re.findall(r"[a-z]+://[^\s\"'<)]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in html


@given(st.lists(blocks(trees(names | adjoints | literals(), 6)), max_size=5), st.booleans())
def test_any_page_is_well_formed(content: list[object], slides: bool) -> None:
    page = Page("Any", tuple(content), layout="slides" if slides else "document")  # type: ignore[arg-type]
    html = Reader(render_html(page))
    assert len(html.ids) == len(set(html.ids))


def test_headings_go_down_one_level_at_a_time() -> None:
    for name in BUNDLED:
        levels = [int(level) for level in re.findall("<h([1-6])", written(name))]
        assert levels[0] == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_a_picture_after_the_steps_stands_before_them() -> None:
    html = render_html(solved("lab9", pictures=True))
    for step in ("1.1", "2.1"):
        before = html[: html.index(f'id="step-{step}"')]
        assert before.rindex("<figure") > before.rindex("<h2")
    assert html.count("<figure") == 3
    assert html.count("<style>") == 1


def test_a_deck_has_a_slide_for_each_heading() -> None:
    page = replace(solved("lab9"), layout="slides")
    count = sum(isinstance(b, Heading) and b.level < 3 for b in page.blocks)
    html = render_html(page)
    assert html.count('class="slide"') == count
    assert f"{count} / {count}" in html


def test_pictures_have_their_style() -> None:
    """Without it a drawing's shapes are black; a page without pictures has no need of it."""
    rule = ".hg-face{"
    drawn = Figure(Drawing(10, 10, (Circle(5, 5, 4),), "a circle", "a circle"))
    assert rule in render_html(Page("Page", (drawn,)))
    assert rule in render_html(handgrad.solve(handgrad.load("lab9")).page(pictures=True))
    assert rule not in render_html(Page("Page", (Paragraph(("No picture.",)),)))


def test_a_result_is_called_what_it_is() -> None:
    """Not what it equals: the last of ∂L/∂b⁽³⁾ = δ⁽³⁾ = −0.3654 is the gradient of b⁽³⁾."""
    html = render_html(solved("lab9"))
    links = re.findall(r'<span class="link result[ a-z]*">(.*?)</span>', html)
    named = [re.findall('data-q="([^"]*)"', link) for link in links]
    assert ["db3"] in named
    assert not any("db3" in names and "dz3" in names for names in named)


def test_a_short_relation_in_running_text_stays_on_one_line() -> None:
    """L = 0.4308 was parted before its sign."""
    page = render_html(handgrad.solve(handgrad.load("lab9")).page())
    abstract = page.partition('class="note')[2].partition("</p>")[0]
    assert re.search(
        r'class="whole"><math><mi data-q="L">L</mi></math> = <math><mn>0.4308</mn>', abstract
    )
    assert abstract.count(" = <math>") == 2


def test_a_long_list_of_contents_has_no_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be a third of all that a browser opens; a heading that looks like markup stays words."""

    def contents() -> str:
        page = handgrad.solve(handgrad.load("lab9")).page()
        blocks = (*page.blocks, Heading((HOSTILE,), 3, "9.9"))
        found = re.search(
            r'<nav class="contents".*?</nav>', render_html(replace(page, blocks=blocks))
        )
        assert found is not None
        return found[0]

    short = contents()
    monkeypatch.setattr("handgrad.formats.html.document.MANY", 5)
    long = contents()
    assert "<math" in short
    assert "<math" not in long
    assert re.findall('href="[^"]*"', long) == re.findall('href="[^"]*"', short)
    assert "Layer 1: z1, then ReLU" in long
    assert "<img" not in long
