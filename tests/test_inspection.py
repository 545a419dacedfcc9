"""The inspection of pages: it finds a planted fault of each kind, and none on handgrad's own pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.browser import PATH, browser
from tools.gallery import opened, ran
from tools.inspection.__main__ import KINDS, PROBLEMS, pages
from tools.inspection.measures import on_paper, on_screen

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(PATH is None, reason="Debian's chromium is not installed")

GOOD = '<main><h1>A page</h1><p>Text</p><svg width="200" height="60"><text x="10" y="20">one</text></svg></main>'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as launched:
        yield launched


def faults(chromium: Any, body: str) -> set[str]:
    tab = chromium.new_page(viewport={"width": 400, "height": 600})
    tab.set_content(
        f'<!doctype html><html lang="en"><body style="color:#222;background:#fff">{body}</body></html>'
    )
    found: set[str] = {finding.fault for finding in on_screen(tab)}
    tab.close()
    return found


def test_a_good_page_has_no_fault(chromium: Any) -> None:
    assert faults(chromium, GOOD) == set()


@pytest.mark.parametrize(
    ("fault", "planted"),
    [
        ("letter", '<p style="font-size:8.5px">small</p>'),
        ("letter", '<svg width="100" viewBox="0 0 200 40"><text y="20" font-size="16">half as large</text></svg>'),
        ("letter", '<p>x<sub style="font-size:6.5px">1</sub></p>'),
        ("overlap", '<svg width="200" height="60"><text x="9" y="30">one</text><text x="20" y="32">two</text></svg>'),
        ("clipped", '<p style="overflow:hidden;white-space:nowrap;width:5em">much more than there is room for</p>'),
        ("clipped", '<svg width="60" height="30"><text x="30" y="20">sticks out</text></svg>'),
        ("cropped", '<div style="overflow-x:auto;width:80px"><svg width="200" height="30"><text y="20">part</text></svg></div>'),
        ("scrolls", '<div style="overflow-x:auto;width:80px"><p style="width:200px">a line of mathematics</p></div>'),
        ("wide", '<p style="width:900px">wide</p>'),
        ("contrast", '<p style="color:#999">faint</p>'),
        ("contrast", '<svg width="100" height="40"><rect width="100" height="40" fill="#333"/><text x="5" y="20" fill="#222">dark</text></svg>'),
        ("order", "<h3>no level 2</h3>"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(chromium: Any, fault: str, planted: str) -> None:
    assert faults(chromium, GOOD.replace("</main>", f"{planted}</main>")) == {fault}


def test_an_index_may_be_smaller(chromium: Any) -> None:
    planted = '<p>x<sub style="font-size:7.5px">1</sub></p>'
    assert faults(chromium, GOOD.replace("</main>", f"{planted}</main>")) == set()


def printed(path: Path, *sizes: list[tuple[float, float]]) -> Path:
    """A PDF whose pages have a line of each of these sizes, so far down."""
    import pymupdf

    opened: Any = pymupdf.open
    pdf = opened()
    for lines in sizes:
        page = pdf.new_page(width=595, height=842)
        for down, size in lines:
            page.insert_text((60, 842 * down), "a line of text", fontsize=size)
    pdf.save(path)
    return path


def test_planted_faults_on_paper_are_found(tmp_path: Path) -> None:
    full, short = [(0.2, 10.0), (0.9, 10.0)], [(0.2, 10.0)]
    path = tmp_path / "pages.pdf"
    assert on_paper(printed(path, full, short)) == []
    assert [f.fault for f in on_paper(printed(path, short, full))] == ["empty"]
    assert [f.fault for f in on_paper(printed(path, [*full, (0.5, 6.5)]))] == ["letter"]
    assert {f.fault for f in on_paper(printed(path, [*full, (0.203, 10.0)]))} == {"overlap"}
    assert on_paper(printed(path, full, full), slides=True) == []
    assert [f.fault for f in on_paper(printed(path, short, full), slides=True)] == ["empty"]
    over = [(0.2, 10.0), (0.925, 14.0)]
    assert [f.fault for f in on_paper(printed(path, full, over), slides=True)] == ["full"]


def test_an_index_that_its_letter_leaves_room_for_is_no_overlap(tmp_path: Path) -> None:
    """Mathematics sets the index of W under its slanted side; two letters on one another are found."""
    import pymupdf

    def page(right: float, down: float, size: float) -> set[str]:
        opened: Any = pymupdf.open
        pdf = opened()
        leaf = pdf.new_page(width=595, height=842)
        leaf.insert_text((60, 160), "W", fontsize=20, fontname="tiit")
        leaf.insert_text((60 + right, 160 + down), "i", fontsize=size, fontname="tiit")
        leaf.insert_text((60, 760), "the end", fontsize=10)
        pdf.save(tmp_path / "page.pdf")
        return {f.fault for f in on_paper(tmp_path / "page.pdf")}

    assert page(12, 3, 14) == set()
    assert page(4, 3, 14) == {"overlap"}
    assert page(12, 0, 20) == {"overlap"}


def test_the_page_of_the_lab_is_without_fault_on_a_phone(chromium: Any, tmp_path: Path) -> None:
    ran(["handgrad", *KINDS["solve"].format(problem="lab9").split(), "-o", "page.html"], tmp_path)
    tab = opened(tmp_path / "page.html", chromium, 390, 900)
    found = [f for f in on_screen(tab) if f.fault != "scrolls"]
    tab.close()
    assert found == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_page_on_every_screen_and_paper(chromium: Any, tmp_path: Path, problem: str) -> None:
    found = [
        f"{page.name}: {finding}"
        for kind in KINDS
        for page in pages(problem, kind, tmp_path, chromium, pictured=False)
        for finding in page.findings
        if finding.fault != "scrolls"
    ]
    assert found == []
