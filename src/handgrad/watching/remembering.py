"""Calls that were met before: what they make of units is found once, and known by the function and its arguments.

A step of training makes the same calls as the one before it. Where all that a handler asks is what is known of the
arguments and how they are shaped, its answer is remembered under that, and given again without asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor
from torch.nn import Parameter

from handgrad.watching.provenance import KnownWeight, Made, Provenance

if TYPE_CHECKING:
    from handgrad.watching.gating import AtGate

Key: TypeAlias = tuple[Any, ...]

MOST = 4096
"""Calls that are remembered at once."""

LASTING = frozenset((
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "relu", "relu_", "relu6", "flatten", "view", "reshape",
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d",
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "boolean_dispatch", "fn",
    "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm",
    "dropout", "dropout1d", "dropout2d", "dropout3d", "gelu", "silu", "softmax", "log_softmax",
))  # fmt: skip
"""Functions of whose arguments nothing is read but what a key holds."""

PLAIN = frozenset((int, float, bool, str, type(None)))


class Remembered:
    """What a call made of units.

    Arguments:
        made: what is known of its result; None for nothing.
        same: whether that is what is known of its first argument.
        gate: what calls the function and counts, where it is a gate.
    """

    __slots__ = ("gate", "made", "same")

    def __init__(self, made: Made | None, same: bool, gate: AtGate | None) -> None:
        self.made, self.same, self.gate = made, same, gate


class Memory:
    """The calls that were met.

    Arguments:
        known: what is known of tensors.
    """

    def __init__(self, known: Provenance) -> None:
        self._known = known
        self._calls: dict[Key, Remembered] = {}
        self._tokens: dict[Any, int] = {}

    def key(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Key | None:
        """By what a call is known again; None where that is more than can be told."""
        found: list[Any] = [func]
        for value in (*args, *kwargs.values()) if kwargs else args:
            kind = value.__class__
            if kind is Tensor or kind is Parameter:
                if value.is_nested:
                    return None
                what = self._known[value]
                if what is None:
                    if kind is Parameter or value.requires_grad:
                        return None  # a weight, perhaps, that was not met before
                    found.append(None)
                elif what.__class__ is Made:
                    token = what.token
                    found.append(self._token(what) if token is None else token)
                elif what.__class__ is KnownWeight:
                    found.append((what.name, what.turned, what.starts, value.requires_grad))
                else:
                    return None
                found.append(value.shape)
            elif _is_plain(value):
                found.append(value)
            else:
                return None
        found += kwargs
        return tuple(found)

    def _token(self, made: Any) -> int:
        """One number for all that are alike."""
        place = made.place
        facts = (
            made.parts, place.axes, place.key, place.alone, made.depth, made.negated, made.positive,
            made.output, made.foreign, made.stage, made.sites, made.before,
        )  # fmt: skip
        token = made.token = self._tokens.setdefault(facts, len(self._tokens))
        return int(token)

    def of(self, key: Key | None) -> Remembered | None:
        """What the call made when it was met."""
        return None if key is None else self._calls.get(key)

    def note(self, key: Key, call: Remembered) -> None:
        """Remembers a call."""
        if len(self._calls) >= MOST:
            self._calls.clear()
        self._calls[key] = call


def is_tally(known: Provenance, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a whole number of the model's own is counted up, as a batch normalisation counts its batches."""
    first = args[0] if args else None
    return (
        first.__class__ is Tensor
        and first is not None
        and first.ndim == 0
        and not (first.is_floating_point() or first.is_complex())
        and isinstance(known[first], KnownWeight)
        and all(_is_plain(x) for x in (*args[1:], *kwargs.values()))
    )


def _is_plain(value: object) -> bool:
    kind = value.__class__
    return kind in PLAIN or (
        (kind is tuple or kind.__name__ == "Size") and all(x.__class__ is int for x in value)  # type: ignore[attr-defined]
    )
