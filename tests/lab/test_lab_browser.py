"""The lab in a real browser: editing by keyboard and by pointer, undoing, links, looking closer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.lab.standing import numbers_in, values_in
from tests.lab.conftest import bundled_text
from tests.lab.test_answers import FIVE, of_trace
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
def opened(browser: Any, address: str) -> Iterator[Open]:
    """Opens a page of the lab; fails on any error in it, and on any request to another host."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def show(place: str = "/", *, width: int = 1400, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda line: wrong.append(line.text) if "422" not in line.text else None)
        tab.on("request", lambda request: asked(request.url))
        tab.goto(f"{address}{place}")
        tab.evaluate("document.fonts.ready")
        return tab

    def asked(url: str) -> None:
        if not url.startswith((address, "data:", f"blob:{address}")):
            wrong.append(url)

    yield show
    for context in contexts:
        context.close()
    assert not wrong


def settled(tab: Any) -> None:
    """Waits until everything that was asked is answered and shown."""
    tab.wait_for_selector("body[data-busy=false]", timeout=20_000)


def figures(tab: Any) -> dict[str, list[str]]:
    """The values on the page, by name."""
    found: dict[str, list[str]] = tab.evaluate(
        "() => { const found = {}; for (const e of document.querySelectorAll('#main [data-value]'))"
        " (found[e.dataset.name] ??= []).push(e.dataset.value); return found; }"
    )
    return found


def text_of(tab: Any) -> str:
    return str(tab.evaluate("document.querySelector('#text').value"))


def same_as_solve(tab: Any, problem: handgrad.Problem) -> None:
    """Every figure on the page is that of `solve` on this problem."""
    trace = handgrad.solve(problem)
    for name, values in figures(tab).items():
        expected = of_trace(trace, name)
        if np.isfinite(expected):
            for value in values:
                assert abs(float(value) - expected) <= 1e-12 * abs(expected), name


def field(tab: Any, name: str) -> Any:
    return tab.locator(f'#numbers input[data-input="{name}"]')


def test_an_edit_by_keyboard_switches_unit_2_on(opened: Open) -> None:
    tab = opened()
    before = bundled_text("lab9")
    field(tab, "W2[1,0]").focus()
    for _ in range(7):
        tab.keyboard.press("ArrowUp")
    settled(tab)
    assert text_of(tab) == before.replace("[-0.5, 0.3]", "[0.2, 0.3]")
    same_as_solve(tab, handgrad.load("lab9").with_values({"W2": "[[0.4, -0.2], [0.2, 0.3]]"}))
    told = tab.inner_text("#told")
    assert told.startswith("Unit 2 of layer 2 switched on; row 2 of")
    tab.keyboard.press("Control+z")
    settled(tab)
    assert text_of(tab) == before
    same_as_solve(tab, handgrad.load("lab9"))
    tab.keyboard.press("Control+y")
    settled(tab)
    assert "[0.2, 0.3]" in text_of(tab)


def test_a_number_is_typed_where_it_stands(opened: Open) -> None:
    tab = opened()
    tab.locator('#main math [data-input="b2[1]"]').first.click()
    tab.keyboard.type("1/3")
    tab.keyboard.press("Enter")
    settled(tab)
    assert 'b2 = [0.2, "1/3"]' in text_of(tab)
    same_as_solve(tab, handgrad.load("lab9").with_values({"b2": "[0.2, 1/3]"}))
    tab.locator('#main math [data-input="b2[1]"]').first.click()
    tab.keyboard.type("0.10")
    tab.keyboard.press("Enter")
    settled(tab)
    assert "b2 = [0.2, 0.10]" in text_of(tab)


def test_a_number_is_dragged_in_the_picture(opened: Open) -> None:
    tab = opened()
    figure = tab.locator('#main svg text[data-input="W2[0,0]"]').first
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    for by in (10, 20, 30, 40):
        tab.mouse.move(x + by, y)
    tab.mouse.up()
    settled(tab)
    assert "W2 = [[0.9, -0.2]" in text_of(tab)
    same_as_solve(tab, handgrad.loads(text_of(tab)))
    tab.locator("[data-do=undo]").click()
    settled(tab)
    assert text_of(tab) == bundled_text("lab9")


