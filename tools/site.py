"""Builds the documents as a site that needs no network: `python -m tools.site` (`pip install -e '.[docs]'`).

Any warning is an error: a link that leads nowhere, a page that no other leads to.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> int:
    """Builds the site into a folder; returns the exit code."""
    return build_main(["-q", "-W", "--keep-going", str(ROOT / "docs"), str(folder)])


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    code = build(folder)
    if code == 0:
        print(folder / "index.html")
    sys.exit(code)
