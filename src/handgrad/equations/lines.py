"""The lines of a text of equations: comments dropped, lines inside open brackets joined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from handgrad.record import record

_MARKS = re.compile(r"(?m)^[ \t]*(?:def|for|return)\b|\{")


@record
class SourceLine:
    """One line, as it is read.

    Arguments:
        text: without its comment and the blanks around it.
        number: of its first line in the text, from 1.
        indent: how far it is indented, in columns.
        offset: where it begins when the lines are put one after the other; spans into several
            lines are told apart by it.
    """

    text: str
    number: int
    indent: int = 0
    offset: int = 0

    @property
    def place(self) -> str:
        """Where it stands, for an error."""
        return f"line {self.number} of the equations"


def source_lines(text: str | Sequence[str]) -> tuple[SourceLine, ...]:
    """The lines of a text; of a list, each of its texts is one."""
    found = _joined(text) if isinstance(text, str) else _listed(text)
    lines: list[SourceLine] = []
    offset = 0
    for number, indented in found:
        line = indented.strip()
        indent = len(indented.expandtabs()) - len(indented.expandtabs().lstrip())
        lines.append(SourceLine(line, number, indent, offset))
        offset += len(line) + 2  # an end of a line may be marked too
    return tuple(lines)


def _listed(texts: Sequence[str]) -> Iterator[tuple[int, str]]:
    number = 0
    for text in texts:
        # A block may be one text of the list.
        header = text.lstrip().startswith(("def ", "for "))
        for part in text.splitlines() if header else [text]:
            number += 1
            if part.strip():
                yield number, part


def _joined(text: str) -> Iterator[tuple[int, str]]:
    pending, depth, first = "", 0, 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].rstrip()
        if not line.strip():
            continue
        first = first if pending else number
        pending = f"{pending} {line.strip()}" if pending else line
        depth += sum(c in "([" for c in line) - sum(c in ")]" for c in line)
        if depth <= 0:
            yield first, pending
            pending, depth = "", 0
    if pending:
        yield first, pending


def has_blocks(text: str) -> bool:
    """Whether a text has blocks, or numbers inside names."""
    return _MARKS.search(text) is not None