def random_edits(tab: Any, name: str, count: int) -> None:
    text = bundled_text(name)
    drawn = random.Random(name)
    names = list(numbers_in(values_in(text), handgrad.loads(text)))
    # What a loss is made for may leave no other target: the others are edited.
    names = [each for each in names if not each.startswith("y")]
    for _ in range(count):
        number = drawn.choice(["0.25", "-0.75", "1.5", "2/3", "0"])
        field(tab, drawn.choice(names)).fill(number)
    tab.locator("#numbers input").first.blur()
    settled(tab)
    now = text_of(tab)
    if tab.locator("#wrong").is_hidden():
        same_as_solve(tab, handgrad.loads(now))
    while tab.get_attribute("[data-do=undo]", "aria-disabled") != "true":
        tab.locator("[data-do=undo]").click()
    settled(tab)
    assert text_of(tab) == text
    same_as_solve(tab, handgrad.loads(text))


def test_random_edits_and_back(opened: Open) -> None:
    random_edits(opened(), "lab9", 4)


@pytest.mark.sweep
@pytest.mark.parametrize("name", FIVE)
def test_many_random_edits_and_back(opened: Open, name: str) -> None:
    for _ in range(8):
        random_edits(opened(f"/problems/{name}"), name, 5)


def test_typing_is_never_lost(opened: Open) -> None:
    tab = opened()
    # Answers come late, and the first of them last.
    waits = iter([900, 300, 50, 10, 10, 10, 10])
    tab.route(
        "**/answers/page", lambda route: (tab.wait_for_timeout(next(waits, 5)), route.continue_())
    )
    target = field(tab, "b3")
    target.focus()
    target.press("Control+a")
    tab.keyboard.type("-1.25", delay=40)
    settled(tab)
    assert target.input_value() == "-1.25"
    assert "b3 = -1.25" in text_of(tab)
    same_as_solve(tab, handgrad.load("lab9").with_values({"b3": "-1.25"}))


def test_a_mistake_is_told_and_the_page_stays(opened: Open) -> None:
    tab = opened()
    before = figures(tab)
    tab.locator("#editor summary").click()
    tab.locator("#text").fill(bundled_text("lab9").replace("h1 = relu(z1)", "h1 = relu(zz1)"))
    settled(tab)
    assert "zz1 has no number" in tab.inner_text("#wrong")
    assert figures(tab) == before
    tab.locator("#wrong button").click()
    assert (
        tab.evaluate(
            "{const t = document.querySelector('#text'); t.value.slice(t.selectionStart, t.selectionEnd)}"
        )
        == "zz1"
    )
    tab.locator("#text").fill(bundled_text("lab9").replace("h1 = relu(z1)", "h1 = tanh(z1)"))
    settled(tab)
    assert tab.locator("#wrong").is_hidden()
    same_as_solve(tab, handgrad.loads(text_of(tab)))


def test_a_link_opens_the_same_page_in_a_fresh_browser(opened: Open, address: str) -> None:
    tab = opened()
    field(tab, "w3[0]").fill("-0.9")
    tab.locator(".menu:has(#view) > summary").click()
    tab.locator("#view [name=decimals]").fill("2")
    settled(tab)
    tab.locator(".menu:has(#link) > summary").click()
    tab.wait_for_selector("#qr svg")
    link = tab.input_value("#link")
    other = opened(link.removeprefix(address))
    settled(other)
    assert text_of(other) == text_of(tab)
    assert other.inner_html("#main h1") == tab.inner_html("#main h1")
    assert figures(other) == figures(tab)
    assert (
        other.locator("#main .step").all_inner_texts()
        == tab.locator("#main .step").all_inner_texts()
    )


def test_a_file_is_saved(opened: Open, tmp_path: Path) -> None:
    tab = opened()
    field(tab, "b3").fill("0.5")
    settled(tab)
    tab.locator(".menu:has(#link) > summary").click()
    with tab.expect_download() as download:
        tab.locator("[data-save=toml]").click()
    download.value.save_as(tmp_path / "p.toml")
    assert (tmp_path / "p.toml").read_text() == text_of(tab)


