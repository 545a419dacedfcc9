"""Trees for the renderers' tests: the lab's by hand, random ones from the operations table."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from handgrad.expression import Adjoint, Call, Expression, Index, Literal, Name, Option, Slice
from handgrad.notation import Subscript
from handgrad.operations import TABLE
from handgrad.operations.operation import Operation
from handgrad.page.blocks import (
    Block,
    Derivation,
    Heading,
    Note,
    NoteKind,
    Paragraph,
    Relation,
    Table,
)

NAMES = ("x", "W1", "W2", "b_h1", "yhat", "z10", "w_12", "h_prev", "net", "alpha1", "out_o1", "L")


HEADINGS = ("i->", "ij,jk->ik", "i,j,k->kji")
"""What an operation by letters is headed with."""


def shaped(expression: Call, *shape: int) -> Call:
    """The call annotated with its shape."""
    return replace(expression, shape=shape)


def matrix(*rows: tuple[float, ...]) -> Literal:
    return Literal(rows)


def vector(*entries: float) -> Literal:
    return Literal(entries)


numbers = st.one_of(
    st.integers(-20, 20).map(float),
    st.floats(-10, 10, allow_nan=False).map(lambda x: round(x, 4)),
    st.floats(allow_nan=False, allow_infinity=False),
)


@st.composite
def literals(draw: st.DrawFn, longest: int = 5) -> Literal:
    """Scalars, arrays of up to three axes, and the same in many cases."""
    axes = draw(st.lists(st.integers(1, longest), max_size=3))
    batched = bool(axes) and draw(st.booleans())

    def filled(rest: list[int]) -> float | tuple[object, ...]:
        return tuple(filled(rest[1:]) for _ in range(rest[0])) if rest else draw(numbers)

    return Literal(filled(axes), batched=batched)  # type: ignore[arg-type]


whole = st.integers(-9, 9)
bounds = st.none() | whole
indices: st.SearchStrategy[Index] = st.one_of(
    whole, st.builds(Slice, bounds, bounds, st.none() | st.integers(1, 3))
)
options: st.SearchStrategy[Option] = st.one_of(
    st.booleans(),
    whole,
    numbers,
    st.lists(indices, min_size=1, max_size=3).map(tuple),
)


@st.composite
def calls(draw: st.DrawFn, children: st.SearchStrategy[Expression]) -> Expression:
    """A call of any operation of the table but those whose names stand for formulas of others."""
    operation: Operation = draw(st.sampled_from([o for o in TABLE if o.means is None]))
    fewest, most = operation.arity
    most = 3 if most is None else most
    count = draw(st.integers(min(max(fewest, 1), most), most))
    arguments = tuple(draw(children) for _ in range(count))
    if isinstance(operation.notation, Subscript):
        at = tuple(draw(st.lists(indices, min_size=1, max_size=3)))
        return Call(operation.name, arguments, (("at", at),))
    unheaded = [name for name in operation.options if name != operation.heading]
    given = draw(st.lists(st.sampled_from(unheaded), unique=True)) if unheaded else []
    heading = [(operation.heading, draw(st.sampled_from(HEADINGS)))] if operation.heading else []
    return Call(operation.name, arguments, (*heading, *[(name, draw(options)) for name in given]))


names = st.sampled_from(NAMES).map(Name)
adjoints = st.builds(Adjoint, st.sampled_from(NAMES), st.sampled_from(("", "z1", "z2")))


def trees(leaves: st.SearchStrategy[Expression], size: int = 12) -> st.SearchStrategy[Expression]:
    """Random trees over the given leaves."""
    return st.recursive(leaves, calls, max_leaves=size)


texts = st.lists(
    st.one_of(st.text(max_size=12), st.just("the gradient "), names, adjoints), max_size=5
).map(tuple)


@st.composite
def blocks(draw: st.DrawFn, formulas: st.SearchStrategy[Expression]) -> Block:
    """A block of any kind, its mathematics drawn from `formulas`."""
    kind = draw(st.sampled_from(["heading", "paragraph", "derivation", "table", "note"]))
    relations = st.builds(
        Relation,
        st.one_of(st.none(), names, adjoints, formulas),
        st.lists(formulas, min_size=1, max_size=3).map(tuple),
        marks=st.just({(0,): "off", (1,): "zeroed"}),
        remarks=st.sampled_from([{}, {0: "gate shut"}, {1: "unit 2 is off", 7: "unit 8 is off"}]),
        label=st.sampled_from([(), ("through ", Name("z1")), ("together",)]),
        sign=st.sampled_from(["=", "←"]),
    )
    derivations = st.lists(relations, min_size=1, max_size=3).map(tuple).map(Derivation)
    match kind:
        case "heading":
            level = draw(st.integers(1, 3))
            return Heading(draw(texts), level, draw(st.sampled_from(["", "2.4"])), draw(texts))
        case "paragraph":
            return Paragraph(draw(texts))
        case "derivation":
            return draw(derivations)
        case "table":
            width = draw(st.integers(1, 6))
            cells = st.one_of(texts, formulas.map(lambda e: (e,)))
            row = st.tuples(*[cells] * width)
            return Table(
                draw(row), tuple(draw(st.lists(row, max_size=3))), "lcr"[:width], draw(texts)
            )
        case _:
            kinds: list[NoteKind] = ["info", "gate", "warning", "check"]
            note = draw(st.sampled_from(kinds))
            return Note(note, draw(texts), tuple(draw(st.lists(derivations, max_size=1))))
