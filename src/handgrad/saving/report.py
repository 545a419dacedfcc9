"""A report: one result in the forms that files are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from handgrad.page import Document
from handgrad.record import record

if TYPE_CHECKING:
    from handgrad.picture import Drawing

Form: TypeAlias = Literal["slides", "picture", "json"]
"""What a result may have beside its page."""

_LACKING: dict[Form, str] = {
    "slides": "this has no slides",
    "picture": "this has no picture",
    "json": "this is not written as JSON",
}


@record
class Report:
    """A result as a page and, where it has them, in other forms, each made when it is asked for.

    Arguments:
        page: as the terminal shows it.
        pictured: the page for the kinds of file that show pictures; `page` by default.
        program: the page with its code, for a notebook; `page` by default.
        slides: the page as a deck.
        picture: the picture alone; the first figure of the page by default.
        json: the object that `--json` prints; called as `Result.to_json` is.
        lacking: by form that it does not have, why not, and the mend.
    """

    page: Callable[[], Document]
    pictured: Callable[[], Document] | None = None
    program: Callable[[], Document] | None = None
    slides: Callable[[], Document] | None = None
    picture: Callable[[], Drawing] | None = None
    json: Callable[..., dict[str, Any]] | None = None
    lacking: Mapping[Form, tuple[str, str]] = field(default_factory=dict)

    def why_not(self, form: Form) -> tuple[str, str]:
        """Why the report does not have this form, and the mend."""
        return self.lacking.get(form, (_LACKING[form], ""))
