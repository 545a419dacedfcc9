"""Untidy answers: which of them cannot be used and how the others are arranged, read from the sheet by itself.

An answers file is read here line by line, as whoever marks it reads it: what stands under which name, whether its
brackets close and its rows are alike, and whether the problem's own file has such a name.
"""

from __future__ import annotations

import difflib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.checking import CheckReport
from handgrad.checking.reading import from_mapping, read_text
from handgrad.checking.remarks import (
    AnotherDerivative,
    ArrayUnread,
    AsColumn,
    CasesInRows,
    CasesUnlisted,
    DamagedJson,
    EnteredTwice,
    GivenOtherwise,
    More,
    NoArray,
    NotANumber,
    NotAsked,
    NotFigures,
    NotReal,
    NoUpdate,
    RaggedArray,
    RaggedMatrix,
    RowWithoutName,
    TableInside,
    TooDeep,
    UnreadLine,
    UnreadRow,
    Unused,
    WorkedInCode,
)
from handgrad.checking.report import Judged
from handgrad.expression import Adjoint
from tests.gauntlet.facts.answers import Known, Sheet
from tests.gauntlet.facts.claim import Claims, Found, claims_of

NEAR = 0.6
"""Of two names that look alike, the share that they have in common, at least."""

DEEPEST = 8
"""How deep lists may nest, by the documents."""

LISTED = 12
"""Remarks that are listed, at most."""


class NoStatementError(Exception):
    """A statement that is none."""


@dataclass
class Stated:
    """A statement of an answers file: its line, counted from 1, its section, its name and what stands there."""

    line: int
    section: str
    name: str
    value: Any


def remarks_of(text: str, kind: str, known: Known) -> list[Unused]:
    """What of an answers file cannot be used."""
    match kind:
        case ".toml":
            return [*_statements(text, known)]
        case ".json":
            end = len(text.rstrip().splitlines())
            damaged = text.count("{") > text.count("}")
            return [DamagedJson(end)] if damaged else []
        case ".ipynb":
            return [*_notebook(text)]
        case _:
            return [*_rows(text)]


def _statements(text: str, known: Known) -> Iterator[Unused]:
    section = ""
    headed: list[str] = []
    stated: list[Stated] = []
    unread: list[Unused] = []
    running = False  # a bracket is open, and the lines after it are of the same statement
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if found := re.fullmatch(r"\[(\w+)\]", line):
            if found[1] in headed:
                unread.append(UnreadLine(number, "named_twice"))
            else:
                section = found[1]
                headed.append(section)
            continue
        name, equals, value = line.partition("=")
        name = name.strip().strip('"')
        if not line.strip() or (running and not equals):
            continue
        running = False
        try:
            if not equals:
                raise NoStatementError("no_equals")
            if any((s.section, s.name) == (section, name) for s in stated):
                raise NoStatementError("named_twice")
            stated.append(Stated(number, section, name, _value(value.strip())))
        except NoStatementError as fault:
            running = str(fault) == "not_closed"
            unread.append(UnreadLine(number, str(fault)))  # type: ignore[arg-type]
    yield from unread
    yield from of_statements(stated, known)


def _value(text: str) -> Any:
    """Nested lists of the cells' texts."""
    if text.count("[") > text.count("]"):
        raise NoStatementError("not_closed")
    if not text or re.search(r"[\[,]\s*,", text):
        raise NoStatementError("no_number")
    if text.startswith("{"):
        name, _, inner = text.strip("{} ").partition("=")
        return {name.strip(): _value(inner.strip())}
    quoted = re.sub(r"[^\s\[\],]+", lambda cell: json.dumps(cell[0]), text)
    return json.loads(quoted)


def _rows(text: str) -> Iterator[Unused]:
    """Remarks on a table whose cells are parted by commas."""
    named = False
    for number, row in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in row.split(",")]
        if any(len(cell) > 131_072 for cell in cells):
            yield UnreadRow(number, "")
            return
        named = named or bool(cells[0])
        if not named and any(cells):
            yield RowWithoutName(number)


def _notebook(text: str) -> Iterator[Unused]:
    """Remarks on a notebook whose cells assign a variable a line: a letter after the sign is code."""
    for cell in json.loads(text)["cells"]:
        for line in "".join(cell["source"]).splitlines() if cell["cell_type"] == "code" else ():
            name, _, value = (part.strip() for part in line.partition("="))
            if re.search("[A-Za-z]", value.removeprefix("np.array")):
                yield WorkedInCode(name)


