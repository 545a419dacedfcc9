"""Initialisations: how the weights and biases of a layer are drawn, for many networks at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from handgrad.arrays import Array
from handgrad.errors import OptionError, nearest

RAAI_SCALE = 0.6007
"""σ of the symmetric weights of the asymmetric initialisation, before it is divided by √n."""


@dataclass(frozen=True, slots=True)
class Initialisation:
    """One way to draw a layer.

    Arguments:
        name: as commands know it.
        title: as pages call it.
        words: the distribution, in words; n is the number of inputs of the layer.
        biased: whether biases are drawn too; they are 0 otherwise.
        draw: (generator, outputs, inputs, networks) to an array of (outputs, inputs, networks);
            a biased one has one more column, the biases.
    """

    name: str
    title: str
    words: str
    biased: bool
    draw: Callable[[Generator, int, int, int], Array]


def _normal(deviation: Callable[[int, int], float]) -> Callable[[Generator, int, int, int], Array]:
    def draw(generator: Generator, outputs: int, inputs: int, networks: int) -> Array:
        drawn = _normals(generator, outputs * inputs * networks)
        shape = (outputs, inputs, networks)
        return np.multiply(drawn.reshape(shape), deviation(inputs, outputs), dtype=np.float64)

    return draw


def _normals(generator: Generator, count: int) -> Array:
    """So many normal numbers, of 24 bits, two from each two uniform ones (Box and Muller, 1958).

    All of them at once, in less than half the time that the generator's own take, one after the other.
    """
    pairs = (count + 1) // 2
    uniform, turn = generator.random((2, pairs), dtype=np.float32)
    radius = np.sqrt(-2 * np.log1p(-uniform))
    turn *= np.float32(2 * np.pi)
    return np.concatenate([radius * np.cos(turn), radius * np.sin(turn)])[:count]


def _asymmetric(generator: Generator, outputs: int, inputs: int, networks: int) -> Array:
    """One entry of each row, the bias among them, is drawn from Beta(2, 1), which is positive."""
    drawn = generator.standard_normal((outputs, inputs + 1, networks))
    drawn *= RAAI_SCALE / np.sqrt(inputs)
    chosen = generator.integers(0, inputs + 1, (outputs, 1, networks))
    # The square root of a uniform number has the distribution Beta(2, 1).
    positive = np.sqrt(generator.random((outputs, 1, networks)))
    np.put_along_axis(drawn, chosen, positive, axis=1)
    return drawn


INITIALISATIONS: dict[str, Initialisation] = {
    i.name: i
    for i in (
        Initialisation(
            "he",
            "He",
            "normal weights of variance 2/n, biases 0",
            False,
            _normal(lambda inputs, outputs: float(np.sqrt(2 / inputs))),
        ),
        Initialisation(
            "xavier",
            "Xavier",
            "normal weights of variance 2/(n + m), with m units in the layer, biases 0",
            False,
            _normal(lambda inputs, outputs: float(np.sqrt(2 / (inputs + outputs)))),
        ),
        Initialisation(
            "lecun",
            "LeCun",
            "normal weights of variance 1/n, biases 0",
            False,
            _normal(lambda inputs, outputs: float(np.sqrt(1 / inputs))),
        ),
        Initialisation(
            "normal",
            "standard normal",
            "normal weights of variance 1, biases 0",
            False,
            _normal(lambda inputs, outputs: 1.0),
        ),
        Initialisation(
            "raai",
            "randomised asymmetric",
            "normal weights and biases of variance 0.6007²/n, one of each unit's drawn from "
            "Beta(2, 1) instead",
            True,
            _asymmetric,
        ),
    )
}
"""Sources: He et al. (2015); Glorot and Bengio (2010) for Xavier; LeCun et al. (1998); Lu, Shin, Su and
Karniadakis (2020), "Dying ReLU and Initialization", for the randomised asymmetric one."""


def initialisation(name: str) -> Initialisation:
    """The initialisation of that name; raises `OptionError` for another."""
    if name not in INITIALISATIONS:
        known = ", ".join(INITIALISATIONS)
        raise OptionError(
            f"there is no initialisation {name[:40]!r}",
            mend=nearest(name, INITIALISATIONS) or f"there are {known}",
        )
    return INITIALISATIONS[name]
