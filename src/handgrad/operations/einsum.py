"""Products by letters, as NumPy and PyTorch have them: einsum("ij,jk->ik", A, B).

Each argument's axes have a letter each. Entries whose letters agree are multiplied, and the products added
up over the letters that the result lacks. The gradient of one argument is an einsum too: of the incoming
gradient and the other arguments, with that argument's letters as the result's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from string import ascii_letters

from handgrad.expression import Call, Expression, Option, Shape
from handgrad.notation import Function
from handgrad.operations.linear import sum_of
from handgrad.operations.operation import (
    Application,
    Kernel,
    Misfit,
    Operation,
    Options,
    Signature,
    describe,
)
from handgrad.operations.structure import fill
from handgrad.operations.words import OptionWords, Words
from handgrad.record import record

MOST_PRODUCTS = 10**9
"""How many products one einsum may make."""


@record
class Subscripts:
    """The letters of each argument's axes, and those of the result's."""

    arguments: tuple[str, ...]
    result: str

    @property
    def summed(self) -> str:
        """The letters that are summed over, in the order in which they first stand."""
        return "".join(x for x in dict.fromkeys("".join(self.arguments)) if x not in self.result)

    @property
    def text(self) -> str:
        """As it is written, with its result."""
        return f"{','.join(self.arguments)}->{self.result}"


def subscripts_of(given: Option) -> Subscripts:
    """The subscripts that a text gives; raises `Misfit`.

    Without an arrow the result has the letters that stand once, in the order of the alphabet.
    """
    if not isinstance(given, str) or not given.strip():
        raise Misfit(
            "einsum begins with the letters of the axes, in quotes",
            'write einsum("ij,jk->ik", A, B)',
        )
    text = "".join(given.split())
    if "." in text:
        raise Misfit("einsum takes no ellipsis here", "give each axis a letter")
    before, arrow, after = text.partition("->")
    inputs = tuple(before.split(","))
    for letter in before.replace(",", "") + after:
        if letter not in ascii_letters:
            raise Misfit(f"{letter!r} is no letter of an axis", 'write einsum("ij,jk->ik", A, B)')
    for letters in inputs:
        if twice := _twice(letters):
            raise Misfit(
                f"{twice} stands twice in {letters}, which is a diagonal",
                f'give the identity as one more argument: "{text.replace(letters, _apart(letters, twice), 1)}"',
            )
    if twice := _twice(after):
        raise Misfit(f"{twice} stands twice in the result {after}")
    if strange := [x for x in after if x not in before]:
        raise Misfit(
            f"{strange[0]} is a letter of the result and of no argument",
            "each letter of the result is one of the arguments'",
        )
    counts = Counter(before.replace(",", ""))
    once = "".join(sorted(x for x, n in counts.items() if n == 1))
    return Subscripts(inputs, after if arrow else once)


def _twice(letters: str) -> str:
    return next((x for x, n in Counter(letters).items() if n > 1), "")


def _apart(letters: str, twice: str) -> str:
    """ii as ij,ij, the identity beside it: the second of two equal letters is another one."""
    other = next(x for x in f"jk{ascii_letters}" if x not in letters)
    place = letters.rindex(twice)
    return f"{letters[:place]}{other}{letters[place + 1 :]},{twice}{other}"


def _lengths(known: Subscripts, shapes: Sequence[Shape]) -> Mapping[str, int]:
    """By letter, how long its axes are; raises `Misfit` where they differ, or are of another number."""
    if len(known.arguments) != len(shapes):
        of, given = len(known.arguments), len(shapes)
        raise Misfit(
            f"the letters are those of {of} argument{'' if of == 1 else 's'}, and {given} "
            f"{'is' if given == 1 else 'are'} given",
            "a comma parts the letters of one argument from the next",
        )
    found: dict[str, tuple[int, int]] = {}
    for position, (letters, shape) in enumerate(zip(known.arguments, shapes, strict=True)):
        if len(letters) != len(shape):
            axes = f"{len(letters)} {'axis' if len(letters) == 1 else 'axes'}"
            raise Misfit(
                f"{letters or 'no letter'} names {axes}, and {{{position}}} is {describe(shape)}",
                "each axis has one letter",
            )
        for letter, length in zip(letters, shape, strict=True):
            before, first = found.setdefault(letter, (length, position))
            if before != length:
                raise Misfit(
                    f"{letter} is {before} long in {{{first}}} and {length} long in {{{position}}}",
                    "axes with the same letter are equally long",
                )
    return {letter: length for letter, (length, _) in found.items()}


def _shape(shapes: Sequence[Shape], options: Options) -> Shape:
    known = subscripts_of(options["subscripts"])
    lengths = _lengths(known, shapes)
    count = math.prod(lengths.values())
    if count > MOST_PRODUCTS:
        raise Misfit(
            f"these letters make {count} products, more than {MOST_PRODUCTS}",
            "split it: multiply two arguments at a time",
        )
    return tuple(lengths[letter] for letter in known.result)


def _kernel(s: Signature) -> Kernel:
    known = subscripts_of(s.options["subscripts"])
    subscripts = known.text
    if any(s.batched):
        used = "".join(known.arguments)
        case = next(x for x in "n" + ascii_letters if x not in used)
        each = (x + case * c for x, c in zip(known.arguments, s.batched, strict=True))
        subscripts = f"{','.join(each)}->{known.result}{case}"
    return lambda xp, *arrays: xp.einsum(subscripts, *arrays)


def by_letters(subscripts: str, *arguments: Expression) -> Call:
    """The formula of an einsum."""
    return Call("einsum", arguments, (("subscripts", subscripts),))


def _pullback(i: int, g: Expression, p: Application) -> Expression:
    known = subscripts_of(p.options["subscripts"])
    own = known.arguments[i]
    others = [
        (x, e) for k, (x, e) in enumerate(zip(known.arguments, p.arguments, strict=True)) if k != i
    ]
    there = known.result + "".join(x for x, _ in others)
    # Over a letter of this argument alone its entries are added up: each gets the whole gradient.
    kept = "".join(x for x in own if x in there)
    gradient = g
    if others or known.result != kept:
        inputs = ",".join((known.result, *(x for x, _ in others)))
        gradient = by_letters(f"{inputs}->{kept}", g, *(e for _, e in others))
    if kept == own:
        return gradient
    spread = tuple(k for k, x in enumerate(own) if x not in there)
    return fill(gradient, shape=p.shapes[i], axis=spread)


def _element(index: tuple[int, ...], p: Application) -> Expression:
    known = subscripts_of(p.options["subscripts"])
    lengths = _lengths(known, p.shapes)
    at = dict(zip(known.result, index, strict=True))
    terms: list[Expression] = []
    for place in product(*(range(lengths[x]) for x in known.summed)):
        where = {**at, **dict(zip(known.summed, place, strict=True))}
        factors = [
            e.entry(tuple(where[x] for x in letters))
            for letters, e in zip(known.arguments, p.arguments, strict=True)
        ]
        term = factors[0]
        for factor in factors[1:]:
            term = term * factor
        terms.append(term)
    return sum_of(terms)


def _told(given: Option) -> str:
    """Which letters are multiplied along and which summed over."""
    known = subscripts_of(given)
    summed = (
        f"added up over {', '.join(known.summed)}" if known.summed else "added up over no letter"
    )
    if len(known.arguments) == 1:
        kept = f"{', '.join(known.result)} is kept" if known.result else "no letter is kept"
        kept = kept.replace(" is ", " are ") if len(known.result) > 1 else kept
        return f"the entries are {summed}, and {kept}"
    counts = Counter("".join(known.arguments))
    shared = [x for x, n in counts.items() if n > 1]
    along = f"meet along {', '.join(shared)}" if shared else "share no letter"
    return f"the arguments {along}, and the products are {summed}"


einsum = Operation(
    name="einsum",
    family="linear",
    arity=(1, None),
    shape=_shape,
    kernel=_kernel,
    pullback=_pullback,
    element=_element,
    words=Words(
        "the product by letters",
        "Multiply the entries whose letters agree, and add up over the letters that the result lacks.",
        "An argument gets the gradient times the other arguments, added up over the letters that it lacks; along a letter that it has alone, every entry gets the same.",
        options={"subscripts": OptionWords("", tell=_told)},
    ),
    notation=Function("einsum", r"\operatorname{einsum}"),
    options={"subscripts": ""},
    heading="subscripts",
    sizes=_kernel,
)

OPERATIONS: tuple[Operation, ...] = (einsum,)
