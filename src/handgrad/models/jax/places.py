"""JAX's primitives that pick entries, put them elsewhere, or put them in order.

What a sort picks at these numbers stays picked, as JAX's own gradient has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import primitives as p

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import (
    MOST_PLACES,
    kept,
    picked,
    put,
    reshaped,
    sliced,
)
from handgrad.models.jax.primitive import Primitive, Rule, Value


def _gather(a: Primitive) -> Value:
    """Entries by known places: whole rows where they are such, single entries of the flat array elsewhere."""
    a.known(1)
    shape, count = a.shape(), math.prod(a.shape())
    params = {**a.params, "fill_value": -1}
    which = np.asarray(lax.gather_p.bind(np.arange(count).reshape(shape), a.numbers[1], **params))
    if (which < 0).any() or (which >= count).any():
        a.refuse("picks entries that there are not", "places are counted from 0")
    found = _rows(a, which, shape)
    if found is not None:
        return found
    numbers = a.places(which, "places")
    return picked(reshaped(a(0), shape, (count,)), (count,), numbers, which.shape)


def _rows(a: Primitive, which: np.ndarray[Any, Any], shape: Shape) -> Value | None:
    """Rows of a matrix by their numbers, as an embedding is looked up; a single one as an index."""
    row = shape[1:]
    size = math.prod(row)
    if len(shape) < 2 or which.shape[which.ndim - len(row) :] != row or not which.size:
        return None
    numbered = which.shape[: which.ndim - len(row)]
    flat = which.reshape(-1, size)
    if not (flat == flat[:, :1] + np.arange(size)).all() or (flat[:, 0] % size).any():
        return None
    rows = (flat[:, 0] // size).reshape(numbered)
    if not numbered:
        return a(0).at((int(rows),))
    if rows.ndim == 1 and (rows == np.arange(rows[0], rows[0] + len(rows))).all():
        return sliced(a(0), shape, 0, int(rows[0]), int(rows[-1]) + 1)
    numbers = a.places(rows, "rows")
    return picked(a(0), shape, numbers, numbered)


def _scatter(added: bool) -> Rule:
    """Entries put at known places of an array: added to what is there, or in its place."""

    def rule(a: Primitive) -> Value:
        a.known(1)
        whole, shape = a.shape(0), a.shape(2)
        if math.prod(whole) * math.prod(shape) > MOST_PLACES:
            a.refuse(
                f"puts {math.prod(shape)} entries among {math.prod(whole)}", "of fewer it is read"
            )
        # Each entry of the source by itself says where it goes.
        every = jax.vmap(
            lambda one: lax.scatter_add(
                jnp.zeros(whole, one.dtype), jnp.asarray(a.numbers[1]), one, **_of_scatter(a)
            )
        )(jnp.eye(math.prod(shape)).reshape(-1, *shape))
        hits = np.asarray(every).reshape(math.prod(shape), math.prod(whole))
        if not (hits.sum(1) == 1).all():
            a.refuse("puts entries beside the array", "places are counted from 0")
        targets = hits.argmax(1).reshape(shape)
        found = put(a(2), shape, targets, whole, lambda ones: a.places(ones, "places"))
        known = a.fixed[0] and not np.any(np.asarray(a.numbers[0]))
        if added:
            return found if known else a(0) + found
        keeps = kept(targets, whole)
        if keeps is None:
            a.refuse("writes to an entry twice", "add up instead: x.at[i].add(v)")
        return found if known else a(0) * a.places(keeps, "kept") + found

    return rule


def _of_scatter(a: Primitive) -> dict[str, Any]:
    names = ("dimension_numbers", "indices_are_sorted", "unique_indices", "mode")
    return {n: a.params[n] for n in names if n in a.params}


def _picked_along(a: Primitive, k: int, order: np.ndarray[Any, Any], axis: int) -> Expression:
    """The entries of an argument along an axis, by their places there."""
    shape = a.shape(k)
    count = math.prod(shape)
    which = np.take_along_axis(np.arange(count).reshape(shape), order, axis)
    return picked(reshaped(a(k), shape, (count,)), (count,), a.places(which, "places"), which.shape)


def _sorted(a: Primitive) -> tuple[Value, ...]:
    axis = int(a.params["dimension"])
    if int(a.params["num_keys"]) != 1:
        a.refuse("sorts by several keys", "by one it is read")
    order = np.argsort(np.asarray(a.numbers[0]), axis=axis, kind="stable")
    return tuple(_picked_along(a, k, order, axis) for k in range(len(a.values)))


def _largest(a: Primitive) -> tuple[Value, ...]:
    """The k largest along an axis, and their places."""
    numbers = np.asarray(a.numbers[0])
    axis = int(a.params.get("axis", numbers.ndim - 1)) % numbers.ndim
    order = np.argsort(-numbers, axis=axis, kind="stable")
    order = np.take(order, np.arange(int(a.params["k"])), axis=axis)
    return _picked_along(a, 0, order, axis), a.places(order, "order")


PLACES: Mapping[str, Rule] = {
    p.gather_p.name: _gather,
    p.scatter_add_p.name: _scatter(added=True),
    p.scatter_p.name: _scatter(added=False),
    p.sort_p.name: _sorted,
    p.top_k_p.name: _largest,
}
"""By primitive, the formula of its arguments."""