def test_looking_closer_shows_why_and_the_loss_along_a_number(opened: Open) -> None:
    tab = opened()
    tab.locator('#main .relation [data-name="z2[1]"]').last.click()
    tab.wait_for_selector("#why h1")
    assert "Why" in tab.inner_text("#why h1")
    field(tab, "b2[0]").focus()
    tab.wait_for_selector("#sweep svg")
    box = tab.locator("#sweep svg").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.5)
    tab.mouse.up()
    settled(tab)
    number = handgrad.loads(text_of(tab)).parameters["b2"].array[0]
    assert 0.3 < number < 1.3
    same_as_solve(tab, handgrad.loads(text_of(tab)))
    tab.keyboard.press("Escape")
    assert tab.locator("#panel").is_hidden()


def test_a_figure_is_reached_and_looked_at_by_keyboard(opened: Open) -> None:
    tab = opened()
    tab.locator('#step-1\\.2 [data-name][tabindex="0"]').first.focus()
    tab.keyboard.press("ArrowRight")
    name = tab.evaluate("document.activeElement.dataset.name")
    assert name
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#why h1")
    assert tab.evaluate("document.activeElement.dataset.do") == "close"


def test_a_step_of_descent_is_that_of_the_page(opened: Open) -> None:
    tab = opened()
    updated = handgrad.solve(handgrad.load("lab9")).updated
    tab.locator("[data-do=step]").click()
    tab.wait_for_selector('#numbers input[data-input="W1[0,0]"][value^="0.50876"]')
    settled(tab)
    now = handgrad.loads(text_of(tab))
    for name, array in updated.items():
        assert now.parameters[name].array == pytest.approx(array, abs=1e-15)
    same_as_solve(tab, now)


def test_a_reader_works_it_out(opened: Open) -> None:
    tab = opened()
    tab.locator("[data-do=predict]").click()
    tab.wait_for_selector("#asking")
    assert "0.4548" not in tab.inner_text("#main")
    for name, figure in {"z1[0]": "0.6", "z1[1]": "0.3", "h1[0]": "0.6", "h1[1]": "0.3"}.items():
        tab.locator(f'[data-answer="{name}"]').fill(figure)
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#verdict table")
    said = tab.inner_text("#verdict")
    assert "WRONG in entry 2" in said
    assert "right, given what came before" in said
    tab.locator("[data-ask=on]").click()
    tab.wait_for_selector('#asking[data-step="1.2"]')
    assert tab.locator('#main [data-name="z1[1]"]').count() > 0
    assert tab.locator('#main [data-name="z2[1]"]').count() == 0
    tab.locator("[data-do=predict]").click()
    tab.wait_for_selector("#main svg")
    settled(tab)
    same_as_solve(tab, handgrad.load("lab9"))


def test_a_unit_more_and_another_activation(opened: Open) -> None:
    tab = opened()
    tab.locator("#editor summary").click()
    tab.locator('[data-change="unit 1"]').click()
    tab.wait_for_selector('#numbers input[data-input="W1[2,0]"]')
    tab.locator("[data-swap=relu]").select_option("swap relu tanh")
    settled(tab)
    tab.wait_for_selector('#main .step h3:has-text("tanh")')
    same_as_solve(tab, handgrad.loads(text_of(tab)))
    tab.locator("[data-do=undo]").click()
    tab.locator("[data-do=undo]").click()
    settled(tab)
    assert text_of(tab) == bundled_text("lab9")


def test_one_step_a_screen(opened: Open) -> None:
    tab = opened()
    tab.locator("[data-do=present]").click()
    for _ in range(6):
        tab.keyboard.press("ArrowRight")
    visible = [s for s in tab.locator("#main .step").all() if s.is_visible()]
    assert len(visible) == 1
    assert visible[0].get_attribute("id") == "step-2.4"
    assert tab.inner_text("#place") == "2.4"


