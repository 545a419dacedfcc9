"""Files of PyTorch: exported programs, which are read, and pickles, which are not."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.errors import MissingExtraError, OptionError, ProblemError, nearest
from handgrad.models.inputs import array_of, arrays_of
from handgrad.operations import SPELLINGS
from handgrad.operations.divergences import nll
from handgrad.operations.losses import bce, bce_with_logits, cross_entropy, mse
from handgrad.operations.robust_losses import huber, mae, smooth_l1
from handgrad.problem import Problem


def read_program(path: Path, *, data: Any = None, target: Any = None, loss: Any = None) -> Problem:
    """The problem of a .pt2 file, which `torch.export.save` writes.

    Arguments:
        path: the file.
        data: the program's inputs: an array or a .npy file; several in a tuple, by name, or in a .npz file.
        target: what the loss compares its output with: an array or a .npy file.
        loss: by its name, such as "cross_entropy", or a function of the output and the target.

    Raises `ProblemError` for a file that is no such program or cannot be read, and `OptionError` for inputs that
    do not fit.
    """
    torch = _torch(path.name)
    from handgrad.models.pytorch.exporting import Exported, quietly, told
    from handgrad.models.pytorch.reading import problem_of

    try:
        with quietly():
            program = torch.export.load(path)
    except Exception as error:
        raise ProblemError(
            f"is not a program that torch.export.save writes: {told(error)}",
            where=path.name,
            mend="torch.export.save(torch.export.export(model, (x,)), path)",
        ) from None
    examples = _examples(program)
    given = arrays_of(data, list(examples), "data")
    inputs = {n: _like(n, given[n], example, torch) for n, example in examples.items()}
    compare = None if loss is None else loss if callable(loss) else _named(loss)
    if (compare is None) != (target is None):
        missing, other = ("loss", "target") if compare is None else ("target", "loss")
        raise OptionError(f"a {other} is given and no {missing}", where=missing)
    y = {}
    if target is not None:
        own = array_of(target, "target")
        whole = own.dtype.kind in "iub"
        like = next(v.dtype for v in inputs.values()) if inputs else torch.float64
        y["target"] = torch.from_numpy(np.ascontiguousarray(own)).to(
            torch.int64 if whole else like if like.is_floating_point else torch.float32
        )
    found = Exported(program, list(inputs), list(inputs.values()), title=path.stem)
    try:
        return problem_of(found, y, compare)
    except ProblemError as error:
        raise error if error.where else error.at(path.name) from None


def _examples(program: Any) -> dict[str, Any]:
    """By input that is an array, the one that PyTorch traced the program with."""
    import torch

    wanted = set(program.graph_signature.user_inputs)
    return {
        node.name: node.meta["val"]
        for node in program.graph.nodes
        if node.op == "placeholder"
        and node.name in wanted
        and isinstance(node.meta.get("val"), torch.Tensor)
    }


def _like(name: str, array: Any, example: Any, torch: Any) -> Any:
    """An array as a tensor of the type that a program takes. Raises `OptionError` for another shape."""
    shape = tuple(example.shape)
    fits = len(shape) == array.ndim and all(
        not isinstance(n, int) or n == own for n, own in zip(shape, array.shape, strict=True)
    )
    if not fits:
        told = "×".join(str(n) if isinstance(n, int) else "any" for n in shape) or "a single number"
        raise OptionError(
            f"{name} is {'×'.join(map(str, array.shape)) or 'a single number'}, and the program takes {told}",
            where="data",
            mend="export it with inputs of this shape, or with dynamic_shapes",
        )
    return torch.from_numpy(np.array(array)).to(example.dtype)


def _named(name: str) -> Callable[..., Any]:
    """PyTorch's own loss, by the name that the table has for it."""
    from torch.nn import functional

    known: Mapping[str, Callable[..., Any]] = {
        cross_entropy.name: functional.cross_entropy,
        nll.name: functional.nll_loss,
        mse.name: functional.mse_loss,
        mae.name: functional.l1_loss,
        huber.name: functional.huber_loss,
        smooth_l1.name: functional.smooth_l1_loss,
        bce.name: functional.binary_cross_entropy,
        bce_with_logits.name: functional.binary_cross_entropy_with_logits,
    }
    found = known.get(SPELLINGS.get(name, name))
    if found is None:
        raise OptionError(
            f"there is no loss {str(name)[:40]!r}",
            where="loss",
            mend=nearest(str(name), known) or f"the losses are {', '.join(known)}",
        )
    return found


def refuse_pickle(path: Path, **_: Any) -> Problem:
    """Says what a file of PyTorch's that holds no program is, and what can be read instead.

    Nothing of it is unpickled: a pickle can run anything. Raises `ProblemError` in every case.
    """
    script = False
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            script = any("/code/" in f"/{name}" for name in archive.namelist())
    what = (
        "is a TorchScript archive, without the model's own names"
        if script
        else (
            "may hold numbers or a pickled model, and no equations; a pickle can run anything, and is not opened"
        )
    )
    raise ProblemError(
        what,
        where=path.name,
        mend='in Python: handgrad.from_torch(model, x, y, loss); as a file: torch.export.save(…, "model.pt2"); a state dict\'s '
        'numbers: W1 = { file = "model.pt", array = "fc1.weight" } in a problem file',
    )


def _torch(name: str) -> Any:
    try:
        import torch
        import torch.export
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"reading {name} needs torch", mend="pip install 'handgrad[torch]'"
        ) from None
    return torch
