"""Who receives the gradient of an extreme where entries tie: all of them alike, or the first alone.

Handgrad's own operations share it. A model is followed: PyTorch gives all of it to the first along an axis, and all
frameworks do in a window (`findings/ties-of-a-maximum.sh`).
"""

from __future__ import annotations

from collections.abc import Callable

from handgrad.arrays import AnyArray, Mask, Namespace
from handgrad.expression import Option
from handgrad.operations.operation import Kink, Options
from handgrad.operations.words import OptionWords

FIRST: Options = {"first": False}
"""The option by which the first of the entries that tie receives all of the gradient."""

TOLD = {
    "first": OptionWords(
        "", plain=0, tell=lambda first: "of entries that tie, the first receives all" * bool(first)
    )
}


def shares(
    xp: Namespace,
    entries: AnyArray,
    extreme: AnyArray,
    axes: tuple[int, ...],
    grain: AnyArray | None = None,
    *,
    first: bool = False,
) -> AnyArray:
    """Each entry's share in an extreme.

    The nearest entries share: where figures are rounded and carried, none need be at it. What is no
    more than `grain` farther is as near, and so are numbers that the extreme equals as they compare.
    With `first` the first of them, as rows are read, has all.
    """
    gap = xp.abs(entries - extreme)
    one, none = xp.ones_like(gap), xp.zeros_like(gap)
    least = xp.min(gap, axis=axes, keepdims=True)
    at = xp.where(entries == extreme, one, none)
    hit = xp.where(gap == least if grain is None else gap <= least + grain, one, at)
    if first:
        return xp.where(_before(xp, hit, axes) == 0, hit, none)
    count = xp.sum(hit, axis=axes, keepdims=True)
    return hit / xp.where(count > 1, count, 1.0)


def _before(xp: Namespace, hit: AnyArray, axes: tuple[int, ...]) -> AnyArray:
    """How many entries are hit before each, as the rows along these axes are read."""
    before = xp.zeros_like(hit)
    for k, axis in enumerate(axes):
        rows = hit if k == len(axes) - 1 else xp.sum(hit, axis=axes[k + 1 :], keepdims=True)
        before = before + (xp.cumsum(rows, axis=axis) - rows)
    return before


def kinks_of_ties(
    tied: Callable[..., Mask], attain: str, followed: str, *, of_result: bool = False
) -> tuple[Kink, ...]:
    """The kinks of an extreme: what ties, and who receives the gradient there.

    Arguments:
        tied: marks what ties.
        attain: what is attained, in words.
        followed: who gives all of the gradient to the first, in words.
        of_result: whether entries of the result are marked.
    """

    def at(first: bool) -> Callable[..., Mask]:
        def met(xp: Namespace, *arrays: AnyArray, **options: object) -> Mask:
            found = tied(xp, *arrays, **options)
            return found if bool(options.get("first", False)) == first else found & False

        return met

    return (
        Kink(at(False), f"the entries that attain {attain} share the gradient equally", of_result),
        Kink(
            at(True),
            f"of the entries that attain {attain} the first receives the whole gradient, as {followed}; "
            "without first = true they share it equally",
            of_result,
        ),
    )


def without_ties(options: tuple[tuple[str, Option], ...]) -> tuple[tuple[str, Option], ...]:
    """The options of a call without that on ties, which what stands in for an extreme has not."""
    return tuple((name, value) for name, value in options if name not in FIRST)
