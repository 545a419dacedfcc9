"""Models of PyTorch as problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.errors import MissingExtraError
from handgrad.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch


def from_torch(
    model: torch.nn.Module,
    x: torch.Tensor | tuple[torch.Tensor, ...] | Mapping[str, torch.Tensor],
    y: torch.Tensor | tuple[torch.Tensor, ...] | None = None,
    loss: Callable[..., torch.Tensor] | None = None,
) -> Problem:
    """The problem of a model of PyTorch and its loss, at the model's own numbers.

    Parameters and buffers have the paths that the model has for them, values those of their modules; each
    equation knows its module and the line of your code. Parameters that require no gradient, buffers and what
    is computed under `torch.no_grad()` are data. The model's mode counts, as in PyTorch: in training, batch norm
    takes the batch's statistics, and a dropout's mask is drawn as PyTorch would draw it next, and is data. The model,
    its buffers and the random state stay as they are.

    Arguments:
        model: a module.
        x: its input, several as a tuple, or as a mapping of the names of `forward`.
        y: what the loss compares the output with.
        loss: a function of the output and y, such as `torch.nn.functional.cross_entropy`, or a module; left out
            where the model gives its loss, one number.

    Raises `OptionError` for what is no model or no tensors, `ProblemError` for a model that cannot be run or exported,
    or an operation that cannot be read, naming the module and the line, and `MissingExtraError` without PyTorch.

        >>> import torch
        >>> x, y = torch.ones(3, 2), torch.zeros(3, 1)
        >>> handgrad.from_torch(torch.nn.Linear(2, 1), x, y, torch.nn.functional.mse_loss)
        <Problem 'Linear': 2 equations>
    """
    try:
        import torch.export  # noqa: F401 - whether it is there
    except ModuleNotFoundError:
        raise MissingExtraError(
            "reading a model of PyTorch needs torch", mend="pip install 'handgrad[torch]'"
        ) from None
    from handgrad.models.pytorch.exporting import exported
    from handgrad.models.pytorch.reading import problem_of

    return problem_of(exported(model, x, y, loss))
