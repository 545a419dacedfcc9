"""Problems of the other families as people bring them from NumPy, PyTorch and textbooks."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.gauntlet.families import classes, metrics, networks, sequences
from tests.gauntlet.families.draw import Draw, Sheet

_OTHERS = (*networks.FAMILIES, *classes.FAMILIES, *sequences.FAMILIES, *metrics.FAMILIES)

NAME = r"[^\W\d]\w*"

SPELLED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        rf"(?<![.\w])({NAME}) @ ({NAME})(?![\w.(\[⁽ᵀ])",
        (r"np.dot(\1, \2)", r"torch.matmul(\1, \2)", r"\1.dot(\2)", r"\1 @ \2"),
    ),
    (rf"(?<![.\w])dot\(({NAME}), ({NAME})\)", (r"np.dot(\1, \2)", r"torch.dot(\1, \2)")),
    (rf"\bsum\(({NAME})\)", (r"\1.sum()", r"np.sum(\1)", r"torch.sum(\1)", r"Σ(\1)")),
    (rf"\bmean\(({NAME})\)", (r"\1.mean()", r"np.mean(\1)", r"torch.mean(\1)")),
    (r"\baxis=", ("dim=", "axis=")),
    (r"\bkeepdims=", ("keepdim=", "keepdims=")),
    (
        r"\bleaky_relu\(([^(),]+), alpha=",
        (r"F.leaky_relu(\1, ", r"F.leaky_relu(\1, negative_slope="),
    ),
    (r"(?<![.\w])(relu|gelu|silu|elu|softplus)\(", (r"F.\1(", r"\1(")),
    (r"(?<![.\w])(sigmoid|tanh)\(", (r"torch.\1(", r"F.\1(", r"\1(")),
    (r"(?<![.\w])(exp|log|sqrt)\(", (r"np.\1(", r"torch.\1(", r"jnp.\1(", r"\1(")),
    (r"(?<![.\w])abs\(", ("np.abs(", "torch.abs(", "np.absolute(")),
    (r"(?<![.\w])mse\(", ("F.mse_loss(", "mse_loss(")),
    (r"(?<![.\w])bce\(", ("F.binary_cross_entropy(", "bce(")),
    (r"(?<![.\w])bce_with_logits\(", ("F.binary_cross_entropy_with_logits(",)),
    (r"(?<![.\w])maximum\(", ("np.maximum(", "torch.maximum(")),
    (r"(?<=[\w)])\*\*2\b", ("²", "**2")),
    (r"(?<![.\w])1/2 ?\* ?(?=\()", ("½", "1/2*")),
)
"""What is written in these families, and other ways to write it."""

RELU = r"(?<![.\w])relu\(([^()]+)\)"

WRITTEN_OUT = (
    *(r"maximum(0, \1)", r"np.maximum(0, \1)", r"max(0, \1)", r"np.maximum(\1, 0)"),
    *(r"((\1)*((\1) > 0))", r"where(\1 > 0, \1, 0)"),
)


def respelled(d: Draw) -> None:
    """Another family's problem, in which one occurrence after another is spelled in another way."""
    d.pick(_OTHERS)(d)
    d.sheet.equations[:] = [_respelled(d, line) for line in d.sheet.equations]


def rectified(d: Draw) -> None:
    """Another family's problem with ReLU written out, as maximum or with a mask."""
    for _ in range(12):
        d.sheet = Sheet()
        d.pick(_OTHERS)(d)
        if any("relu(" in line for line in d.sheet.equations):
            break
    d.sheet.equations[:] = [
        re.sub(RELU, lambda m: m.expand(d.pick(WRITTEN_OUT)), line) for line in d.sheet.equations
    ]


def _respelled(d: Draw, line: str) -> str:
    target, sign, formula = line.partition("=")
    for pattern, ways in SPELLED:
        formula = re.sub(pattern, lambda m, ways=ways: m.expand(d.pick(ways)), formula)  # type: ignore[misc]
    return target + sign + formula


FAMILIES: tuple[Callable[[Draw], None], ...] = (respelled, rectified)
