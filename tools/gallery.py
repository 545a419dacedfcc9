"""Makes the gallery of the documents: every kind of page as a picture, and the page that shows them.

    python -m tools.gallery [NAME… | --all]

Needs handgrad with the extras `pdf` and `test`, and Chromium (CHROMIUM, or on the PATH). Writes
docs/gallery/ and docs/gallery.md; with names, only those pictures are taken again. With `--all` every kind of page of
eight problems is looked at and put on one contact sheet, as `python -m tools.inspection` does.
"""

from __future__ import annotations

import html
import io
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import handgrad
from tools.browser import browser
from tools.lab_views import ACTS, served
from tools.lab_views import film as filmed

if TYPE_CHECKING:
    from PIL.Image import Image
    from playwright.sync_api import Page as Tab

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "gallery"
DOCUMENT = ROOT / "docs" / "gallery.md"
FRAMES = Path(__file__).parent / "frames.css"

WIDEST = 1200
"""Pixels of the widest picture."""

HIGHEST = 16383
"""The height of a WebP picture, at most."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A window of a browser, scrolled to the heading that begins with `place`."""

    width: int = 1300
    height: int = 1000
    dark: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Pages of a PDF beside and under each other, counted from 0."""

    pages: tuple[int, ...]
    columns: int


@dataclass(frozen=True, slots=True)
class Console:
    """What the command prints, in colour."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook whose last line is this, and what Jupyter shows under it."""

    source: str


@dataclass(frozen=True, slots=True)
class Vector:
    """The file as it is: an .svg."""


@dataclass(frozen=True, slots=True)
class Acted:
    """A window of a browser in which the lab's page has been acted on, as `tools.lab_views.ACTS` says."""

    act: str
    width: int = 1400
    height: int = 900
    dark: bool = False


@dataclass(frozen=True, slots=True)
class Film:
    """An edit of the lab's page, as an animated picture."""

    width: int = 1300
    height: int = 760


