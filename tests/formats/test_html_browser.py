"""The HTML page in a real browser: stepping, guessing, lighting up, opening, printing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import handgrad
from handgrad.discussion import questions_for
from handgrad.discussion.page import questions_page
from handgrad.exercises.page import Exercise, sheets_page
from handgrad.formats.html import render_html
from handgrad.page.blocks import Block, Columns, Derivation, Heading, Note, Table
from handgrad.saving import Page
from tools.browser import PATH
from tools.browser import browser as running

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(PATH is None, reason="Debian's chromium is not installed")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as launched:
        yield launched


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a page in the browser; fails on any error in it and on any request but for the file."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def show(page: Page, *, width: int = 1000, height: int = 800, **options: Any) -> Any:
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(render_html(page), "utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda line: wrong.append(line.text))
        tab.on("request", lambda request: asked(request.url, path.as_uri()))
        tab.goto(path.as_uri())
        tab.evaluate("document.fonts.ready")
        return tab

    def asked(address: str, own: str) -> None:
        if address.split("#")[0] != own and not address.startswith("data:font/woff2"):
            wrong.append(address)

    yield show
    for context in contexts:
        context.close()
    assert not wrong


@cache
def solved(name: str) -> Page:
    return handgrad.solve(handgrad.load(name)).page(open_entries=True)


@cache
def pictured(name: str = "lab9", *, open_entries: bool = True) -> Page:
    """A page with its pictures."""
    trace = handgrad.solve(handgrad.load(name))
    return trace.page(open_entries=open_entries, pictures=True)


def current(tab: Any) -> str:
    return str(tab.evaluate("document.querySelector('[aria-current=step].step')?.id ?? ''"))


def settled(tab: Any) -> None:
    """Waits until six frames in a row have drawn every picture, and the page, at the same place."""
    tab.evaluate(
        """async () => {
          const places = () => [scrollY, ...[...document.querySelectorAll("svg, .step")].map((e) => {
            const box = e.getBoundingClientRect();
            return [box.top, box.height, e.getAttribute("viewBox")];
          })].join();
          let same = 0;
          for (let last = ""; same < 6;) {
            await new Promise(requestAnimationFrame);
            const now = places();
            same = now === last ? same + 1 : 0;
            last = now;
          }
        }"""
    )


def lit(tab: Any) -> list[str]:
    found = tab.evaluate("[...document.querySelectorAll('.lit')].map(e => e.dataset.q)")
    return [str(name) for name in found]


# -- stepping -------------------------------------------------------------------------------


def test_stepping_with_keys(opened: Open) -> None:
    tab = opened(solved("lab9"))
    assert current(tab) == ""
    visited = []
    for key in ("ArrowRight", "j", "ArrowRight", "k", "ArrowLeft", "End", "Home"):
        tab.keyboard.press(key)
        visited.append(current(tab).removeprefix("step-"))
    assert visited == ["1.1", "1.2", "1.3", "1.2", "1.1", "3.2", "1.1"]
    tab.keyboard.press("ArrowLeft")
    assert current(tab) == "step-1.1"
    assert tab.inner_text("#spoken").startswith("Step 1.1 Layer 1")


def test_stepping_with_buttons_shows_progress(opened: Open) -> None:
    tab = opened(solved("lab9"))
    tab.get_by_role("button", name="Step forward").click()
    tab.get_by_role("button", name="Step forward").click()
    assert tab.inner_text("#place") == "1.2 · 2 of 13"
    assert tab.evaluate("document.querySelector('#progress').value") == 2
    settled(tab)
    top = tab.evaluate("document.querySelector('.step.current').getBoundingClientRect().top")
    assert 0 <= top < 200
    tab.get_by_role("button", name="Step back").click()
    assert current(tab) == "step-1.1"


def test_a_link_to_a_step_goes_there(opened: Open) -> None:
    tab = opened(solved("lab9"))
    tab.locator("#step-1\\.2 .uses a").click()
    assert current(tab) == "step-1.1"


def test_on_a_phone_a_wide_picture_fades_and_its_caption_does_not(opened: Open) -> None:
    tab = opened(handgrad.born_dead_table([2, 3, 4], list(range(2, 12)), networks=50).page())
    tab.set_viewport_size({"width": 390, "height": 800})
    settled(tab)
    faded = """selector => [...document.querySelectorAll(selector)].map(
        (e) => getComputedStyle(e).maskImage !== "none" && e.scrollWidth > e.clientWidth)"""
    assert any(tab.evaluate(faded, ".picture"))
    assert not any(tab.evaluate(faded, "figure, figcaption"))
    within = """[...document.querySelectorAll("figcaption")].every(
        (e) => !e.closest(".scrolls") && e.getBoundingClientRect().right <= innerWidth)"""
    assert tab.evaluate(within)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


# -- guessing -------------------------------------------------------------------------------


def test_results_are_hidden_until_they_are_asked_for(opened: Open) -> None:
    tab = opened(pictured())
    tab.get_by_role("button", name="Predict").click()
    first = tab.locator("#step-1\\.1 .relation").first
    assert not first.locator(".result .value").first.is_visible()
    assert not tab.locator("#step-1\\.2").is_visible()
    assert not tab.locator("figure").nth(1).is_visible()
    later = (
        tab.locator("#step-1\\.1 .derivation > .relation").nth(1).locator(":scope > .chain > .link")
    )
    assert later.nth(0).is_visible()
    assert not later.nth(1).is_visible()
    tab.get_by_role("button", name="Show the result for z1").click()
    assert first.locator(".result .value").first.is_visible()
    assert later.nth(1).is_visible()
    assert not later.nth(2).locator(".value").is_visible()
    tab.keyboard.press("ArrowRight")
    assert later.nth(2).locator(".value").is_visible()
    tab.keyboard.press("ArrowRight")
    assert current(tab) == "step-1.2"
    assert not tab.locator("#step-1\\.2 .note").is_visible()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#step-1\\.2 .note").is_visible()
    assert not tab.locator("figure").nth(1).is_visible()
    tab.get_by_role("button", name="Predict").click()
    assert tab.locator("#step-3\\.2").is_visible()
    assert tab.locator("figure").nth(1).is_visible()
    assert tab.locator(".veil").count() == 0


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_result_is_shown_by_key(opened: Open, key: str) -> None:
    tab = opened(solved("lab9"))
    tab.get_by_role("button", name="Predict").focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Show the result for z1").focus()
    tab.keyboard.press(key)
    assert tab.locator("#step-1\\.1 .result .value").first.is_visible()
    label = tab.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "Show the result for h1"


# -- quantities -----------------------------------------------------------------------------


def test_a_quantity_lights_up_everywhere(opened: Open) -> None:
    tab = opened(pictured())
    tab.locator("#step-1\\.2 [data-q='h2[1]']").first.hover()
    assert set(lit(tab)) == {"h2[1]"}
    assert tab.locator("svg [data-q='h2[1]'].lit").count() > 0
    steps = tab.evaluate("[...document.querySelectorAll('.lit')].map(e => e.closest('.step')?.id)")
    assert {"step-1.2", "step-1.3", "step-2.2"} <= set(steps)
    tab.locator("h1").hover()
    assert lit(tab) == []
    tab.locator("figure text[data-q='W2[0,1]']:visible").nth(1).hover()
    assert tab.locator("#step-1\\.2 [data-q='W2[0,1]'].lit").count() == 1


def test_a_gradient_lights_up_in_the_table(opened: Open) -> None:
    tab = opened(solved("lab9"))
    tab.locator("#step-2\\.5 mtd[data-q='dW2[0,1]']").first.hover()
    assert tab.locator("td [data-q='dW2[0,1]'].lit").count() == 1


def test_quantities_and_entries_by_keyboard_alone(opened: Open) -> None:
    tab = opened(solved("lab9"))
    for _ in range(80):
        tab.keyboard.press("Tab")
        where = (
            "document.activeElement.closest('.step')?.id + ' ' + document.activeElement.dataset.q"
        )
        if tab.evaluate(where) == "step-2.5 dW2":
            break
    else:
        pytest.fail("the Tab key does not reach the gradient")
    assert "dW2" in lit(tab)
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for _ in range(40):
        if tab.evaluate("document.activeElement.classList.contains('opens')"):
            break
        tab.keyboard.press("ArrowRight")
    assert tab.evaluate("document.activeElement.dataset.q") == "dW2[0,0]"
    assert "dW2[0,0]" in lit(tab)
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    line = tab.locator("[data-entry='dW2[0,1]']")
    assert line.is_visible()
    assert not tab.locator("[data-entry='dW2[0,0]']").is_visible()
    assert "−0.0219" in line.inner_text()
    assert tab.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert "dW2[0,1]" in tab.inner_text("#spoken")
    tab.keyboard.press("Space")
    assert not line.is_visible()
    assert current(tab) == ""


def test_an_entry_opens_by_click_and_all_by_the_summary(opened: Open) -> None:
    tab = opened(solved("batch"))
    entry = tab.locator("#step-1\\.1 .result mtd[data-q='z1[1]']").first
    entry.click()
    assert tab.locator("[data-entry='z1[1]']").is_visible()
    assert not tab.locator("[data-entry='z1[0]']").is_visible()
    tab.locator("#step-1\\.1 summary").first.click()
    assert tab.locator("[data-entry='z1[0]']").is_visible()
    tab.locator("#step-1\\.1 summary").first.click()
    assert not tab.locator("[data-entry='z1[0]']").is_visible()


# -- how it looks ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lab9", "attention"])
def test_brackets_stretch_and_columns_align(opened: Open, name: str) -> None:
    tab = opened(solved(name))
    ratios = tab.evaluate(
        """[...document.querySelectorAll("main > .phase .tall")].map(row => {
            const table = row.querySelector(":scope > mtable"), bracket = row.firstElementChild;
            if (!table || !row.checkVisibility()) return null;
            const height = e => e.getBoundingClientRect().height;
            return height(bracket) / height(table);
        }).filter(ratio => ratio !== null)"""
    )
    assert len(ratios) > 10
    assert all(0.85 < ratio < 1.35 for ratio in ratios), ratios
    assert tab.evaluate("document.fonts.check('16px \"Handgrad Math\"')")


def test_decimal_points_are_under_each_other(opened: Open) -> None:
    tab = opened(solved("lab9"))
    ends = tab.evaluate(
        """[...document.querySelectorAll("#step-2\\\\.6 .result mtd mn")].map(number => {
            const text = number.firstChild, range = document.createRange();
            range.setStart(text, text.data.indexOf(".")); range.setEnd(text, text.data.indexOf(".") + 1);
            return range.getBoundingClientRect().left;
        })"""
    )
    assert len(ends) == 2
    assert abs(ends[0] - ends[1]) < 0.6


@pytest.mark.parametrize("name", ["lab9", "batch", "attention", "conv", "regression"])
def test_nothing_is_wider_than_a_phone(opened: Open, name: str) -> None:
    tab = opened(solved(name), width=360, height=740)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1100), ("light", 360)])
def test_accessible(opened: Open, scheme: str, width: int) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    tab = opened(pictured(), width=width, color_scheme=scheme)
    tab.keyboard.press("ArrowRight")
    tab.locator("#step-1\\.1 .opens").first.click()
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_accessible_while_guessing(opened: Open) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    tab = opened(solved("neuron"))
    tab.get_by_role("button", name="Predict").click()
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_the_theme_is_remembered(opened: Open) -> None:
    tab = opened(solved("neuron"), color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(paper)
    tab.get_by_role("button", name="Light or dark").click()
    dark = tab.evaluate(paper)
    assert light != dark
    # A busy browser writes down what it is to remember a little later.
    for wait in (0, 200, 2000):
        tab.wait_for_timeout(wait)
        tab.reload()
        if tab.evaluate(paper) == dark:
            break
    assert tab.evaluate(paper) == dark


def test_without_javascript_everything_is_there(opened: Open) -> None:
    tab = opened(solved("lab9"), java_script_enabled=False)
    assert not tab.locator(".bar").is_visible()
    for step in tab.locator(".step").all():
        assert step.is_visible()
    assert "0.4548" in tab.inner_text("#step-1\\.3")
    tab.locator("#step-2\\.5 summary").first.click()
    assert tab.locator("[data-entry='dW2[0,1]']").is_visible()


def test_reduced_motion_does_not_glide(opened: Open) -> None:
    smooth = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened(solved("neuron")).evaluate(smooth) == "smooth"
    assert opened(solved("neuron"), reduced_motion="reduce").evaluate(smooth) == "auto"


def test_print_shows_everything_and_no_controls(opened: Open) -> None:
    tab = opened(pictured())
    tab.get_by_role("button", name="Predict").click()
    tab.emulate_media(media="print")
    assert not tab.locator(".bar").is_visible()
    assert tab.locator("#step-3\\.2").is_visible()
    assert tab.locator("#step-1\\.1 .value").first.is_visible()
    assert not tab.locator(".veil").first.is_visible()
    assert tab.locator("figure").nth(1).is_visible()


def test_the_picture_stays_in_view(opened: Open) -> None:
    tab = opened(pictured(), reduced_motion="reduce")
    tab.get_by_role("button", name="Picture").click()
    for _ in range(6):
        tab.keyboard.press("j")
    picture, step = (
        tab.locator("figure").nth(2).bounding_box(),
        tab.locator(".step.current").bounding_box(),
    )
    assert 0 <= picture["y"] < 100
    assert step["y"] >= picture["y"] + picture["height"] - 2
    tab.set_viewport_size({"width": 1920, "height": 1000})
    picture, step = (
        tab.locator("figure").nth(2).bounding_box(),
        tab.locator(".step.current").bounding_box(),
    )
    assert picture["x"] >= step["x"] + step["width"]


def test_a_pinned_picture_shows_what_is_read_in_letters_that_can_be_read(opened: Open) -> None:
    tab = opened(pictured(), width=390, height=700, reduced_motion="reduce")
    tab.locator('[data-do="pin"]').click()
    seen = []
    for step in ("2.1", "2.4", "2.7"):
        tab.evaluate(f"location.hash = 'step-{step}'")
        settled(tab)
        seen.append(
            tab.evaluate("""() => {
              const figure = document.querySelectorAll('figure')[2];
              const svg = [...figure.querySelectorAll('svg')].find((s) => s.getClientRects().length);
              const inside = svg.getBoundingClientRect();
              const held = (q) => [...svg.querySelectorAll(`[data-q="${q}"]`)].some((e) => {
                const box = e.getBoundingClientRect();
                return box.top >= inside.top - 1 && box.bottom <= inside.bottom + 1;
              });
              const [, , width] = svg.getAttribute('viewBox').split(' ').map(Number);
              return [svg.getAttribute('viewBox'), svg.clientWidth / width, held('dz3'), held('dz2[1]'), held('dz1[0]')];
            }""")
        )
    views, scales, *held = zip(*seen, strict=True)
    assert len(set(views)) == 3
    assert min(scales) >= 0.75  # of letters of 12 pixels
    assert [held[k][k] for k in range(3)] == [True, True, True]


def test_a_pinned_picture_beside_the_steps_is_whole_and_leaves_the_result_in_view(
    opened: Open,
) -> None:
    """Above them it left the headings of its layers out, and the result lay below the window."""
    page = handgrad.solve(handgrad.load("classes")).page(pictures=True)
    tab = opened(page, width=1280, height=900, reduced_motion="reduce")
    tab.locator('[data-do="pin"]').click()
    tab.evaluate("location.hash = 'step-2.4'")
    settled(tab)
    right, left, words, result = tab.evaluate("""() => {
      const step = document.getElementById('step-2.4');
      const figure = step.parentElement.querySelector(':scope > figure');
      const svg = [...figure.querySelectorAll('svg')].find((s) => s.getClientRects().length);
      const seen = [...svg.querySelectorAll('text')].filter((t) => {
        const box = t.getBoundingClientRect();
        return box.top > document.querySelector('.bar').getBoundingClientRect().bottom && box.bottom < innerHeight;
      });
      const results = [...step.querySelectorAll('.result')].map((r) => r.getBoundingClientRect().bottom);
      return [step.getBoundingClientRect().right, svg.getBoundingClientRect().left, seen.map((t) => t.textContent), Math.max(...results)];
    }""")
    assert right <= left
    assert {"input", "output", "loss"} <= set(words)
    assert result < 900
    # Where there is no room beside it, the headings are there if they fit with the layer.
    tab.set_viewport_size({"width": 1000, "height": 900})
    tab.evaluate("location.hash = 'step-1.2'")
    settled(tab)
    top = tab.evaluate("""() => {
      const figure = document.getElementById('step-1.2').parentElement.querySelector(':scope > figure');
      const svg = [...figure.querySelectorAll('svg')].find((s) => s.getClientRects().length);
      return Number(svg.getAttribute('viewBox').split(' ')[1]);
    }""")
    assert top == 0


@pytest.mark.parametrize("name", ["lab9", "classes"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (768, 1024), (390, 844)])
def test_a_pinned_picture_is_cropped_between_layers(
    opened: Open, name: str, width: int, height: int
) -> None:
    """No unit is cut by an edge, no index is below 7 pixels, and which case it shows is said."""
    tab = opened(
        pictured(name, open_entries=False), width=width, height=height, reduced_motion="reduce"
    )
    tab.locator('[data-do="pin"]').click()
    for step in ("1.1", "1.2", "2.2", "2.4", "2.7"):
        tab.evaluate(f"location.hash = 'step-{step}'")
        settled(tab)
        cut, smallest, said = tab.evaluate(
            """(step) => {
              const section = document.getElementById(`step-${step}`).closest('.phase');
              const figure = section.querySelector('figure');
              const svg = [...figure.querySelectorAll('svg')].find((s) => s.getClientRects().length);
              const box = svg.getBoundingClientRect();
              const given = (svg.style.clipPath.match(/[0-9.]+/g) ?? ['0']).map(Number);
              const inset = [given[0], 0, given[2] ?? given[0]];
              const [top, bottom] = [box.top + inset[0], box.bottom - inset[2]];
              const units = [...svg.querySelectorAll('circle.hg-face, rect.hg-face')].map((e) => e.getBoundingClientRect());
              const across = (end) => units.filter((u) => u.top < end - 3 && u.bottom > end + 3).length;
              const scale = box.width / svg.viewBox.baseVal.width;
              const sizes = [...svg.querySelectorAll('[font-size]')].map((e) => parseFloat(e.getAttribute('font-size')));
              const words = [...svg.querySelectorAll('text')].filter((t) => t.getBoundingClientRect().bottom < bottom + 1);
              const said = figure.dataset.of ?? words.map((t) => t.textContent).find((t) => t.startsWith('case ')) ?? '';
              return [svg.style.clipPath || svg.style.height ? across(top) + across(bottom) : 0, Math.min(...sizes) * scale, said];
            }""",
            step,
        )
        assert cut == 0
        assert smallest >= 7 or width < 400  # a network drawn upright has a width of its own
        assert said == ("case 1 of 3" if name == "classes" else "")


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (768, 1024), (390, 844)])
def test_a_pinned_picture_shows_a_large_layer_whole(opened: Open, width: int, height: int) -> None:
    tab = opened(
        pictured("classes", open_entries=False), width=width, height=height, reduced_motion="reduce"
    )
    tab.locator('[data-do="pin"]').click()
    for step, quantity in (("1.1", "h1"), ("1.2", "h2"), ("2.4", "dz2"), ("2.5", "dz2")):
        tab.evaluate(f"location.hash = 'step-{step}'")
        settled(tab)
        shown, cut, scale, clear = tab.evaluate(
            """([step, quantity]) => {
              const section = document.getElementById(`step-${step}`);
              const figure = section.parentElement.querySelector(':scope > figure');
              const svg = [...figure.querySelectorAll('svg')].find((s) => s.getClientRects().length);
              const inside = svg.getBoundingClientRect();
              const units = [...svg.querySelectorAll(`.hg-face[data-q^="${quantity}["]`)]
                .map((e) => e.getBoundingClientRect());
              const cut = units.filter((b) => b.top < inside.top - 1 || b.bottom > inside.bottom + 1);
              const [, , wide] = svg.getAttribute('viewBox').split(' ').map(Number);
              const { top, right } = section.getBoundingClientRect();
              const clear = Math.max(top - inside.bottom, inside.left - right);
              return [units.length, cut.length, svg.clientWidth / wide, clear];
            }""",
            [step, quantity],
        )
        assert shown >= 2
        assert cut == 0, (step, quantity)
        assert scale >= 0.74, step
        assert clear > 0, step


def test_columns_stand_beside_each_other_or_below(opened: Open) -> None:
    one = tuple(b for b in solved("neuron").blocks if isinstance(b, Derivation | Note | Heading))[
        :6
    ]
    page = Page("Compared", (Heading(("Compared",), 1), Columns((one, one))))
    place = "[...document.querySelectorAll('.column')].map(c => c.getBoundingClientRect().top)"
    tops = opened(page, width=1200).evaluate(place)
    assert tops[0] == tops[1]
    tops = opened(page, width=360).evaluate(place)
    assert tops[0] < tops[1]


SCROLLING = """async () => {
    const times = [];
    let last = performance.now();
    for (let k = 0; k < 40; k++) {
        scrollBy({ top: 400, behavior: "instant" });
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - last);
        last = performance.now();
    }
    return times.sort((a, b) => a - b)[20];
}"""


def long(steps: int) -> Page:
    """A page of many steps, each with the lab's first one."""
    block = next(b for b in solved("lab9").blocks if isinstance(b, Derivation) and opens(b))
    blocks: list[Block] = [Heading(("Long",), 1), Heading(("Forward pass",), 2)]
    for k in range(steps):
        blocks += [Heading((f"Step {k}",), 3, f"1.{k + 1}"), block]
    return Page("Long", tuple(blocks))


