"""Gradient descent from the numbers of a problem's text: after every step the text with the new numbers in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError
from handgrad.figures import full
from handgrad.lab.grids import spelled
from handgrad.lab.solving import read, standing
from handgrad.lab.view import text_of
from handgrad.options import whole_number
from handgrad.running.training import Training
from handgrad.solution import as_on_paper

MOST = 100


def descend_answer(asked: Mapping[str, Any]) -> dict[str, list[str]]:
    """The texts after each of so many updates, every number at full precision where it stands.

    What a rule remembers, such as momentum, starts at nothing and is kept from one of these steps to the next.

    Arguments:
        asked: `text` and the number of `steps`.

    Returns `texts`, fewer where the loss leaves the floats. Raises `HandgradError`.
    """
    text, steps = text_of(asked), asked.get("steps", 1)
    whole_number(steps, 1, MOST, "steps")
    problem = read(text)
    if not problem.parameters:
        raise OptionError("the problem has no parameters to update")
    training = Training(problem, clean=True, paper=as_on_paper)
    texts: list[str] = []
    for _ in range(steps):
        training.step()
        if not all(np.isfinite(a).all() for a in training.parameters.values()):
            break
        text = written_into(text, training.parameters)
        texts.append(text)
    return {"texts": texts}


def written_into(text: str, numbers: Mapping[str, Array]) -> str:
    """The text with these numbers where the old ones stand; those that are not written there stay.

    A number that is the same stays as it is written.
    """
    parts: list[str] = []
    end = 0
    before = read(text).parameters
    new: dict[str, float] = {}
    for name, array in numbers.items():
        for at in np.ndindex(array.shape):
            if array[at] != before[name].array[at]:
                new[spelled(name, at)] = float(array[at])
    for name, place in sorted(standing(text).items(), key=lambda item: item[1].start):
        if name in new:
            parts += [text[end : place.start], full(new[name])]
            end = place.stop
    return "".join(parts) + text[end:]