View: TypeAlias = Screen | Sheet | Console | Cell | Vector | Acted | Film


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of the gallery: the command whose page it shows, how it is looked at, and its words."""

    name: str
    command: str
    view: View
    says: str

    @property
    def file(self) -> str:
        return f"{self.name}.{'svg' if isinstance(self.view, Vector) else 'webp'}"


SECTIONS: dict[str, tuple[Shot, ...]] = {
    "A worked solution in the browser": (
        Shot(
            "lab9-light",
            "handgrad solve lab9 -o lab9.html",
            Screen(height=1200),
            "The lab's network: equations, given numbers and the network they make.",
        ),
        Shot(
            "lab9-dark",
            "handgrad solve lab9 -o lab9.html",
            Screen(1700, 1000, dark=True, place="2.4"),
            "The same page in the dark, at the step where a gate is shut.",
        ),
        Shot(
            "lab9-phone",
            "handgrad solve lab9 -o lab9.html",
            Screen(390, 844, place="2.4"),
            "And on a phone.",
        ),
    ),
    "Live": (
        Shot(
            "lab-film",
            "handgrad lab lab9",
            Film(),
            "A weight is raised until unit 2 of layer 2 switches on; then the edits are undone.",
        ),
        Shot(
            "lab-dark",
            "handgrad lab lab9",
            Acted("closer", dark=True),
            "The loss along a weight, with its tangent and the place where a gate turns, and why the gradient is what it is.",
        ),
        Shot(
            "lab-predict",
            "handgrad lab lab9",
            Acted("predict", 1300, 1000),
            "Worked out by the reader: a slip is found and named.",
        ),
        Shot(
            "lab-present",
            "handgrad lab lab9",
            Acted("present", 1600, 900),
            "One step a screen, for a class.",
        ),
        Shot(
            "lab-phone",
            "handgrad lab lab9",
            Acted("phone", 390, 844),
            "And on a phone.",
        ),
    ),
    "On paper": (
        Shot(
            "lab9-pdf",
            "handgrad solve lab9 -o lab9.pdf",
            Sheet((0, 1), 2),
            "Two pages of the PDF, set by Typst.",
        ),
        Shot(
            "lab9-slides",
            "handgrad solve lab9 --as slides -o slides.pdf",
            Sheet((0, 1, 2, 5, 9, 12, 15, 20, 25), 3),
            "Slides for the class: goals, a step a slide, what a shut gate does, a question and its answer.",
        ),
    ),
    "In the terminal and in a notebook": (
        Shot(
            "lab9-terminal",
            "handgrad solve lab9 --step 2.4",
            Console(),
            "One step in the terminal.",
        ),
        Shot(
            "lab9-notebook",
            "handgrad solve lab9 -o lab9.ipynb",
            Cell('trace.step("2.4")'),
            "A step shows itself in Jupyter; an .ipynb has the whole solution with its code.",
        ),
    ),
    "The picture alone": (
        Shot(
            "lab9-picture",
            "handgrad solve lab9 -o lab9.svg",
            Vector(),
            "The backward pass: gradients on the edges, the shut unit and all that it silences.",
        ),
    ),
    "Larger networks": (
        Shot(
            "classes",
            "handgrad solve classes -o classes.html",
            Screen(height=1150, place="Forward"),
            "4-8-8-3 with softmax on a batch of three, drawn for the first case.",
        ),
        Shot(
            "classes-pdf",
            "handgrad solve classes -o classes.pdf",
            Sheet((0, 2), 2),
            "The batch on paper: one column a case.",
        ),
        Shot(
            "attention",
            "handgrad solve attention -o attention.html",
            Screen(place="Forward"),
            "Attention by hand: a graph of equations, values on its nodes.",
        ),
        Shot(
            "rnn",
            "handgrad solve rnn -o rnn.html",
            Screen(dark=True, place="Forward"),
            "A recurrent network unrolled; its weights are used at every step in time.",
        ),
        Shot(
            "gpt2",
            "python docs/examples/gpt2_block.py gpt2.html",
            Screen(height=1500),
            "A block of GPT-2's form as PyTorch has it: causal attention with two heads, layer norms, GELU and residual sums in 41 steps.",
        ),
        Shot(
            "resnet",
            "python docs/examples/resnet_channels.py channel.html",
            Screen(height=1140),
            "A dead channel of torchvision's ResNet-18: what its batch norm makes of the largest of its 512 weighted sums is below 0.",
        ),
    ),
    "More than solutions": (
        Shot(
            "compare",
            "handgrad compare lab9 --swap relu=sigmoid -o compare.html",
            Screen(place="1.2"),
            "Two solutions side by side, what changed marked.",
        ),
        Shot(
            "train",
            "handgrad train dying --steps 20 --compare -o train.html",
            Screen(height=1350, place="What keeps"),
            "Training watched: which update killed the units, and what keeps them alive.",
        ),
        Shot(
            "watch",
            "python docs/examples/watch_digits.py watched.html",
            Screen(height=1250),
            "A training loop of PyTorch watched: two fifths of the first layer died in its first steps, at 99.8 % accuracy.",
        ),
    ),
}
"""The pictures of the gallery by the heading that they stand under."""

BEFORE = (
    "before-after.webp",
    "Before and after",
    "The lab's backward picture on a page, a batch of three on a phone, and a slide, as they were at commit 2a97882 "
    "(left) and as they are (right): letters that can be read, numbers that are not cut, and a picture where it helps.",
)
"""A picture that is kept: what it shows on the left is no longer made."""

SHOTS = tuple(shot for shots in SECTIONS.values() for shot in shots)


def document() -> str:
    """The page that shows the pictures."""
    lines = [
        "# Gallery",
        "",
        "What handgrad makes, each picture under the command that makes the page.",
        "`python -m tools.gallery` takes them all again.",
    ]
    for heading, shots in SECTIONS.items():
        lines += ["", f"## {heading}"]
        for shot in shots:
            narrow = isinstance(shot.view, Screen | Acted) and shot.view.width < 600
            width = ' width="300"' if narrow else ""
            lines += [
                "",
                shot.says,
                "",
                f"    {shot.command}",
                "",
                f'<img src="gallery/{shot.file}" alt="{html.escape(shot.says)}"{width}>',
            ]
    file, heading, says = BEFORE
    lines += [
        "",
        f"## {heading}",
        "",
        says,
        "",
        f'<img src="gallery/{file}" alt="{html.escape(says)}">',
    ]
    return "\n".join([*lines, ""])


def main(names: Sequence[str]) -> None:
    if list(names) == ["--all"]:
        from tools.inspection.__main__ import main as inspected

        raise SystemExit(inspected(()))
    unknown = set(names) - {shot.name for shot in SHOTS}
    if unknown:
        raise SystemExit(f"no such pictures: {', '.join(sorted(unknown))}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, browser() as chromium:
        for shot in SHOTS:
            if not names or shot.name in names:
                content = taken(shot, Path(made), chromium)
                (FOLDER / shot.file).write_bytes(content)
                print(f"{shot.file}: {len(content) / 1000:.0f} kB")
    for stray in {p.name for p in FOLDER.iterdir()} - {BEFORE[0], *(s.file for s in SHOTS)}:
        (FOLDER / stray).unlink()
    DOCUMENT.write_text(document(), "utf-8")


# -- taking a picture -----------------------------------------------------------------------


def taken(shot: Shot, folder: Path, chromium: Any) -> bytes:
    """The content of the picture's file."""
    words = shlex.split(shot.command)
    match shot.view:
        case Vector():
            ran(words, folder)
            return (folder / words[-1]).read_bytes()
        case Screen():
            ran(words, folder)
            return compressed(screen(folder / words[-1], shot.view, chromium))
        case Acted() | Film():
            return of_the_lab(shot.view, words[-1], chromium)
        case Sheet():
            ran(words, folder)
            return compressed(sheet(folder / words[-1], shot.view))
        case Console():
            printed = ran([*words, "--colour", "--width", "80"], folder)
            content = f'<pre class="terminal">{coloured(printed.rstrip())}</pre>'
            return compressed(framed(content, "pre", folder, chromium))
        case Cell():
            content = cell(shot.view, shlex.split(shot.command)[2])
            return compressed(framed(content, "main", folder, chromium))
        case _:
            assert_never(shot.view)


