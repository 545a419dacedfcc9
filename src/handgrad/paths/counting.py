"""A number of paths, in words."""

from __future__ import annotations

SAID_IN_FULL = 1_000_000
"""Counts from here on are said as a power of ten."""


def count_text(count: int) -> str:
    """A number of paths in words: in full, or about as a power of ten."""
    if count < SAID_IN_FULL:
        return f"{count}"
    digits = str(count)
    power = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(d)] for d in str(len(digits) - 1))
    first = f"{digits[0]}.{digits[1:3]}".rstrip("0").rstrip(".")
    about = "" if set(digits[3:]) <= {"0"} else "about "
    return f"{about}10{power}" if first == "1" else f"{about}{first} · 10{power}"
