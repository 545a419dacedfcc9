"""Blocks as the plain HTML that other systems keep: no styles and no scripts, mathematics in LaTeX.

Learning systems take out what they do not know; headings, paragraphs, lists, tables and pictures stay. Formulas stand
between \\( and \\), which Moodle, Canvas, STACK and PrairieLearn set with MathJax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import assert_never

from handgrad.expression import Expression, Literal
from handgrad.formats.inline import inline_runs
from handgrad.formats.latex import latex
from handgrad.formats.markup import plain
from handgrad.formats.style import Style
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Figure,
    Heading,
    Legend,
    Note,
    Paragraph,
    Relation,
    Room,
    Table,
    Text,
)
from handgrad.record import record

_FACES = {"letter": "i"}
_LEVELS = {"above": "sup", "below": "sub"}


@record
class PlainHtml:
    """Writes blocks as plain HTML.

    Arguments:
        style: how numbers and names are printed.
        picture: where the picture of a figure lies, as the page is to name it.
        top: the level of heading that a phase has: 3 for <h3>.
    """

    style: Style
    picture: Callable[[Figure], str]
    top: int = 3

    def blocks(self, blocks: Sequence[Block]) -> str:
        """Blocks one after the other."""
        return "\n".join(filter(None, map(self._block, blocks)))

    def text(self, text: Text) -> str:
        """Running text with its formulas."""
        return "".join(plain(p) if isinstance(p, str) else self.formula(p) for p in text)

    def formula(self, expression: Expression) -> str:
        """A formula within a line."""
        return self.mathematics(latex(expression, style=self.style))

    def mathematics(self, tex: str) -> str:
        """LaTeX within a line."""
        return rf"\({plain(tex)}\)"

    def lettered(self, text: Text) -> str:
        """Running text with its formulas in letters, raised and lowered, for places where no LaTeX is set."""
        parts = []
        for run in inline_runs(text, self.style):
            tags = [t for t in (_FACES.get(run.face), _LEVELS.get(run.level)) if t]
            before = "".join(f"<{tag}>" for tag in tags)
            after = "".join(f"</{tag}>" for tag in reversed(tags))
            parts.append(f"{before}{escape(run.text, quote=False)}{after}")
        return "".join(parts)

    def _block(self, block: Block) -> str:
        match block:
            case Heading():
                level = min(max(block.level + self.top - 2, 1), 6)
                number = f"{plain(block.id)} " if block.id else ""
                return f"<h{level}>{number}{self.text(block.text)}</h{level}>"
            case Paragraph():
                return f"<p>{self.text(block.text)}</p>"
            case Derivation():
                return "\n".join(f"<p>{self._relation(each)}</p>" for each in block.relations)
            case Legend() | Room():
                return ""  # there are no colours and marks, and nothing is written by hand
            case Table():
                return self._table(block)
            case Note():
                inner = self.blocks(block.derivations)
                return f"<blockquote><p>{self.text(block.text)}</p>{inner}</blockquote>"
            case Figure():
                where, words = plain(self.picture(block)), plain(block.drawing.description)
                caption = f"<br><em>{self.text(block.caption)}</em>" if any(block.caption) else ""
                return f'<p><img src="{where}" alt="{words}">{caption}</p>'
            case Code():
                return f"<pre>{plain(block.source.rstrip())}</pre>"
            case Columns():
                return "\n".join(map(self.blocks, block.columns))
            case _:
                assert_never(block)

    def _relation(self, relation: Relation) -> str:
        """A relation, a line for each of its signs; what is marked in a result is told beside it."""
        label = f"{self.text(relation.label)}: " if any(relation.label) else ""
        sign = r"\leftarrow" if relation.sign == "←" else "="
        left = latex(relation.left, style=self.style) if relation.left is not None else ""
        chain = [latex(side, style=self.style) for side in relation.chain]
        rows = [f"{left} &{sign} {chain[0]}" if left else f"& {chain[0]}"]
        rows += [f"&= {side}" for side in chain[1:]]
        tex = rows[0].replace("&", "", 1)
        if len(rows) > 1:
            lines = r" \\ ".join(rows)
            tex = rf"\begin{{aligned}} {lines} \end{{aligned}}"
        told = [*relation.told_remarks, *_cases(relation.chain[-1])]
        remarks = f" ({plain('; '.join(told))})" if told else ""
        return f"{label}{self.mathematics(tex)}{remarks}"

    def _table(self, table: Table) -> str:
        caption = f"<caption>{self.text(table.caption)}</caption>" if any(table.caption) else ""
        head = "".join(f'<th scope="col">{self.text(cell)}</th>' for cell in table.header)
        head = f"<thead><tr>{head}</tr></thead>" if any(table.header) else ""
        rows = "".join(
            f"<tr>{''.join(f'<td>{self.text(cell)}</td>' for cell in row)}</tr>"
            for row in table.rows
        )
        return f"<table>{caption}{head}<tbody>{rows}</tbody></table>"


def _cases(result: Expression) -> list[str]:
    """Which columns of a result are cases."""
    if not isinstance(result, Literal) or not result.batched:
        return []
    count = result.lengths[-1]
    return [f"columns: cases 1 to {count}" if count > 1 else "column: case 1"]
