"""The phrases in the source: what its literal strings say, with … where something is filled in.

Strings that are put together in one expression are one phrase: `("Because ", x, " = 0.")`,
`f"{n} units"`, `"one" + two`. `{a|b}` is a choice made there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "handgrad"
HOLE = "…"

KINDS = (
    ("audit", "gates"),
    ("checking/blank_page", "keys"),
    ("checking", "check"),
    ("cli", "the command line"),
    ("comparison", "compare"),
    ("discussion", "questions"),
    ("drilling", "drill"),
    ("exercises", "practice"),
    ("lab", "the lab"),
    ("operations", "operations"),
    ("paths", "why"),
    ("picture", "pictures"),
    ("solution/programs", "programs"),
    ("grading", "grade"),
    ("formats/html", "web pages"),
    ("running/reviving_words", "what revives a unit"),
    ("solution/gated_blocks", "notes"),
    ("solution/notes", "notes"),
    ("solution/pictures", "pictures"),
    ("solution/reference", "decks"),
    ("solution/slides", "decks"),
    ("solution/step_words", "steps"),
    ("solution/takeaways", "takeaways of a deck"),
    ("solution", "worked solutions"),
    ("study/born_dead_page", "born-dead"),
    ("study/training_page", "train"),
    ("study", "train and born-dead"),
    ("unit", "one unit"),
    ("updates", "steps"),
    ("quizzes", "practice given out"),
    ("verification", "verify"),
    ("watching", "watch"),
    ("explaining", "explain"),
    ("", "the rest"),
)
"""What a phrase belongs to, by the beginning of its file's path in the package: the first that fits."""

NOT_SAID = {"TypeVar", "getattr", "import_module", "compile", "cast", "NewType", "Path"}
"""Functions whose strings no one reads."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a place in the source can say.

    Arguments:
        kind: what it belongs to; errors and their mends, and the help, are kinds of their own.
        record: the class whose words it is, or the pattern of a match; empty where there is none.
        pieces: what it says in this order, whatever is filled in between: one of each.
    """

    kind: str
    text: str
    file: str
    line: int
    record: str
    pieces: tuple[tuple[str, ...], ...]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    def says(self, folded: str) -> bool:
        """Whether it is in what was said, in small letters."""
        at = 0
        for choice in self.pieces:
            ends = [start + len(t) for t in choice if (start := folded.find(t, at)) >= 0]
            if not ends:
                return False
            at = min(ends)
        return bool(self.pieces)


def phrases() -> list[Phrase]:
    """All phrases of two words or more, in the order of the files."""
    found: list[Phrase] = []
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        reader = Reader(file)
        reader.visit(ast.parse(path.read_text("utf-8")))
        found += reader.found
    for path in sorted(SOURCE.rglob("*.js")):
        found += _of_script(path)
    return found


@dataclass(frozen=True, slots=True)
class _Piece:
    """Something that is always said, a choice, or, with neither, a hole."""

    text: str = ""
    choice: tuple[tuple[_Piece, ...], ...] = ()

    @property
    def shown(self) -> str:
        if self.choice:
            return f"{{{'|'.join(_shown(c) for c in self.choice)}}}"
        return self.text or HOLE


_Pieces = tuple[_Piece, ...]
_HOLE: _Pieces = (_Piece(),)


def _shown(pieces: _Pieces) -> str:
    return re.sub(f"{HOLE}(?:{HOLE})+", HOLE, "".join(p.shown for p in pieces))


def _in_order(pieces: _Pieces) -> tuple[tuple[str, ...], ...]:
    """What is said for certain, piece by piece: a text, or the texts of a choice that is never empty."""
    found: list[tuple[str, ...]] = []
    for piece in pieces:
        texts = [max((p.text for p in c), key=len, default="") for c in piece.choice]
        texts = texts or [piece.text]
        folded = tuple(" ".join(t.split()).casefold() for t in texts)
        if all(folded):
            found.append(folded)
    return tuple(found)


