"""Makes the fonts of the HTML page: subsets of TeX Gyre Pagella as WOFF2.

    python tools/subset_font.py FOLDER

FOLDER holds the OpenType files, as Debian's packages fonts-texgyre and fonts-texgyre-math
install them (it is searched through). Needs fonttools and brotli, here only. The results
are package data: src/handgrad/formats/html/fonts/, with their licence beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset

FONTS = Path(__file__).parent.parent / "src" / "handgrad" / "formats" / "html" / "fonts"

LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x100)]
PUNCTUATION = [*map(ord, "–—‘’‚“”„†‡•…‹›€™−×÷±≈≤≥≠∞←→↑↓↔")]
GREEK = [*range(0x391, 0x3AA), *range(0x3B1, 0x3CA), 0x3D1, 0x3D5, 0x3F5]
ITALIC = [0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)]
"""Letters as mathematics sets them; the browser takes them for <mi> with a single letter."""
SIGNS = [
    *map(ord, "−·×⊙∂∇∑∏√∞≤≥≠≈∈∉∅⊤ᵀ′″‖|⟨⟩⌈⌉⌊⌋{}[]()←→↦⇒…⋯⋮⋱ˆ˜¯̂̃̄^~ℒℝ𝟏𝟎𝔼◁⁻"),
    *map(ord, "⎛⎜⎝⎞⎟⎠⎡⎢⎣⎤⎥⎦⎧⎨⎩⎪⎫⎬⎭"),
]

MATHEMATICS = [*range(0x20, 0x7F), *map(ord, "\xa0¬¯°±·×÷"), *PUNCTUATION, *GREEK, *ITALIC, *SIGNS]
"""Without accented letters: a name that has one takes it from the text's face."""

TEXT = [*LATIN, *PUNCTUATION]

SLANTED = [*(c for c in LATIN if c < 0xC0 or c in (0xD7, 0xF7)), *PUNCTUATION]
"""Without accented letters: slanted are the names in pictures and the words beside a row."""

MADE = {
    "math.woff2": ("texgyrepagella-math.otf", MATHEMATICS),
    "regular.woff2": ("texgyrepagella-regular.otf", TEXT),
    "italic.woff2": ("texgyrepagella-italic.otf", SLANTED),
    "bold.woff2": ("texgyrepagella-bold.otf", TEXT),
}


def made(source: Path, characters: list[int], target: Path) -> None:
    """Writes the glyphs of `characters`, with what mathematics makes of them, to `target`."""
    options = subset.Options(flavor="woff2", hinting=False, desubroutinize=True)
    # Without "ssty", whose letters drawn anew for small sizes take as much as all the others.
    options.layout_features = ["kern", "liga"]
    options.drop_tables += ["FFTM"]
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    if "MATH" in font:
        # Superscripts of W and z at one height: a script drops further below a tall letter.
        font["MATH"].table.MathConstants.SuperscriptBaselineDropMax.Value = 450
    # The licence asks that what is changed has another name.
    for record in font["name"].names:
        record.string = str(record).replace("TeX Gyre ", "Handgrad ").replace("TeXGyre", "Handgrad")
    subset.save_font(font, str(target), options)


def main(folder: Path) -> None:
    FONTS.mkdir(parents=True, exist_ok=True)
    for name, (original, characters) in MADE.items():
        (source,) = sorted(folder.rglob(original))
        made(source, characters, FONTS / name)
        print(f"{name}: {(FONTS / name).stat().st_size} bytes")
    (licence,) = [p for p in folder.rglob("GUST-FONT-LICENSE.txt") if p.parent.name == "tex-gyre"]
    (FONTS / "GUST-FONT-LICENSE.txt").write_bytes(licence.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
