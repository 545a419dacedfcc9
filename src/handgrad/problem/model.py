"""The model that a problem was read from: its framework, its own names for things, and its code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from handgrad.equations import plain_name
from handgrad.equations.place import CodeLine
from handgrad.record import record

COMPUTED_IN = "float64"
"""The type of numbers that runs, and so pages, are computed in."""

_BEFORE = r"(?:∂|d|delta_?|δ|grad(?:ient)?_|updated[ ._:]+|new[ ._])?"
"""What may stand before a name: it is then a gradient, or the value after the update."""


@record
class Model:
    """What a problem keeps of the model that it was read from.

    Arguments:
        framework: what it was made with, such as "PyTorch".
        paths: by name in equations, what the model itself calls it, such as "layer2.conv1.weight".
        modules: by equation, the path of the module that computes it.
        lines: by equation, the line of the user's program that asks for it, where that is known.
        shared: by further path of what has several, as tied weights have, its name in equations.
        dtype: the type of the model's own numbers, such as "float32"; "" where that is not known.
    """

    framework: str
    paths: Mapping[str, str]
    modules: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, CodeLine] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)
    dtype: str = ""

    @property
    def origin(self) -> str:
        """Where the numbers are from, and in what precision the model and these pages compute; in a sentence."""
        if not self.dtype:
            return f"The numbers are those of a model of {self.framework}."
        own = (
            f"which computes in {COMPUTED_IN}, as these pages do"
            if self.dtype == COMPUTED_IN
            else f"which computes in {self.dtype}; these pages compute in {COMPUTED_IN}, so that the model's own "
            "results differ in their last digits"
        )
        return f"The numbers are those of a model of {self.framework}, {own}."

    def named(self, text: str) -> str:
        """A text in which every path of the model's is put as the name that it has in equations.

        So `dlayer2.conv1.weight[3,1,0,0]` is read wherever `dlayer2_conv1_weight[3,1,0,0]` is.
        """
        if text in self.paths:
            return text
        other = {path: name for name, path in self.paths.items() if path != name}
        other.update(self.shared)
        # Most texts name nothing by a path, and a large model has many. A number alone is an index.
        found = [path for path in other if path in text and not path.isdigit()]
        if not found:
            return text
        longest = sorted(found, key=len, reverse=True)
        spelled = "|".join(map(re.escape, longest))
        pattern = rf"(?<![\w.])({_BEFORE})({spelled})(?![^\W_]|\.\d)"
        return re.sub(pattern, lambda m: f"{m[1]}{other[m[2]]}", text)

    def plain(self, name: str) -> str:
        """The name in equations that a text stands for: a path of the model's, or a name with marks."""
        return plain_name(self.named(name.strip()))
