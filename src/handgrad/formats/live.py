"""What the markup of a page says of its figures where they are to be edited and followed.

A file that is only read does without: it would be half as long again.
"""

from __future__ import annotations

import math

from handgrad.figures import exactly
from handgrad.formats.markup import plain
from handgrad.record import record


@record
class Live:
    """Every figure says its name and its value at full precision, and what is given that it can be edited.

    The names are those of `handgrad why`: `dW2[1,0]`, counted from 0, the case last where there are several;
    what an update makes of `W2` is `updated.W2`, as in answers.

    Arguments:
        inputs: what is given, as it is spelled: `W2`, `eta`, `dz2` for a gradient that arrives.
        batched: what differs from case to case, spelled so.
    """

    inputs: frozenset[str] = frozenset()
    batched: frozenset[str] = frozenset()

    def entry(
        self, name: str, value: float | None, case: int | None = None, *, after: bool = False
    ) -> str:
        """The attributes of an entry, of this case; `after` for what an update makes of it."""
        whole, bracket, index = name.partition("[")
        if case is None:
            return "" if whole in self.batched else self.figure(name, value, after=after)
        place = f"{index.rstrip(']')},{case}" if bracket else str(case)
        return self.figure(f"{whole}[{place}]", value, after=after)

    def figure(self, name: str, value: float | None, *, after: bool = False) -> str:
        """The attributes of a figure with its whole name; none where it has no name."""
        if not name:
            return ""
        spelled = plain(name)
        said = "" if value is None or math.isnan(value) else f' data-value="{exactly(value)}"'
        if after:
            return f' data-name="updated.{spelled}"{said}'
        given = name.partition("[")[0] in self.inputs
        return f' data-name="{spelled}"{said}' + f' data-input="{spelled}"' * given