def of_statements(stated: list[Stated], known: Known) -> Iterator[Unused]:
    """What of statements that can be read cannot be used, in any order."""
    for section in dict.fromkeys(s.section for s in stated):
        if section not in ("", "updated"):
            yield NotFigures(section)
    entered: set[tuple[str, str]] = set()
    for each in stated:
        if each.section not in ("", "updated"):
            continue
        fault = _fault(each.value)
        if fault == TableInside() and not each.section:
            yield NotFigures(each.name)
        elif fault is not None:
            name = f"{each.section}.{each.name}" if each.section else each.name
            yield NoArray(name, fault)
        elif each.section == "updated":
            yield from _after_update(each, f"updated.{each.name}", known)
        elif each.name.endswith("_new"):
            new = replace(each, name=each.name.removesuffix("_new"))
            yield from _after_update(new, each.name, known)
        else:
            yield from _plainly(each, known, entered)


def _fault(value: Any, depth: int = 0) -> Any:
    if isinstance(value, dict):
        if set(value) != {"cases"}:
            return TableInside()
        return None if isinstance(value["cases"], list) else CasesUnlisted()
    if isinstance(value, np.ndarray):
        return None if np.issubdtype(value.dtype, np.floating) else NotReal(value.dtype.name)
    if not isinstance(value, list | str):
        return ArrayUnread()
    if not isinstance(value, list):
        return None
    if depth == DEEPEST:
        return TooDeep(DEEPEST)
    inner = [_fault(v, depth + 1) for v in value]
    if any(inner):
        return next(f for f in inner if f)
    shapes = [_lengths(v) for v in value]
    for place, shape in enumerate(shapes, 1):
        if shape != shapes[0]:
            if len(shape) == len(shapes[0]) == 1:
                return RaggedMatrix(place, shape[0], shapes[0][0])
            return RaggedArray(place)
    return None


def _lengths(value: Any) -> tuple[int, ...]:
    return (len(value), *_lengths(value[0])) if isinstance(value, list) and value else ()


def _after_update(stated: Stated, written: str, known: Known) -> Iterator[Unused]:
    oracle = known.facts.oracle
    if not oracle.update:
        yield NoUpdate(written)
    elif stated.name not in oracle.parameters:
        yield NotAsked(written, _alike([stated.name], list(oracle.parameters)))
    else:
        yield from _cells(stated, written)


def _plainly(stated: Stated, known: Known, entered: set[tuple[str, str]]) -> Iterator[Unused]:
    """Of a name at the top: a value's, a gradient's, a number's that is given, or nobody's."""
    oracle, name = known.facts.oracle, stated.name
    given = {**oracle.parameters, **oracle.data}
    values = {*known.facts.targets}
    about = _asked(name, known) or _meant(
        name, {*values, *given, oracle.cost}, {oracle.cost, oracle.loss}
    )
    if about is None:
        below = re.fullmatch(r"d(\w+)/d(\w+)", name)
        if below and below[1] in values and below[2] in {*values, *given}:
            yield AnotherDerivative(name, below[1], oracle.cost, f"d{below[2]}")
            return
        # A gradient's other spelling is likened to the problem's own first.
        stem = re.fullmatch(r"(?:d|grad_)(\w+)|(\w+)_grad", name)
        first = [f"d{stem[1] or stem[2]}"] if stem else []
        targets = [q.target for q in known.quantities.values() if q.phase != "update"]
        yield NotAsked(name, _alike([*first, name], targets))
    elif about[0] == "value" and about[1] in given:
        figures, number = _figures(stated.value), given[about[1]]
        if figures.size == number.size and not np.allclose(
            figures.ravel(), number.ravel(), atol=1e-4
        ):
            yield GivenOtherwise(name, bool(oracle.update) and name in oracle.parameters)
    else:
        yield from _cells(stated, name)
        if about in entered:
            yield EnteredTwice(name)
        entered.add(about)


def _asked(name: str, known: Known) -> tuple[str, str] | None:
    """The same of a name that a complete sheet has."""
    for quantity in known.quantities.values():
        if quantity.target == name:
            kind = "gradient" if isinstance(quantity.shown, Adjoint) else "value"
            return kind, quantity.shown.name
    return None


def _meant(name: str, every: set[str], losses: set[str]) -> tuple[str, str] | None:
    """Whether a name is that of a value or of a gradient of the loss, and of what."""
    if name in every:
        return "value", name
    above = "|".join(map(re.escape, {"L", "J", *losses}))
    for pattern in (r"d(\w+)", rf"d(?:{above})/d(\w+)", r"(\w+)_grad"):
        found = re.fullmatch(pattern, name)
        if found and found[1] in every:
            return "gradient", found[1]
    return None


