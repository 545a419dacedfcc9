"""PyTorch's own results: an operation run on the numbers of its arguments, with what it draws kept."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx

from handgrad.models.pytorch.values import NotRead, TorchValue

DROPOUTS = frozenset(("aten::dropout", "aten::feature_dropout"))

RECURRENT = frozenset(("aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"))

Drawn = dict[str, torch.Tensor]


def own_result(name: str, target: Any, schema: Any, given: Mapping[str, Any]) -> tuple[Any, Drawn]:
    """An operation's result, and the masks that it drew: as PyTorch would draw them now."""
    drawn = _masks(name, given)
    if drawn:
        result = _dropped(given, drawn["mask"])
        written = written_to(schema)
        if written is not None:
            result = given[written].tensor.copy_(result)
        return result, drawn
    before = torch.get_rng_state()
    positional = [tensors_of(given[a.name]) for a in schema.arguments if not a.kwarg_only]
    named = {a.name: tensors_of(given[a.name]) for a in schema.arguments if a.kwarg_only}
    result = target(*positional, **named)
    if name in RECURRENT and given["train"] and float(given["dropout"]) > 0:
        return result, _between_layers(given, result, before)
    return result, {}


def dropped_by(given: Container[str]) -> str:
    """What a dropout's schema calls its input: in place it is `self`."""
    return "input" if "input" in given else "self"


def draws(target: Any) -> bool:
    """Whether an operation draws numbers at random."""
    return torch.Tag.nondeterministic_seeded in getattr(target, "tags", ())


def _masks(name: str, given: Mapping[str, Any]) -> Drawn:
    """The mask of a dropout."""
    base = name.removesuffix("_")
    if base in DROPOUTS and given["train"] and float(given["p"]) > 0:
        tensor = given[dropped_by(given)].tensor
        # Entry after entry as they lie in memory, which is not always row after row.
        mask = (
            tensor.new_empty((*tensor.shape[:2], *[1] * (tensor.ndim - 2)))
            if base == "aten::feature_dropout"
            else torch.empty_like(tensor)
        )
        return {"mask": mask.bernoulli_(1 - float(given["p"]))}
    if base == "aten::scaled_dot_product_attention" and float(given["dropout_p"]) > 0:
        query, key = given["query"].tensor, given["key"].tensor
        mask = torch.empty(*query.shape[:-1], key.shape[-2], dtype=query.dtype)
        return {"mask": mask.bernoulli_(1 - float(given["dropout_p"]))}
    return {}


def _between_layers(given: Mapping[str, Any], result: Any, before: torch.Tensor) -> Drawn:
    """The masks that a recurrent network drew between its layers: drawn again, from where it began."""
    after = torch.get_rng_state()
    torch.set_rng_state(before)
    output: torch.Tensor = result[0]
    # Steps come first, as the layers have them.
    like = output.transpose(0, 1) if given.get("batch_first") and output.ndim == 3 else output
    first = given["params"][1].tensor  # of the state, as long as that in each of its rows
    width = (2 if given["bidirectional"] else 1) * first.shape[1]
    drawn = {
        f"mask_l{layer}": torch.empty((*like.shape[:-1], width), dtype=output.dtype).bernoulli_(
            1 - float(given["dropout"])
        )
        for layer in range(int(given["num_layers"]) - 1)
    }
    if not torch.equal(torch.get_rng_state(), after):
        torch.set_rng_state(after)
        raise NotRead(
            "dropout between recurrent layers that is drawn otherwise", "read it in eval mode"
        )
    return drawn


def _dropped(given: Mapping[str, Any], mask: torch.Tensor) -> torch.Tensor:
    if "query" not in given:
        tensor: torch.Tensor = given[dropped_by(given)].tensor
        share = float(given["p"])
        return tensor * mask / (1 - share) if share < 1 else tensor * mask
    query, key, value = (given[n].tensor for n in ("query", "key", "value"))
    scale = given.get("scale") or 1 / math.sqrt(query.shape[-1])
    scores = query @ key.mT * scale
    bias = given.get("attn_mask")
    if bias is not None:
        own = bias.tensor
        scores = scores.masked_fill(~own, -math.inf) if own.dtype == torch.bool else scores + own
    if given["is_causal"]:
        keeps = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        scores = scores.masked_fill(~keeps, -math.inf)
    weights = torch.softmax(scores, -1) * mask / (1 - float(given["dropout_p"]))
    found: torch.Tensor = weights @ value
    return found


def composed(
    target: Any, given: Mapping[str, Any]
) -> tuple[torch.fx.GraphModule, list[TorchValue]]:
    """The graph of what PyTorch composes an operation of, and the values of its inputs."""
    values = list(values_of(given.values()))

    def of_tensors(*tensors: torch.Tensor) -> Any:
        mine = iter(tensors)
        arguments = {name: _replaced(value, mine) for name, value in given.items()}
        named = {a.name for a in target._schema.arguments if a.kwarg_only}  # noqa: SLF001 - PyTorch has no other door to it
        return target(
            *[v for n, v in arguments.items() if n not in named],
            **{n: v for n, v in arguments.items() if n in named},
        )

    table: Any = get_decompositions([target])
    return make_fx(of_tensors, decomposition_table=table)(*[v.tensor for v in values]), values


def values_of(arguments: Any) -> Iterator[TorchValue]:
    """The values among arguments."""
    for argument in arguments:
        if isinstance(argument, TorchValue):
            yield argument
        elif isinstance(argument, list | tuple):
            yield from values_of(argument)


def _replaced(argument: Any, tensors: Iterator[torch.Tensor]) -> Any:
    """An argument with the next tensors for its values."""
    if isinstance(argument, TorchValue):
        return next(tensors)
    if isinstance(argument, list | tuple):
        return [_replaced(each, tensors) for each in argument]
    return argument


def tensors_of(argument: Any) -> Any:
    """An argument with tensors for its values."""
    if isinstance(argument, TorchValue):
        return argument.tensor
    if isinstance(argument, list | tuple):
        return [tensors_of(each) for each in argument]
    return argument


def written_to(schema: Any) -> str | None:
    """The argument that an operation writes to; None for one that makes a new array."""
    return next(
        (a.name for a in schema.arguments if a.alias_info is not None and a.alias_info.is_write),
        None,
    )


def tensors_in(result: Any) -> Sequence[torch.Tensor]:
    """The tensors of a result."""
    if isinstance(result, torch.Tensor):
        return [result]
    return (
        [r for r in result if isinstance(r, torch.Tensor)]
        if isinstance(result, list | tuple)
        else []
    )


def is_whole(result: Any) -> bool:
    """Whether a result is of whole numbers, which no gradient passes."""
    tensors = tensors_in(result)
    return (
        bool(tensors)
        and not any(t.is_floating_point() for t in tensors)
        and not any(t.dtype == torch.bool for t in tensors)
    )