def test_without_scripts_it_is_the_solution(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address)
    assert tab.locator("#main .step").count() == 13
    assert tab.locator(".lab-bar").is_hidden()
    assert tab.locator("#numbers").is_hidden()
    context.close()


VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "desk": ("/", {}),
    "phone": ("/problems/neuron", {"width": 390, "height": 800}),
    "dark": ("/problems/leaky", {"color_scheme": "dark"}),
    "start": ("/lab", {}),
    "predict": ("/", {}),
    "present": ("/", {}),
}


@pytest.mark.parametrize(
    "view", [pytest.param(v, marks=pytest.mark.sweep if v == "desk" else ()) for v in VIEWS]
)
def test_nothing_bars_anyone(opened: Open, view: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    place, options = VIEWS[view]
    tab = opened(place, **options)
    if view == "desk":
        field(tab, "W1[0,0]").focus()
        tab.wait_for_selector("#sweep svg")
    if view in ("predict", "present"):
        tab.locator(f"[data-do={view}]").click()
        settled(tab)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = axe.Axe().run(tab, options={"runOnly": {"type": "tag", "values": tags}})
    assert found.violations_count == 0, found.generate_report()


PATCHED = """async ([pages]) => {
  const { patch } = await import("/patch.js");
  const place = document.createElement("div");
  document.body.append(place);
  const same = [];
  for (const parts of pages) {
    const before = new Map([...place.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
    patch(place, parts);
    const after = [...place.querySelectorAll("[data-part]")];
    const met = after.filter((each) => before.has(each.dataset.part));
    same.push([place.innerHTML, met.every((each) => before.get(each.dataset.part) === each)]);
  }
  return same;
}"""


def test_parts_that_stand_there_stay_and_the_place_has_what_is_wanted(opened: Open) -> None:
    """Whatever parts follow whatever others: in other orders, sections and numbers, two alike among them."""
    drawn = random.Random(5)

    def part() -> tuple[str, str]:
        key = drawn.choice("abcdefgh")
        kind = {"a": "section", "b": "section", "c": "figure"}.get(key, "p")
        if kind == "section":
            return key, f'<section data-part="{key}" id="step-{key}"><h3>{key}</h3></section>'
        return key, f'<{kind} data-part="{key}"><i data-name="{key}">{key}</i>1</{kind}>'

    def page() -> list[tuple[str, str]]:
        parts: list[tuple[str, str]] = [("", "<h1>page</h1>")]
        for phase in range(drawn.randint(1, 3)):
            chosen = [part() for _ in range(drawn.randint(0, 5))]
            # The id of a section stands once.
            inside = list({key: (key, html) for key, html in chosen if key in "ab"}.items())
            sections = [each for _, each in inside if phase == 0]
            others = [each for each in chosen if each[0] not in "ab"]
            if others and drawn.random() < 0.3:
                others.append(others[0])
            mixed = drawn.sample([*sections, *others], len(sections) + len(others))
            parts += [("", f'<section id="part-{phase}">'), *mixed, ("", "</section>")]
        return parts

    pages = [page() for _ in range(150)]
    tab = opened("/problems/neuron")
    for parts, (html, _) in zip(pages, tab.evaluate(PATCHED, [pages]), strict=True):
        assert html == "".join(markup for _, markup in parts)


def test_a_step_that_an_edit_leaves_alone_is_not_touched(opened: Open) -> None:
    tab = opened("/problems/lab9")
    tab.evaluate(
        "document.querySelector('#step-1\\\\.1').mine = document.querySelector('#step-2\\\\.1').mine = 1"
    )
    field = tab.locator('#numbers input[data-input="b3"]')
    field.fill("0.7")
    settled(tab)
    html = tab.evaluate("[1, 2].map((k) => document.querySelector(`#step-${k}\\\\.1`).outerHTML)")
    again = opened("/problems/lab9")
    again.locator('#numbers input[data-input="b3"]').fill("0.7")
    settled(again)
    assert html == again.evaluate(
        "[1, 2].map((k) => document.querySelector(`#step-${k}\\\\.1`).outerHTML)"
    )
    assert tab.evaluate("document.querySelector('#step-1\\\\.1').mine") == 1