def _alike(names: list[str], known: list[str]) -> str:
    """Of known names the one most like the first of some names that is like any."""
    for name in names:
        shares = {k: difflib.SequenceMatcher(None, k, name).ratio() for k in known}
        best = max(shares.values(), default=0)
        folded = [k for k in known if k.casefold() == name.casefold()]
        if folded or best >= NEAR:
            return folded[0] if folded else "/".join(k for k in known if shares[k] == best)
    return ""


def _cells(stated: Stated, name: str) -> Iterator[Unused]:
    cells = np.asarray(stated.value, dtype=object)
    for at in np.ndindex(cells.shape):
        if np.isnan(_number(cells[at])):
            yield NotANumber(name, at, str(cells[at]))


def _figures(value: Any) -> Any:
    return np.vectorize(_number, otypes=[float])(np.asarray(value, dtype=object))


def _number(text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


# -- what is said of them -------------------------------------------------------------------------


def of_remarks(said: tuple[Unused, ...], derived: list[Unused]) -> Claims:
    """What was said of an answers file, beside what of it cannot be used."""
    left = list(derived)
    for remark in said:
        kind = type(remark).__name__
        if isinstance(remark, More):
            found = [
                (remark.count == len(derived) - LISTED == len(left), f"there are {len(derived)}")
            ]
            yield from claims_of("remark More", found, remark)
            left = left[remark.count :]
            continue
        same = [d for d in left if alike(remark, d)]
        yield from claims_of(f"remark {kind}", [(bool(same), f"it is {derived}")], remark)
        if same:
            left.remove(same[0])
    yield from claims_of("remarks", [(not left, f"nothing is said of {left}")])


def alike(said: Unused, derived: Unused) -> bool:
    """Whether two remarks are one, but for a parser's words and names that are as near as another."""
    match said, derived:
        case UnreadRow(), UnreadRow():
            return said.row == derived.row
        case NotAsked(), NotAsked():
            near = derived.meant.split("/")
            return said.name == derived.name and said.meant in near
        case _:
            return said == derived


def arranged(judged: Judged, figures: Any, known: Known) -> Found:
    """How figures were read: as they stand, with a case in each row, or a list as a column."""
    assert judged.entry is not None
    written, read = _figures(figures), judged.entry.value / judged.entry.factor

    def same(array: Any) -> bool:
        return array.shape == read.shape and np.allclose(array, read, equal_nan=True)

    name = judged.quantity.shown.name
    batched = bool(written.ndim) and name in known.facts.oracle.batched
    column = written.ndim == 1 and written.size > 1 and read.shape == (written.size, 1)
    match judged.arrangement:
        case None:
            others = tuple(n for n in written.shape if n > 1) == tuple(
                n for n in read.shape if n > 1
            )
            holds = others and np.allclose(written.ravel(), read.ravel(), equal_nan=True)
            yield holds and not (column and not batched), "it is not read as it stands"
        case CasesInRows(count):
            yield batched and same(np.moveaxis(written, 0, -1)), "no cases stand in its rows"
            yield count == known.facts.cases, f"there are {known.facts.cases} cases"
        case AsColumn(rows):
            yield column and same(written[:, None]), "it is no column"
            yield rows == written.size, f"it has {written.size} rows"


# -- untidy sheets --------------------------------------------------------------------------------


def turned(sheet: Sheet, known: Known) -> Sheet:
    """The sheet with a case in each row, and columns as lists."""
    figures = dict(sheet.figures)
    for quantity in known.checker.asked:
        if quantity.target not in figures:
            continue
        array = np.array(figures[quantity.target], dtype=object)
        if quantity.shown.name in known.facts.oracle.batched and array.ndim > 1:
            figures[quantity.target] = np.moveaxis(array, -1, 0).tolist()
        elif array.ndim == 2 and array.shape[1] == 1:
            figures[quantity.target] = array.ravel().tolist()
    return Sheet(figures)


def toml_of(sheet: Sheet, draws: random.Random, known: Known) -> str:
    """An answers file with things that are amiss in it."""
    lines = [
        f"{json.dumps(name)} = {_toml(figures)}"
        for name, figures in sheet.figures.items()
        if not name.startswith("updated.")
    ]
    first, *_ = sheet.figures
    parameter = next(iter(known.facts.oracle.parameters), first)
    amiss = [
        f"{first} = 1",
        "zz9 = ",
        "zz8 = [0.5, 1",
        "zz12 = [0.5, 1,",
        "zz11 = [0.5, , 1]",
        "zz7 0.5",
        "zz14_new = 1",
        "zz6 = [[1, 2], [3]]",
        "zz5 = [[1, 2], 3]",
        "zz4 = {cases = 3}",
        "zz3 = {some = 3}",
        f"zz2 = {'[' * 10}1{']' * 10}",
        f"{first}x = 2",
        f'"d{first}/d{parameter}" = 2',
        f"grad_{parameter}q = 1",
        f"{parameter} = {_toml(_nines(known.facts.oracle.parameters[parameter]))}"
        if parameter in known.facts.oracle.parameters
        else "",
        f'"dL/d{parameter}" = {_toml(sheet.figures.get(f"d{parameter}", "1"))}',
        "[updated]\nzz1 = [abc]",
        f"[updated]\n{parameter} = abc",
        f"[updated]\n{parameter} = {{some = 3}}\n[updated]\nzz13 = 1",
        "[answers]\nzz0 = 1",
    ]
    chosen = draws.sample(amiss[:-4], 3) + draws.sample(amiss[-4:], 1)
    if draws.random() < 0.3:
        chosen = [f"qq{k} = 1" for k in range(14)]
    return "\n".join([*lines, *chosen])


def _nines(array: Any) -> Any:
    return np.full(np.shape(array), "999.5", dtype=object).tolist()


def _toml(figures: Any) -> str:
    if isinstance(figures, list):
        return f"[{', '.join(map(_toml, figures))}]"
    return str(figures)


def json_of(sheet: Sheet, draws: random.Random) -> str:
    """A JSON file, broken off somewhere after its first quantity."""
    members = [f"{json.dumps(n)}: {json.dumps(f)}," for n, f in sheet.figures.items()]
    end = draws.choice(("", "\n"))
    return "\n".join(["{", *members[: draws.randint(1, len(members))]]) + end


def csv_of(sheet: Sheet, draws: random.Random) -> str:
    """A table with a row that has no name, or that cannot be read."""
    rows = [f"{n},{','.join(map(str, np.ravel(f)))}" for n, f in sheet.figures.items()]
    if draws.random() < 0.5:
        return "\n".join([",1,2", "", *rows])
    return "\n".join([rows[0], f"zz,{'1' * 131_073}", *rows[1:]])


OBJECTS: dict[str, Any] = {
    "complex": np.array([1j]),
    "flags": np.array([True]),
    "object": type("Opaque", (), {"__array__": lambda *_, **__: float([])})(),  # type: ignore[arg-type]
}


def of_untidy(sheet: Sheet, known: Known, draws: random.Random) -> Claims:
    """Answers files of a right sheet with something amiss, and the sheet written in another arrangement."""
    for kind, text in (
        (".toml", toml_of(sheet, draws, known)),
        draws.choice(((".json", json_of(sheet, draws)), (".csv", csv_of(sheet, draws)))),
    ):
        report = known.checker.check(read_text(text, kind, "answers"))
        derived = remarks_of(text, kind, known)
        yield from of_remarks(report.unused, derived)
        yield from claims_of("the rest", of_rest(report, text, kind, sheet))
    yield from of_turned(known.checker.check(turned(sheet, known).figures), sheet, known)


def of_rest(report: CheckReport, text: str, kind: str, sheet: Sheet) -> Found:
    """Whether the rest is checked: every line of the sheet that stands in the file, whole and before what ends it."""
    readable = text.partition("\nzz,1")[0] if kind == ".csv" else text
    for name in sheet.figures:
        stands = re.search(rf'^"?{re.escape(name)}"?\s*[=:,]', readable, re.MULTILINE)
        judged = report.verdicts.get(name)
        checked = judged is not None and judged.entry is not None
        misshapen = kind == ".csv" and judged is not None and judged.verdict == "wrong"
        yield checked or misshapen or not stands, f"{name} is not checked"


def of_turned(report: CheckReport, sheet: Sheet, known: Known) -> Claims:
    other = turned(sheet, known)
    for judged in report.entered:
        found = arranged(judged, other.figures[judged.target], known)
        yield from claims_of("arrangement", found, (judged.target, judged.arrangement))


def of_objects(known: Known) -> Claims:
    """Objects of a program that are no arrays of numbers."""
    (first,) = [q.target for q in known.checker.asked][:1]
    answers = from_mapping({first: "1", **OBJECTS})
    stated = [Stated(0, "", n, a) for n, a in OBJECTS.items()]
    yield from of_remarks(tuple(answers.unused), [*of_statements(stated, known)])