def ran(words: Sequence[str], folder: Path) -> str:
    """Runs a command of handgrad's in the folder; what it prints."""
    force = ["--force"] if "-o" in words else []
    what = [str(ROOT / words[1]), *words[2:]] if words[0] == "python" else ["-m", *words]
    command = [sys.executable, "-X", "utf8", *what, *force]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(words)}: {done.stderr}")
    return done.stdout


def opened(path: Path, chromium: Any, width: int, height: int, dark: bool = False) -> Tab:
    scheme = "dark" if dark else "light"
    tab: Tab = chromium.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        device_scale_factor=2,
    )
    tab.goto(path.as_uri())
    tab.evaluate("document.fonts.ready.then(() => true)")
    return tab


def screen(path: Path, view: Screen, chromium: Any) -> Image:
    tab = opened(path, chromium, view.width, view.height, view.dark)
    if view.place:
        # Twice: what comes into view takes its own height only then.
        for _ in range(2):
            tab.evaluate(
                "place => [...document.querySelectorAll('h1, h2, h3')]"
                ".find(heading => heading.textContent.trim().startsWith(place)).scrollIntoView({behavior: 'instant'})",
                view.place,
            )
            tab.wait_for_timeout(200)
    picture = image(tab.screenshot(animations="disabled"))
    tab.close()
    return picture


def of_the_lab(view: Acted | Film, problem: str, chromium: Any) -> bytes:
    """The lab's page after it has been acted on; or while it is."""
    film = isinstance(view, Film)
    with served(problem) as address:
        tab = chromium.new_page(
            viewport={"width": view.width, "height": view.height},
            color_scheme="dark" if isinstance(view, Acted) and view.dark else "light",
            reduced_motion="reduce",
            device_scale_factor=1 if film else 2,
        )
        tab.goto(address)
        tab.evaluate("document.fonts.ready.then(() => true)")
        if isinstance(view, Film):
            return filmed(tab, image)
        ACTS[view.act](tab)
        picture = image(tab.screenshot(animations="disabled"))
        tab.close()
    return compressed(picture)


def framed(content: str, tag: str, folder: Path, chromium: Any) -> Image:
    path = folder / "frame.html"
    head = f'<!doctype html><meta charset="utf-8"><style>{FRAMES.read_text("utf-8")}</style>'
    path.write_text(f"{head}{content}", "utf-8")
    tab = opened(path, chromium, 880, 600)
    picture = image(tab.locator(tag).first.screenshot())
    tab.close()
    return picture


def coloured(printed: str) -> str:
    """A terminal's page with its colours as classes."""
    pieces = re.split(r"\x1b\[([0-9;]*)m", printed)
    texts, styles = pieces[0::2], ["0", *pieces[1::2]]
    return "".join(
        f'<span class="{" ".join(f"s{n}" for n in style.split(";"))}">{html.escape(text)}</span>'
        for style, text in zip(styles, texts, strict=True)
    )


def cell(view: Cell, problem: str) -> str:
    setup = f'import handgrad\ntrace = handgrad.solve(handgrad.load("{problem}"))\n'
    step = handgrad.solve(handgrad.load(problem)).step(view.source.split('"')[1])
    shown: Any = step
    source = html.escape(f"{setup}{view.source}")
    return (
        f'<main><div class="cell"><div class="prompt">[1]:</div><pre class="source">{source}</pre>'
        f'<div class="prompt">[1]:</div><div>{shown._repr_mimebundle_()["text/html"]}</div></div></main>'
    )


def sheet(path: Path, view: Sheet) -> Image:
    """Pages beside each other on grey."""
    import PIL.Image
    import pymupdf

    wide = 2 * WIDEST // view.columns
    pages: list[Image] = []
    reader: Any = pymupdf.open
    matrix: Any = pymupdf.Matrix
    with reader(path) as pdf:
        for number in view.pages:
            scale = (wide - 16) / pdf[number].rect.width
            pixels = pdf[number].get_pixmap(matrix=matrix(scale, scale))
            pages.append(image(pixels.tobytes("png")))
    high = pages[0].height + 16
    rows = -(-len(pages) // view.columns)
    whole = PIL.Image.new("RGB", (wide * view.columns, high * rows), "#c9ccd1")
    for position, page in enumerate(pages):
        whole.paste(page, (position % view.columns * wide + 8, position // view.columns * high + 8))
    return whole


def image(content: bytes) -> Image:
    import PIL.Image

    return PIL.Image.open(io.BytesIO(content)).convert("RGB")


def compressed(picture: Image) -> bytes:
    """The picture as WebP, at most `WIDEST` wide, and as high as WebP can be."""
    import PIL.Image

    factor = min(1.0, WIDEST / picture.width, HIGHEST / picture.height)
    size = (max(1, round(picture.width * factor)), min(HIGHEST, round(picture.height * factor)))
    small = picture.resize(size, PIL.Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=84, method=6)
    return stream.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