def opens(block: Derivation) -> bool:
    return any(relation.entries for relation in block.relations)


WHAT_IS_THERE = (
    "[...document.querySelectorAll('main > :not(noscript)')].map((part) => part.textContent)",
    "document.querySelectorAll('.opens').length",
    "document.querySelectorAll('.relation [tabindex]').length",
    "[...document.querySelectorAll('.step')].map((step) => step.id)",
)


@pytest.fixture
def packing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of the lab is as one of four million letters."""
    monkeypatch.setattr("handgrad.formats.html.packing.LONG", 20_000)
    monkeypatch.setattr("handgrad.formats.html.packing.NEAR", 20_000)
    monkeypatch.setattr("handgrad.formats.html.packing.ROWS", 2)


def test_a_long_page_has_everything_once_it_is_put_in(
    opened: Open, request: pytest.FixtureRequest
) -> None:
    whole = opened(pictured(), height=600)
    request.getfixturevalue("packing")
    assert render_html(pictured()).count('<template class="later">') > 8
    tab = opened(pictured(), height=600)
    tab.wait_for_selector("template.later", state="detached")
    for seen in WHAT_IS_THERE:
        assert tab.evaluate(seen) == whole.evaluate(seen)


@pytest.mark.usefixtures("packing")
def test_what_is_packed_comes_where_a_reader_goes(opened: Open) -> None:
    tab = opened(pictured(), height=300)
    tab.evaluate("location.hash = 'step-2.8'")
    tab.wait_for_selector("[id='step-2.8'] .relation")
    assert current(tab) == "step-2.8"
    tab.locator("[id='step-2.8'] mtd.opens[data-q='dW1[0,0]']").first.click()
    assert tab.locator("[id='step-2.8'] .relation.open").count() == 1


@pytest.mark.usefixtures("packing")
def test_what_is_packed_is_guessed_too(opened: Open) -> None:
    tab = opened(solved("lab9"), height=300)
    tab.locator('[data-do="predict"]').click()
    tab.wait_for_selector("template.later", state="detached")
    assert (
        tab.evaluate(
            "document.querySelectorAll('.step .link.result:not(.entries *):not(.veiled)').length"
        )
        == 0
    )


@pytest.mark.usefixtures("packing")
def test_a_long_page_says_that_it_needs_javascript(opened: Open) -> None:
    tab = opened(solved("lab9"), java_script_enabled=False)
    assert "JavaScript is off" in tab.locator("main").inner_text()
    whole = render_html(handgrad.solve(handgrad.load("neuron")).page())
    assert "<template" not in whole


@pytest.mark.sweep
def test_a_thousand_steps_scroll(opened: Open) -> None:
    """A frame costs about what it costs on a page of a hundred: what is out of sight is not drawn."""
    short, full = opened(long(100)), opened(long(1000))
    ratio = 10.0
    for _ in range(3):  # what else the machine does may disturb one of them
        ratio = min(ratio, full.evaluate(SCROLLING) / short.evaluate(SCROLLING))
        if ratio < 3:
            break
        short.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    assert ratio < 3
    full.keyboard.press("End")
    assert current(full) == "step-1.1000"


# -- slides ---------------------------------------------------------------------------------


def deck() -> Page:
    """The lab with a slide for every step."""
    page = solved("lab9")
    blocks = tuple(
        replace(b, level=2) if isinstance(b, Heading) and b.level == 3 else b for b in page.blocks
    )
    return replace(page, blocks=blocks, layout="slides")


def shown(tab: Any) -> str:
    return str(tab.evaluate("document.querySelector('.slide.shown').id"))


def test_slides(opened: Open) -> None:
    tab = opened(deck(), width=1280, height=720)
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Space")
    assert shown(tab) == "slide-3"
    assert tab.locator("#slide-3").is_visible()
    assert not tab.locator("#slide-2 h2").is_visible()
    tab.mouse.click(100, 600)
    assert shown(tab) == "slide-2"
    tab.mouse.click(1000, 600)
    tab.keyboard.press("End")
    last = shown(tab)
    tab.keyboard.press("Home")
    assert shown(tab) == "slide-1"
    tab.keyboard.press("o")
    assert tab.locator(".overview #slide-2 h2").is_visible()
    tab.locator("#slide-4").click()
    assert shown(tab) == "slide-4"
    assert last == f"slide-{tab.locator('.slide').count()}"
    box = tab.locator("#slide-4").bounding_box()
    assert abs(box["width"] / box["height"] - 16 / 9) < 0.01
    assert "Slide 4 of" in tab.inner_text("#spoken")


def test_slides_hold_what_is_on_them(opened: Open) -> None:
    tab = opened(deck(), width=1280, height=720)
    settled(tab)
    over = tab.evaluate(
        """[...document.querySelectorAll(".slide")]
            .map(s => s.querySelector(".content").scrollHeight - s.clientHeight)"""
    )
    assert max(over) <= 2


def test_pictures_on_slides_grow_with_them(opened: Open) -> None:
    """A drawing's own letters are 12 pixels high: measured in those it was a stamp of 212 at every width."""
    slides = handgrad.solve(handgrad.load("lab9")).slides()
    for width in (1280, 1920):
        tab = opened(slides, width=width, height=width * 9 // 16)
        settled(tab)
        drawn = tab.evaluate(
            "[...document.querySelectorAll('.slide figure svg')].map(s => s.clientWidth)"
        )
        assert len(drawn) == 5
        assert min(drawn) > width / 3


def test_a_slide_on_a_phone_is_the_same_slide_smaller(opened: Open) -> None:
    """Letters of tables, of wide numbers and of text keep their sizes beside each other."""
    table = Table(((), ("what was done",)), ((("1",), ("the gate is left out",)),), "rl")
    solved_step = handgrad.solve(handgrad.load("lab9")).slides().blocks
    blocks = (Heading(("What went wrong",), 1), table, *solved_step)
    page = replace(deck(), blocks=blocks)
    sizes = {}
    for width in (1280, 390):
        tab = opened(page, width=width, height=width * 9 // 16)
        sizes[width] = tab.evaluate(
            """() => [...document.querySelectorAll('.slide')].map(slide => {
                const of = e => parseFloat(getComputedStyle(e).fontSize);
                const text = of(slide.querySelector('.content'));
                return [...slide.querySelectorAll('td, .label, .sized')].map(e => of(e) / text);
            })"""
        )
        assert tab.evaluate("getComputedStyle(document.querySelector('td')).textAlign") == "right"
    for wide, narrow in zip(sizes[1280], sizes[390], strict=True):
        assert narrow == pytest.approx(wide, abs=0.2)


@pytest.mark.parametrize("script", [True, False])
def test_slides_print_one_a_page(opened: Open, script: bool) -> None:
    tab = opened(deck(), java_script_enabled=script)
    if script:
        settled(tab)
    pdf = tab.pdf(prefer_css_page_size=True)
    assert pdf.count(b"/Type /Page\n") == tab.locator(".slide").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_slides_are_accessible(opened: Open, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    tab = opened(deck(), color_scheme=scheme)
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_slides_without_javascript_are_a_list(opened: Open) -> None:
    tab = opened(deck(), java_script_enabled=False)
    assert all(slide.is_visible() for slide in tab.locator(".slide h2").all())


def test_answers_are_folded_until_they_are_asked_for(opened: Open) -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    page = questions_page(trace, questions_for(trace))
    tab = opened(page)
    assert tab.get_by_role("button", name="Predict").count() == 0
    answers = tab.locator(".answer > p")
    assert not answers.first.is_visible()
    tab.get_by_role("button", name="Show the answer").first.click()
    assert answers.first.is_visible()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert current(tab) == tab.locator(".answer").nth(1).get_attribute("id")
    second = tab.locator(".answer").nth(1)
    assert second.locator(".unfold").count() == 1
    tab.keyboard.press("ArrowRight")
    assert second.locator(".unfold").count() == 0
    tab.emulate_media(media="print")
    assert tab.locator(".answer").last.locator("p").first.is_visible()


def test_predict_is_offered_only_where_there_is_something_to_predict() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    gates = handgrad.gates(handgrad.load("classes")).page()
    sheet = Exercise(trace, "Sheet 1")
    for page, offered in (
        (trace.page(), True),
        (gates, False),
        (sheets_page([sheet]), False),
    ):
        assert ('data-do="predict"' in render_html(page)) == offered


def test_wide_numbers_begin_below_their_name_on_a_phone(opened: Open) -> None:
    """Eight units and three cases: nothing scrolls, and what fits in full size is not set smaller."""
    page = handgrad.solve(handgrad.load("classes")).page()
    for width, told in ((390, True), (1280, False)):
        tab = opened(page, width=width)
        settled(tab)
        wide = tab.evaluate(
            "[...document.querySelectorAll('.derivation')].filter(d => d.scrollWidth > d.clientWidth + 1).length"
        )
        assert wide == 0
        sizes = tab.evaluate(
            "[...document.querySelectorAll('#step-1\\\\.1 .result math')].map(m => parseFloat(getComputedStyle(m).fontSize))"
        )
        assert min(sizes) > 15
        # What has numbers put in is as large in one relation of a step as in the next.
        many = tab.evaluate(
            "[...document.querySelectorAll('.step .derivation:not(.entries *)')].map(d => new Set("
            "[...d.querySelectorAll(':scope > .relation > .chain > .link:not(.first) math')]"
            ".map(m => getComputedStyle(m).fontSize)).size)"
        )
        assert max(many) == 1
        seen = tab.evaluate("[...document.querySelectorAll('.told')].map(e => e.clientWidth > 0)")
        assert set(seen) == {told}
        beside = tab.evaluate(
            "[...document.querySelectorAll('.remarks')].map(e => e.getBoundingClientRect().width > 0)"
        )
        assert (not any(beside)) if told else all(beside)


def test_predict_hides_what_the_solution_comes_to(opened: Open) -> None:
    tab = opened(solved("lab9"), width=1280)
    abstract = tab.locator("h1 + .note")
    assert abstract.is_visible()
    tab.get_by_role("button", name="Predict").click()
    assert not abstract.is_visible()
    tab.get_by_role("button", name="Predict").click()
    assert abstract.is_visible()


def test_a_jump_while_predicting_shows_what_lies_before(opened: Open) -> None:
    """Step 2.4 puts the numbers of 2.2 and 2.3 in, which can no longer be guessed then."""
    tab = opened(solved("lab9"), width=1280)
    tab.get_by_role("button", name="Predict").click()
    tab.evaluate("location.hash = '#step-2.4'")
    settled(tab)
    hidden = tab.evaluate(
        "[...document.querySelectorAll('.veiled')].map(e => e.closest('.step').id)"
    )
    assert min(hidden) == "step-2.4"
    assert "step-3.1" in hidden


def test_pictures_wait_while_results_are_guessed(opened: Open) -> None:
    tab = opened(pictured(), width=800)
    pin = tab.locator('[data-do="pin"]')
    tab.get_by_role("button", name="Predict").click()
    assert pin.get_attribute("aria-disabled") == "true"
    pin.click(force=True)
    assert pin.get_attribute("aria-pressed") == "false"
    tab.get_by_role("button", name="Predict").click()
    pin.click()
    assert pin.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("name", ["lab9", "classes", "conv", "attention", "rnn", "gru"])
def test_a_phone_s_captions_are_of_the_picture_that_is_drawn_there(opened: Open, name: str) -> None:
    """One picture and one caption are shown at each width, and the caption says no more than is in that picture."""
    page = pictured(name, open_entries=False)
    shown = """() => [...document.querySelectorAll('figure')].map((figure) => {
      const visible = (e) => e.getClientRects().length > 0;
      const pictures = [...figure.querySelectorAll('.picture')].filter(visible);
      const caption = figure.querySelector('figcaption');
      const box = caption.getBoundingClientRect();
      return {
        pictures: pictures.length,
        dashed: pictures[0].querySelectorAll('[stroke-dasharray]').length > 0,
        numbers: pictures[0].querySelectorAll('.hg-halo').length > 0,
        words: caption.innerText,
        fits: box.left >= 0 && box.right <= innerWidth && caption.scrollWidth <= caption.clientWidth + 1,
      };
    })"""
    for width in (390, 1280):
        figures = opened(page, width=width).evaluate(shown)
        assert len(figures) == 3
        for each in figures:
            assert each["pictures"] == 1
            assert each["fits"]
            assert each["words"].endswith(".")
            assert each["words"].count(".") == 1  # one of the two captions
            if "dashed" in each["words"]:
                assert each["dashed"]
            if "on the edges" in each["words"]:
                assert each["numbers"]