class Reader(ast.NodeVisitor):
    """Gathers the phrases of a module."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Phrase] = []
        self.inside: list[str] = []
        self.records: list[str] = []
        self.home = next(kind for start, kind in KINDS if file.startswith(start))

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.ClassDef():
                self.records.append(node.name)
                self._body(node)
                self.records.pop()
            case ast.Module() | ast.FunctionDef() | ast.AsyncFunctionDef():
                self._body(node)
            case ast.Expr(ast.Constant()):  # the documentation of a constant
                pass
            case ast.AnnAssign():
                if node.value is not None:
                    self.visit(node.value)
            case ast.match_case():
                self.records.append(ast.unparse(node.pattern))
                for each in node.body:
                    self.visit(each)
                self.records.pop()
            case ast.Raise():
                self._within("errors", node)
            case ast.Call() if _called(node) in NOT_SAID:
                pass
            case ast.Call() if _called(node).endswith("Error"):
                self._within("errors", node)
            case ast.keyword(arg="help" | "epilog" | "short_help"):
                self._within("help", node)
            case ast.keyword(arg="mend"):
                self._within("mends of errors", node)
            case ast.expr():
                self._expression(node)
            case _:
                self.generic_visit(node)

    def _within(self, kind: str, node: ast.AST) -> None:
        self.inside.append(kind)
        self.generic_visit(node)
        self.inside.pop()

    def _body(
        self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ) -> None:
        for decorator in getattr(node, "decorator_list", ()):
            self.visit(decorator)
        documented = ast.get_docstring(node, clean=True)
        if documented and isinstance(node, ast.FunctionDef) and _is_command(node):
            for part in re.split(r"\n\s*\n", documented.replace("\b", "")):
                self._add((_Piece(" ".join(part.split())),), node.lineno, "help")
        defaults = () if isinstance(node, ast.Module | ast.ClassDef) else (node.args,)
        for each in (*defaults, *(node.body[1:] if documented else node.body)):
            self.visit(each)

    def _expression(self, node: ast.expr) -> None:
        holes: list[ast.expr] = []
        pieces = _read(node, holes)
        if pieces is None:
            self.generic_visit(node)
            return
        self._add(pieces, node.lineno, self.inside[-1] if self.inside else self.home)
        for hole in holes:
            if hole is not node:
                self.visit(hole)

    def _add(self, pieces: _Pieces, line: int, kind: str) -> None:
        text = _shown(pieces).strip()
        if not _is_said(text):
            return
        record = self.records[-1] if self.records else ""
        self.found.append(Phrase(kind, text, self.file, line, record, _in_order(pieces)))


def _read(node: ast.expr, holes: list[ast.expr]) -> _Pieces | None:
    """What an expression says; None where it says nothing of its own."""
    inner: list[ast.expr] = []
    pieces: _Pieces | None = None
    match node:
        case ast.Constant(value=str(text)):
            pieces = _constant(text)
        case ast.JoinedStr():
            pieces = tuple(p for value in node.values for p in _part(value, inner))
        case ast.FormattedValue():
            return _read(node.value, holes)
        case ast.BinOp(op=ast.Add()):
            pieces = _together((node.left, node.right), inner)
        case ast.IfExp():
            choice: tuple[_Pieces, ...] = (_part(node.body, inner), _part(node.orelse, inner))
            if any(p.text or p.choice for c in choice for p in c):
                pieces = (_Piece(choice=choice),)
                inner.append(node.test)
        case ast.Subscript(value=ast.Dict() as table):
            choice = tuple(_part(v, inner) for v in table.values)
            if any(p.text for c in choice for p in c):
                pieces = (_Piece(choice=choice),)
        case ast.Starred():
            return _read(node.value, holes)
        case ast.Tuple() | ast.List() if not node.elts:
            pieces = ()
        case ast.Tuple() | ast.List() if _running(node.elts):
            pieces = _together(node.elts, inner)
        case ast.Call(args=[_, *_]) if _called(node) == "sentence" or _running(node.args):
            pieces = _together(node.args, inner)
            inner += [k.value for k in node.keywords]
        case _:
            pass
    if pieces is not None:
        holes += inner
    return pieces


def _part(node: ast.expr, holes: list[ast.expr]) -> _Pieces:
    """What a part of an expression says; a hole where it is filled in."""
    pieces = _read(node, holes)
    if pieces is None:
        holes.append(node)
        return _HOLE
    return pieces


def _together(
    nodes: tuple[ast.expr, ...] | list[ast.expr], holes: list[ast.expr]
) -> _Pieces | None:
    inner: list[ast.expr] = []
    pieces = tuple(p for node in nodes for p in _part(node, inner))
    if not any(p.text or p.choice for p in pieces):
        return None
    holes += inner
    return pieces


def _constant(text: str) -> _Pieces:
    """Names in braces are filled in."""
    parts = re.split(r"\{\w*\}", text)
    pieces: list[_Piece] = []
    for position, part in enumerate(parts):
        pieces += _HOLE if position else ()
        pieces += (_Piece(part),) if part else ()
    return tuple(pieces)


def _running(nodes: list[ast.expr]) -> bool:
    """Whether the strings among these are pieces of one running text: some begin or end within it."""
    if len(nodes) < 2:
        return False
    edges: list[bool] = []
    for position, node in enumerate(nodes):
        holes: list[ast.expr] = []
        plain = isinstance(node, ast.Constant | ast.JoinedStr | ast.IfExp)
        pieces = _read(node, holes) if plain else None
        if pieces is None:
            continue
        for text in _texts(pieces):
            edges.append(position > 0 and bool(re.match(r"[ ,.:;)]", text)))
            edges.append(position < len(nodes) - 1 and bool(re.search(r"[ (]$", text)))
    return any(edges)


def _texts(pieces: _Pieces) -> Iterator[str]:
    """The text as it may be, at its ends, one choice at a time."""
    for first in pieces[0].choice or (pieces[:1],) if pieces else ():
        yield _shown(first) + "".join(p.shown for p in pieces[1:])


def _called(node: ast.Call) -> str:
    return {ast.Attribute: "attr", ast.Name: "id"}.get(type(node.func), "") and (
        getattr(node.func, "attr", "") or getattr(node.func, "id", "")
    )


def _is_command(node: ast.FunctionDef) -> bool:
    return any(re.search(r"\b(command|group)\(", ast.unparse(d)) for d in node.decorator_list)


def _is_said(text: str) -> bool:
    """Whether it is words for people: two or more beside each other, and no markup or program."""
    if re.search(
        r"[<>]\w|;\s*\w+:|\\[a-z]+\{|https?:|#\w+\(|\w+=\"|^import |\w\(\w*\)|\w_\w+\}", text
    ):
        return False
    plain = re.sub(r"\w+( \| \w+)+|\{[\w|]*\}", "", text)
    return bool(re.search(r"[A-Za-z][A-Za-z’']*[,:;]?\s+[a-z][A-Za-z’'-]*", plain))


def _of_script(path: Path) -> Iterator[Phrase]:
    """What a web page's script says: its strings."""
    file = path.relative_to(SOURCE).as_posix()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.lstrip().startswith("//"):
            continue
        for text in re.findall(r'"([^"]+)"', line) + re.findall(r"`([^`]+)`", line):
            shown = re.sub(r"\$\{[^}]*\}", HOLE, text).strip()
            if _is_said(shown) and not re.search(r"[\[\]#]|^\.", shown):
                pieces = tuple((part.casefold(),) for part in shown.split(HOLE) if part)
                yield Phrase("web pages", shown, file, number, "", pieces)
