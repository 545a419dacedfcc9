"""What happens at a gate: its pre-activations are counted, and its gradients are once they come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from handgrad.watching.counters import WatchedGate
from handgrad.watching.internals import aside, in_transform, running_back
from handgrad.watching.passing import looked
from handgrad.watching.places import UnitPlace
from handgrad.watching.provenance import Made
from handgrad.watching.tracing import Call, Tracer, other

GRADIENTS = "some of the gradients at gates"
"""What is not seen where looking at them goes wrong."""


def can_be_counted(tracer: Tracer, z: Tensor) -> bool:
    """Whether a tensor holds numbers that can be looked at; what cannot is noted."""
    kind = z.__class__
    if z.is_nested:
        tracer.unseen["gates on nested tensors"] = None
        return False
    if kind is Tensor or kind is torch.nn.Parameter:
        return z.layout == torch.strided and not z.is_meta and z.numel() > 0
    if kind.__name__ != "FakeTensor":
        tracer.unseen[f"gates on tensors of the class {kind.__name__}"] = None
    return False


def gate(  # noqa: PLR0913 - a call, and what is known of it
    tracer: Tracer,
    func: Call,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    z: Tensor | None,
    made: Made,
    *,
    shift: float = 0.0,
    flat: float | None = None,
    by_tensor: bool = False,
    turned: bool = False,
) -> Any:
    """Calls a function that is a gate, and counts.

    Arguments:
        tracer: the mode.
        func: the function.
        args: what it was called with.
        kwargs: by name.
        z: the pre-activation; None where it is gone, and only what the gate gives tells.
        made: what made it.
        shift: what it has to exceed for the gate to open.
        flat: of an activation without a gate, from which size of z on it is flat.
        by_tensor: whether the gradient that passes is what arrives at z: of gates that are several functions.
        turned: whether the gate opens where z is negative.
    """
    if made.foreign or (z is not None and not can_be_counted(tracer, z)):
        return other(tracer, func, args, kwargs)
    if made.positive and not shift and flat is None:
        out = func(*args, **kwargs)  # a gate after a gate: what it is given is never negative
        tracer.known[out] = made
        return out
    if turned:
        made = made.copy(negated=not made.negated)
    site = tracer.site(made, getattr(func, "__name__", "gate").strip("_"), flat)
    if not made.output:
        site.sure = True
    tracer.outside = tracer.outside or not tracer.inside
    is_whole = z is not None and args and z is args[0] and not (by_tensor or turned)
    tracer.met = AtGate(site, made.place, shift) if is_whole else False
    recomputed = running_back()
    tracer.seen += not recomputed
    if not recomputed and z is not None:
        site.count(_turned(z) if turned else z, made.place, shift)
    if (
        z is not None
        and by_tensor
        and tracer.listening
        and z.requires_grad
        and torch.is_grad_enabled()
    ):
        _listening(z)(_at_tensor(tracer, site, made.place))
    out = func(*args, **kwargs)
    result: Any = out if isinstance(out, Tensor) else z if out is None else out[0]
    if z is None:
        z = result
        assert z is not None
        if not recomputed and can_be_counted(tracer, result):
            site.count(result, made.place, shift)
    if tracer.listening:
        _listen(tracer, site, made.place, z, result, by_tensor=by_tensor)
    after = made.copy(sites=(*made.sites, site)[-8:])
    if flat is None:
        after.positive, after.stage = True, made.stage + 1
    tracer.known[result] = after
    return out


def _turned(z: Tensor) -> Tensor:
    with aside():
        return -z


class AtGate:
    """A gate that was met before, met again: its first argument is the pre-activation.

    Arguments:
        site: where it is counted.
        place: where its units lie.
        shift: what they have to exceed.
    """

    __slots__ = ("_rows", "place", "shift", "site")

    def __init__(self, site: WatchedGate, place: UnitPlace, shift: float) -> None:
        self.site, self.place, self.shift = site, place, shift
        self._rows = site.takes_rows(place, shift)

    def __call__(
        self, tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        self.look(tracer, args[0])
        out = func(*args, **kwargs)
        if tracer.listening:
            self.listen(tracer, args[0], out)
        return out

    def look(self, tracer: Tracer, z: Tensor) -> None:
        """Counts."""
        if self._rows and self.site.counted(z):
            tracer.seen += 1
        elif can_be_counted(tracer, z):
            tracer.seen += 1
            self.site.count(z, self.place, self.shift)

    def listen(self, tracer: Tracer, z: Tensor, out: Tensor) -> None:
        """Has the gradients counted when they come back."""
        _listen(tracer, self.site, self.place, z, out)


def _listen(
    tracer: Tracer,
    site: WatchedGate,
    place: UnitPlace,
    z: Tensor,
    out: Tensor,
    *,
    by_tensor: bool = False,
) -> None:
    """Has the gradients at a gate counted when they come back."""
    if in_transform():
        return
    node = out.grad_fn
    if node is None:
        # Within a function that has a backward of its own nothing is recorded, but what arrives at z is seen.
        if z.requires_grad and not torch.is_grad_enabled() and not z.is_leaf:
            _listening(z)(_at_tensor(tracer, site, place))
        return
    if by_tensor:
        _listening(out)(_arriving(tracer, site, place))
        return
    size = z.numel()

    def came_back(inputs: Any, outputs: Any) -> None:
        passing = next((g for g in inputs if g is not None and g.numel() == size), None)
        arriving = outputs[0]
        if passing is None and arriving is None:
            return
        site.back(place, arriving, passing)

    node.register_hook(looked(tracer.unseen, came_back, GRADIENTS))


def _at_tensor(tracer: Tracer, site: WatchedGate, place: UnitPlace) -> Any:
    def came_back(gradient: Tensor) -> None:
        site.back(place, None, gradient)

    return looked(tracer.unseen, came_back, GRADIENTS)


def _arriving(tracer: Tracer, site: WatchedGate, place: UnitPlace) -> Any:
    def came_back(gradient: Tensor) -> None:
        site.back(place, gradient, None)

    return looked(tracer.unseen, came_back, GRADIENTS)


def _listening(tensor: Any) -> Any:
    return tensor.register_hook
