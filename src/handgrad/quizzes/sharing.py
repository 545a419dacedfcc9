"""Marks by entry: the share of a quantity that is right."""

from __future__ import annotations

from handgrad.checking.report import Judged


def share_right(judged: Judged) -> float:
    """The share of a quantity's entries that are right, or follow from what came before."""
    if judged.verdict in ("right", "consistent"):
        return 0.0 if judged.trivial else 1.0
    size = judged.expected.size
    return 1 - len(judged.wrong) / size if judged.verdict == "wrong" and judged.wrong else 0.0
