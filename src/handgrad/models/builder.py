"""What every reader of models writes on: numbers and equations by the model's own names, made a problem."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

import numpy as np

from handgrad.equations import Equation, source
from handgrad.equations.place import CodePlace
from handgrad.errors import HandgradError, ProblemError
from handgrad.expression import Call, Expression, Name, Shape
from handgrad.operations.annotate import annotated
from handgrad.problem import Problem
from handgrad.problem.given import Given, given
from handgrad.problem.model import Model

_NO_NAME = re.compile(r"\W")


def unreadable(what: str, place: CodePlace, mend: str = "") -> ProblemError:
    """The error for a part of a model that cannot be read: what, where in the model and in the code, the mend."""
    module = f"{place.module}: " if place.module else ""
    if place.line is None:
        return ProblemError(f"{module}{what}", mend=mend)
    written = f", in {place.line.text!r}" if place.line.text else ""
    return ProblemError(f"{module}{what}{written}", where=place.line.place, mend=mend)


@dataclass
class Builder:
    """Collects a model's numbers and equations, each under the model's own path, and makes a problem of them.

    Each method gives the `Name` by which formulas refer to what was added:

        builder = Builder("PyTorch")
        x = builder.data("x", batch)
        weight = builder.parameter("fc1.weight", array)
        z = builder.equation("fc1", x @ weight.T, CodePlace("fc1"))

    Shapes are known as soon as something is added: `builder.shape(formula)`.

    Arguments:
        framework: what the model was made with, such as "PyTorch".
        title: of the problem.
        literal: whether pages show fc1 as it is written, and not as fc with a raised 1.
        renamed: names that pages show as they are, instead of the paths.
        precisions: how many parameters have each type of numbers in the model.
    """

    framework: str
    title: str = ""
    literal: bool = False
    parameters: dict[str, Given] = field(default_factory=dict)
    givens: dict[str, Given] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    places: dict[str, CodePlace] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    renamed: set[str] = field(default_factory=set)
    precisions: Counter[str] = field(default_factory=Counter)

    def parameter(self, path: str, array: Any, name: str = "", *, dtype: Any = "") -> Name:
        """Numbers that are learned. Raises `NumberError` for what holds no finite numbers.

        A `name` is how equations and pages call it instead of by its path, which is taken for it all the same.
        `dtype` is the type of the model's own numbers, such as float32, where the array is of another.
        """
        self.precisions[str(dtype or np.asarray(array).dtype)] += 1
        return self._given(self.parameters, path, array, name)

    def data(self, path: str, array: Any) -> Name:
        """Numbers that are given: inputs, targets, buffers, frozen parameters, masks that were drawn."""
        return self._given(self.givens, path, array)

    def equation(self, path: str, formula: Expression, place: CodePlace | None = None) -> Name:
        """The value that a formula computes, under the model's name for it.

        Raises `HandgradError` for shapes that do not fit, with the place in the model.
        """
        place = place or CodePlace()
        name = self._new(path)
        text = f"{name} = {source(formula)}"
        try:
            shape = annotated(formula, self._shape_of, text).shape
        except HandgradError as error:
            raise unreadable(error.what, place, error.mend) from None
        self.shapes[name] = shape or ()
        number = len(self.equations) + 1
        self.equations.append(
            Equation(name, formula, text, number, code=place if str(place) else None)
        )
        self.places[name] = place
        return Name(name)

    def named(self, path: str, formula: Expression, place: CodePlace | None = None) -> Name:
        """A formula's name: itself where it is a name already, else that of a new equation."""
        return formula if isinstance(formula, Name) else self.equation(path, formula, place)

    def shape(self, formula: Expression) -> Shape:
        """The shape of a formula's value."""
        if isinstance(formula, Call) and formula.shape is None:
            formula = annotated(formula, self._shape_of)
        return self.shapes[formula.name] if isinstance(formula, Name) else formula.shape or ()

    def problem(self, loss: Name, **parts: Any) -> Problem:
        """The problem whose loss has this name; `parts` are others of `Problem`, such as its update.

        What no path leads from to the loss stays: it is computed and shown.
        """
        modules = {n: p.module for n, p in self.places.items() if p.module}
        lines = {n: p.line for n, p in self.places.items() if p.line is not None}
        if not self.equations:
            raise ProblemError("the model computes nothing", mend="its loss needs an operation")
        return Problem(
            self.equations,
            self.parameters,
            self.givens,
            loss=loss.name,
            title=self.title,
            display={n: path for n, path in self.paths.items() if self._is_shown(n, path)},
            model=Model(
                self.framework,
                dict(self.paths),
                modules,
                lines,
                dict(self.shared),
                next((dtype for dtype, _ in self.precisions.most_common(1)), ""),
            ),
            **parts,
        )

    def also(self, path: str, name: Name) -> None:
        """Another path of something that has been added, as tied weights have several."""
        self.shared[path] = name.name

    def _is_shown(self, name: str, path: str) -> bool:
        """Whether a page shows the path instead of the name's usual reading."""
        return name not in self.renamed and (name != path or (self.literal and len(path) > 2))

    def _given(self, table: dict[str, Given], path: str, array: Any, name: str = "") -> Name:
        numbers = given(_floats(array), path)
        if name:
            self.renamed.add(name)
        name = self._new(path, name)
        table[name] = numbers
        self.shapes[name] = numbers.shape
        return Name(name)

    def _new(self, path: str, name: str = "") -> str:
        """A name for a path that nothing has yet; a path that is used again is numbered."""
        again = 1
        told = path
        while told in self.paths.values():
            again += 1
            told = f"{path}_{again}"
        name = name or identifier(told)
        while name in self.paths:
            name += "_"
        self.paths[name] = told
        return name

    def _shape_of(self, leaf: Any) -> Shape:
        return self.shapes[leaf.name]


def identifier(path: str) -> str:
    """A path as a name that equations can have: layer2_conv1_weight for layer2.conv1.weight."""
    name = _NO_NAME.sub("_", path)
    return f"_{name}" if not name or name[0].isdigit() or iskeyword(name) else name


def _floats(array: Any) -> Any:
    """Numbers of any real type, booleans as 0 and 1."""
    numbers = np.asarray(array)
    if numbers.dtype == bool:
        numbers = numbers.astype(np.float64)
    return numbers
