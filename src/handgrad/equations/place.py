"""Where in a model's code an equation is computed."""

from __future__ import annotations

from handgrad.record import record


@record
class CodeLine:
    """A line of the program that made a model."""

    file: str
    number: int
    text: str

    @property
    def place(self) -> str:
        """The file and the line, as tracebacks name them."""
        return f"{self.file}:{self.number}"


@record
class CodePlace:
    """Where in a model something is computed: told by errors and on pages.

    Arguments:
        module: the path of the module, or what the format calls a node; "" for the model itself.
        line: the line of the user's program, where it is known.
    """

    module: str = ""
    line: CodeLine | None = None

    def __str__(self) -> str:
        """The module and the line: "fc1, net.py:8"; empty where neither is known."""
        return ", ".join(filter(None, (self.module, self.line.place if self.line else "")))
