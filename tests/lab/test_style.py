"""What the lab's style may not rest on."""

from __future__ import annotations

import re
from importlib import resources


def test_no_mark_in_mathematics_is_a_text_decoration() -> None:
    """Firefox 153 draws none there, and its readers would not see which numbers can be changed."""
    css = resources.files("handgrad.lab").joinpath("lab.css").read_text("utf-8")
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", css, flags=re.S))
    decorated = [s.strip() for s, body in rules if "math" in s and "text-decoration" in body]
    marked = [s for s, body in rules if "[data-input] mn" in s and "background: linear" in body]
    assert decorated == []
    assert marked
