"""What the library's verbs return: a record that has a page, is written as JSON, and saves itself."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from handgrad.arrays import Array
from handgrad.formats.style import Style
from handgrad.saving.page import Page
from handgrad.saving.report import Report
from handgrad.saving.shown import Shown

if TYPE_CHECKING:
    from handgrad.formats.json import Views


class Result(Shown):
    """An answer.

    A class of results has its page, and `json_views` for what only its room can say of its records.
    """

    __slots__ = ()

    @abstractmethod
    def page(self) -> Page:
        """The answer as it is printed."""

    def report(self, **options: Any) -> Report:
        """The page, with these options of `page`, and the object that `--json` prints."""
        return Report(lambda: self.page(**options), json=self.to_json)

    def to_json(self, arrays: dict[str, Array] | None = None) -> dict[str, Any]:
        """The answer as plain objects, lists, texts and numbers, at full precision.

        Arguments:
            arrays: a dictionary into which arrays of more than 64 numbers are put, by name; where one would stand is then
                `{"array": name, "shape": […]}`.

        Formulas are texts in the language of equations and arrays are nested lists, many cases along the
        last axis. What isn't finite is null. Entries, units and cases count from 0.
        """
        from handgrad.formats.json import to_json

        return to_json(self, self.json_views(), self.style(), arrays)

    @classmethod
    def json_views(cls) -> Views:
        """What is written of the records in it beside their fields, such as their words."""
        return {}

    def style(self) -> Style:
        """How its formulas are written."""
        return Style()
