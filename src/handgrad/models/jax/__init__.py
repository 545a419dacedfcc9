"""Functions of JAX as problems, read through their jaxpr."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from handgrad.errors import MissingExtraError
from handgrad.problem import Problem


def from_jax(function: Callable[..., object], parameters: object, data: object = ()) -> Problem:
    """The problem of a loss in JAX: what `function(parameters, *data)` computes, as equations.

    Its jaxpr is read: calls are opened, scans unrolled, what depends on neither parameters nor floating data is
    worked out beforehand. Values have the names of the variables that the code assigns them to; parameters and data those of
    their place in the tree, such as `layers.0.w`. At kinks the slopes are JAX's own.

    Arguments:
        function: gives the loss, one number, first.
        parameters: a tree of arrays (dictionaries, lists, dataclasses) that are learned.
        data: what follows the parameters: a tuple of several arguments, or the only one. Whole numbers, such as classes
            and token ids, and keys of random numbers stay as they are.

    Raises `ProblemError` for a function that raises, gives no loss, or has a primitive that is not read, with the line of
    code; `NumberError` for what holds no finite numbers; `MissingExtraError` without JAX.

        >>> import jax.numpy as jnp
        >>> def loss(p, x, y):
        ...     h = jnp.tanh(x @ p["w"])
        ...     return jnp.mean((h - y) ** 2)
        >>> problem = handgrad.from_jax(loss, {"w": jnp.ones(2)}, (jnp.ones((3, 2)), jnp.zeros(3)))
        >>> list(problem.parameters), problem.loss
        (['w'], 'loss')
    """
    if find_spec("jax") is None:
        raise MissingExtraError("functions of JAX need jax", mend="pip install 'handgrad[jax]'")
    from handgrad.models.jax.reading import read_function

    return read_function(function, parameters, data)
