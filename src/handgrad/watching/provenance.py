"""What is known of a tensor while a model runs: the weights that made it, and where its units lie in it.

Known by the tensor itself, through a weak reference: nothing is written on tensors, and none is kept alive.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from torch import Tensor

from handgrad.watching.internals import is_wrapped, plain
from handgrad.watching.places import UnitPlace

if TYPE_CHECKING:
    from handgrad.watching.counters import WatchedGate


@dataclass(frozen=True, slots=True)
class UnitsOf:
    """The units that one weight makes.

    Arguments:
        weight: its name; empty where a unit cannot be tied to one.
        shape: how many units along each of their axes.
        axis: that of the weight along which they lie; −1 where they do not lie along one.
        own: the other parameters that a unit has an entry of: the bias, a normalisation's scale and shift.
        after: of units that cannot be tied to a weight, the last weight before them.
        start: the place of the first along the weight's axis, where they are a part of its units.
    """

    weight: str
    shape: tuple[int, ...]
    axis: int = 0
    own: tuple[str, ...] = ()
    after: str = ""
    start: int = 0

    @property
    def count(self) -> int:
        """How many units there are."""
        count = 1
        for n in self.shape:
            count *= n
        return count


class Made:
    """An activation, by the weights that made it last.

    Arguments:
        parts: the weights; several after a concatenation.
        place: where their units lie.
        depth: how many weights lie between the input and this, along the longest way.
        negated: whether its sign was turned since.
        stage: how many gates it has passed since.
        positive: whether it is what a gate gave, moved or pooled at most: another gate would change nothing.
        sites: the gates that it has come through since the last weight.
        output: whether it was made of the model's output.
        foreign: whether another model's weights made it.
        before: the weights that feed the layer.
        token: a number that all that are alike share, once it was asked for.
    """

    __slots__ = (
        "before", "depth", "foreign", "negated", "output", "parts", "place", "positive", "sites", "stage", "token",
    )  # fmt: skip

    def __init__(self, parts: tuple[UnitsOf, ...], place: UnitPlace, depth: int = 1) -> None:
        self.parts, self.place, self.depth = parts, place, depth
        self.negated = self.positive = self.output = self.foreign = False
        self.stage = 0
        self.sites: tuple[WatchedGate, ...] = ()
        self.before: tuple[str, ...] = ()
        self.token: int | None = None

    def copy(self, **changed: Any) -> Made:
        """The same with some of it changed."""
        made = Made(self.parts, self.place, self.depth)
        made.negated, made.positive, made.output = self.negated, self.positive, self.output
        made.foreign, made.stage, made.sites, made.before = (
            self.foreign, self.stage, self.sites, self.before,
        )  # fmt: skip
        for name, value in changed.items():
            setattr(made, name, value)
        return made

    def again(self) -> Made:
        """Another that is the same in all."""
        made = self.copy()
        made.token = self.token
        return made

    @property
    def units(self) -> int:
        """How many units its weights have."""
        return sum(p.count for p in self.parts)

    def loose(self) -> Made:
        """The same where it is no longer known which unit stands where: all of it as one."""
        first = self.parts[0]
        part = UnitsOf("", (), -1, (), first.weight or first.after)
        return self.copy(parts=(part,), place=UnitPlace((), None, self.place.alone), positive=False)


@dataclass(frozen=True, slots=True, eq=False)
class KnownWeight:
    """A weight, or what was made of weights alone.

    Arguments:
        name: that of the parameter.
        turned: whether a matrix was transposed.
        starts: of a part of it, the place of its first entry along each of the parameter's axes; empty for the whole.
    """

    name: str
    turned: bool = False
    starts: tuple[int, ...] = ()

    def start(self, axis: int) -> int:
        """Where it begins along one of the parameter's axes."""
        return self.starts[axis] if 0 <= axis < len(self.starts) else 0


class Zero:
    """A tensor of zeros."""

    __slots__ = ()


ZERO = Zero()


@dataclass(frozen=True, slots=True, eq=False)
class Shaped:
    """What was made of one tensor and belongs to a gate that is written out.

    Arguments:
        kind: "open": 1 or true where the tensor is positive; "shut": where it is not; "size": |z|;
            "low": min(z, 0); "zeros": the tensor stacked with zeros along `axis`.
        of: the tensor.
        made: what is known of it.
    """

    kind: Literal["open", "shut", "size", "low", "zeros"]
    of: weakref.ref[Tensor]
    made: Made
    axis: int = 0

    def is_of(self, tensor: object, made: object) -> bool:
        """Whether it was made of this tensor, or of a copy of it."""
        return self.of() is tensor or self.made is made


Known: TypeAlias = Made | KnownWeight | Zero | Shaped


class Provenance:
    """What is known of the tensors at hand."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Tensor], Known]] = {}
        self._weights: dict[int, tuple[weakref.ref[Tensor], KnownWeight]] = {}

    def __getitem__(self, tensor: object) -> Known | None:
        found = self._known.get(id(tensor)) or self._weights.get(id(tensor))
        if found is not None and found[0]() is tensor:
            return found[1]
        return None

    def __setitem__(self, tensor: Tensor, known: Known) -> None:
        self._known[id(tensor)] = (weakref.ref(tensor), known)

    def made(self, tensor: object) -> Made | None:
        """What made an activation."""
        found = self[tensor]
        if found is None and isinstance(tensor, Tensor) and is_wrapped(tensor):
            return self._inside(tensor)
        return found if isinstance(found, Made) else None

    def _inside(self, tensor: Tensor) -> Made | None:
        """What made a tensor that a transform of `torch.func` has wrapped, where the units lie in what it sees."""
        inner, axes = plain(tensor)
        made = self[inner]
        if not isinstance(made, Made) or len(axes) > 1 or set(axes) & set(made.place.axes):
            return None
        kept = tuple(a - sum(gone < a for gone in axes) for a in made.place.axes)
        alone = made.place.alone or len(kept) == tensor.ndim
        return made.copy(place=UnitPlace(kept, made.place.ids, alone))

    def given(self, tensor: object) -> KnownWeight | None:
        """Which weight it is."""
        found = self[tensor]
        return found if isinstance(found, KnownWeight) else None

    def name(self, tensor: Tensor, name: str) -> None:
        """Tells the name of a parameter or buffer."""
        self._weights[id(tensor)] = (weakref.ref(tensor), KnownWeight(name))

    def named(self, tensor: object) -> bool:
        """Whether it has been named."""
        found = self._weights.get(id(tensor))
        return found is not None and found[0]() is tensor

    def forget(self, tensor: object) -> None:
        """Takes away what is known of one that was written to."""
        self._known.pop(id(tensor), None)

    def clear(self) -> None:
        """Forgets all but the weights."""
        self._known.clear()


def tensors(*groups: object) -> list[Tensor]:
    """The tensors among these, and in lists and tuples among them."""
    found: list[Tensor] = []
    for group in groups:
        if isinstance(group, Tensor):
            found.append(group)
        elif isinstance(group, list | tuple):
            found += tensors(*group)
        elif isinstance(group, dict):
            found += tensors(*group.values())
    return found
