"""The lab as it is looked at for the gallery: served by its own command, acted on, and photographed."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from PIL.Image import Image
    from playwright.sync_api import Page as Tab

FILM_WIDTH = 900
"""Pixels of the film's frames."""

Frame: TypeAlias = "tuple[Image, int]"
"""A picture, and the milliseconds that it is shown."""


@contextmanager
def served(problem: str) -> Iterator[str]:
    """The address of a lab with this problem, while it is used."""
    command = [sys.executable, "-m", "handgrad", "lab", problem, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lab:
        try:
            assert lab.stdout is not None
            yield lab.stdout.readline().split()[0]
        finally:
            lab.terminate()


def settled(tab: Tab) -> None:
    """Waits until everything that was asked is answered and shown."""
    tab.wait_for_timeout(150)
    tab.wait_for_selector("body[data-busy=false]")
    tab.wait_for_timeout(250)


def field(tab: Tab, name: str) -> Any:
    return tab.locator(f'#numbers input[data-input="{name}"]')


def closer(tab: Tab) -> None:
    """A number is edited, with the loss along it beside the page."""
    field(tab, "W2[1,0]").focus()
    tab.wait_for_selector("#sweep svg")
    field(tab, "W2[1,0]").fill("-0.1")
    settled(tab)
    tab.wait_for_selector("#why h1")
    to(tab, "1.1")


def phone(tab: Tab) -> None:
    """The picture on a phone, with a number in hand."""
    tab.locator(".givens summary").first.click()
    field(tab, "x[0]").fill("-1")
    field(tab, "x[0]").blur()
    tab.locator("[data-do=close]").click()
    tab.locator(".givens summary").first.click()
    settled(tab)
    to(tab, "Forward")


def present(tab: Tab) -> None:
    """The step at which a gate is shut, on a wall."""
    tab.locator("[data-do=present]").click()
    for _ in range(6):
        tab.keyboard.press("ArrowRight")
    settled(tab)


def predict(tab: Tab) -> None:
    """A wrong figure found, and what follows from it right."""
    tab.locator("[data-do=predict]").click()
    for step in ("1.1", "1.2"):
        tab.wait_for_selector(f'#asking[data-step="{step}"]')
        if step == "1.1":
            tab.locator("[data-ask=on]").click()
    for name, figure in (("z2[0]", "0.42"), ("z2[1]", "-0.37"), ("h2[0]", "0.42"), ("h2[1]", "0")):
        tab.locator(f'[data-answer="{name}"]').fill(figure)
    tab.locator('[data-gate="h2[1]"]').check()
    tab.keyboard.press("Enter")
    tab.locator('[data-answer="h2[1]"]').press("Enter")
    tab.wait_for_selector("#verdict table")
    settled(tab)
    to(tab, "1.2")


ACTS: dict[str, Callable[[Tab], None]] = {
    "closer": closer,
    "phone": phone,
    "present": present,
    "predict": predict,
}


def to(tab: Tab, heading: str) -> None:
    """Scrolls to the heading that begins so."""
    for _ in range(2):
        tab.evaluate(
            "place => [...document.querySelectorAll('#main h2, #main h3')]"
            ".find(each => each.textContent.trim().startsWith(place)).scrollIntoView({behavior: 'instant'})",
            heading,
        )
        tab.wait_for_timeout(200)


def film(tab: Tab, image: Callable[[bytes], Image]) -> bytes:
    """An edit that switches a unit on, as an animated picture: a WebP, of which each frame holds what differs."""
    import PIL.Image

    frames: list[Frame] = []

    def take(milliseconds: int) -> None:
        picture = image(tab.screenshot())
        high = round(picture.height * FILM_WIDTH / picture.width)
        size = (FILM_WIDTH, high)
        frames.append((picture.resize(size, PIL.Image.Resampling.LANCZOS), milliseconds))

    to(tab, "1.2")
    take(1400)
    field(tab, "W2[1,0]").focus()
    tab.wait_for_selector("#why h1")
    settled(tab)
    take(1600)
    for k in range(7):
        tab.keyboard.press("ArrowUp")
        settled(tab)
        take(1600 if k in (2, 6) else 350)
    tab.keyboard.press("Control+z")
    settled(tab)
    take(1800)
    return animated(frames)


def animated(frames: Sequence[Frame]) -> bytes:
    """The frames as one WebP that begins anew when it ends."""
    (first, _), *rest = frames
    stream = io.BytesIO()
    first.save(
        stream,
        "WEBP",
        save_all=True,
        append_images=[picture for picture, _ in rest],
        duration=[milliseconds for _, milliseconds in frames],
        loop=0,
        quality=60,
        method=6,
        minimize_size=True,
    )
    return stream.getvalue()
