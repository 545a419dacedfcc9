"""What is asked of the lab, as it arrives: a problem's text, and how it is to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from handgrad.errors import OptionError
from handgrad.options import one_of, whole_number
from handgrad.running import Carry
from handgrad.solution.page import Screen

NumberKind = Literal["floats", "exact", "symbols"]

LONGEST = 200_000
"""Characters of a problem's text, at most."""


@dataclass(frozen=True, slots=True)
class View:
    """How a solution is shown.

    Arguments:
        decimals: digits after the point.
        carry: whether full precision is carried, or every figure as it is shown.
        numbers: floats, fractions or letters.
        entries: every value and gradient can be opened entry by entry.
        narrow: whether pictures are those for a narrow screen; None for both kinds.
    """

    decimals: int = 4
    carry: Carry = "exact"
    numbers: NumberKind = "floats"
    entries: bool = False
    narrow: bool | None = None

    @property
    def pictures(self) -> bool | Screen:
        """For which kind of screen pictures are; True for both."""
        return True if self.narrow is None else "narrow" if self.narrow else "wide"

    @classmethod
    def read(cls, asked: Any) -> View:
        """The view that a request asks for. Raises `OptionError` for what is none."""
        table = asked if isinstance(asked, Mapping) else {}
        default = cls()
        view = cls(
            decimals=table.get("decimals", default.decimals),
            carry=table.get("carry", default.carry),
            numbers=table.get("numbers", default.numbers),
            entries=table.get("entries", default.entries) is True,
            narrow=narrow if isinstance(narrow := table.get("narrow"), bool) else None,
        )
        whole_number(view.decimals, 0, 15, "decimals")
        one_of(view.carry, get_args(Carry), "carry")
        one_of(view.numbers, get_args(NumberKind), "numbers")
        return view


def text_of(asked: Mapping[str, Any], key: str = "text") -> str:
    """A text of a request. Raises `OptionError` where there is none, or one that is too long."""
    text = asked.get(key)
    if not isinstance(text, str):
        raise OptionError(f"the request has no {key}", mend="send the problem's text")
    if len(text) > LONGEST:
        raise OptionError(
            f"the text is longer than {LONGEST} characters",
            mend="handgrad solve has no such limit",
        )
    return text
