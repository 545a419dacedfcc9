"""The browser in which pages are looked at: Debian's Chromium, without a window.

Its headless shell, where that is installed, takes two fifths of the processor time of the whole browser.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATH = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None
)
"""Where it is; None where there is none."""

OPTIONS = ("--no-sandbox", "--disable-gpu", "--font-render-hinting=none")
"""Letters as wide in the one as in the other, whatever the system's fonts are set to."""


@contextmanager
def browser() -> Iterator[Any]:
    """The browser, running."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=PATH, args=[*OPTIONS])
        yield chromium
        chromium.close()
