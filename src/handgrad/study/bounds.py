"""What can be said without drawing a network: bounds on the probability of being born dead.

They hold for ReLU networks without biases whose weights are independent, symmetric about 0 and
without atoms, such as every normal initialisation; docs/training.md has the proofs.

From one input other than 0, a layer of N units dies with probability 2^−N, whatever came before.
So a network over one ray dies with probability exactly 1 − Π(1 − 2^−N), and no network dies with
a greater one: that is the upper bound of Lu, Shin, Su and Karniadakis (2020). On a line with
inputs on both sides of 0, the first layer never kills both rays, and the later layers kill both no
more often than one of them, and no less often than two independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.record import Proportion


@dataclass(frozen=True, slots=True)
class Bounds:
    """The probability lies between the two; `lower` is None where none is known."""

    lower: Proportion | None
    upper: Proportion


def bounds(widths: Sequence[int], inputs: int, rays: int) -> Bounds:
    """Bounds for hidden layers of these widths.

    Arguments:
        widths: units in each hidden layer, the first first.
        inputs: the dimension of the inputs.
        rays: for one input, on how many sides of 0 there are inputs.
    """
    if inputs > 1:
        return Bounds(None, dying(widths))
    if rays == 1:
        return Bounds(dying(widths), dying(widths))
    later = dying(widths[1:])
    one_side = 2.0 ** (1 - widths[0])
    return Bounds(one_side * later + (1 - one_side) * later**2, later)


def dying(widths: Sequence[int]) -> float:
    """The probability that layers of these widths silence one given input: 1 − Π(1 − 2^−N)."""
    return -math.expm1(sum(math.log1p(-(2.0**-n)) for n in widths))
