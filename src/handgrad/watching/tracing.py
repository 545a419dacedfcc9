"""The model's calls of PyTorch's functions, seen as they are made: a mode that passes every call on.

A function is known by its name, since other libraries put functions of their own in place of PyTorch's. What
it does to the units of a layer is told by four tables: functions that have a weight, those that spell a
gate, those that move units about, and all others, which leave them where they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from torch import Tensor
from torch.overrides import TorchFunctionMode

from handgrad.watching.counters import WatchedGate
from handgrad.watching.internals import in_transform, is_traced, running_back
from handgrad.watching.naming import IGNORED, KEPT, POSITIVE, name_of
from handgrad.watching.passing import Passed, missed
from handgrad.watching.places import UnitPlace
from handgrad.watching.provenance import KnownWeight, Made, Provenance, Shaped, UnitsOf, tensors
from handgrad.watching.remembering import LASTING, Key, Memory, Remembered, is_tally

if TYPE_CHECKING:
    from handgrad.watching.following import CallRecorder, Follower
    from handgrad.watching.gating import AtGate

Call: TypeAlias = Callable[..., Any]
Handler: TypeAlias = "Callable[[Tracer, Call, tuple[Any, ...], dict[str, Any]], Any]"


class _Inside(threading.local):
    """What is going on in a thread.

    Arguments:
        depth: how many calls of the model are running.
        met: what is done at the gate that the call at hand is; False where there is more to it.
        relus: calls of relu seen so far.
        follower: what holds the calls against those that are foreseen, where any are.
        recorder: what writes them down.
    """

    depth = 0
    relus = 0
    met: AtGate | Literal[False] | None = None
    follower: Follower | None = None
    recorder: CallRecorder | None = None


class Tracer(TorchFunctionMode):
    """Passes calls on, and keeps count at gates.

    Arguments:
        tables: by name, what handles a function.
        naming: asked for the names of parameters when an unknown weight is met.
    """

    def __init__(
        self, tables: Mapping[str, Handler], naming: Callable[[], Iterator[tuple[str, Tensor]]]
    ) -> None:
        super().__init__()
        self.known = Provenance()
        self.sites: dict[Any, WatchedGate] = {}
        self.unseen: dict[str, None] = {}
        """What could not be seen, in words."""
        self.paused = False
        self.step_row = 0
        self.seen = 0
        """Gates counted so far."""
        self.backward_seen = False
        self.listening = True
        """Whether the gradients of this step are looked at."""
        self.outside = False
        """Whether a gate was met outside of the model's own call."""
        self.settled = False
        """Whether calls are remembered, which they are once a first one of the model was looked at whole."""
        self._tables, self._naming = tables, naming
        self._handlers: dict[Any, Handler | None] = {}
        self._lasting: set[Any] = set()
        self._memory = Memory(self.known)
        self._parts: dict[UnitsOf, UnitsOf] = {}
        self._depths: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._inside = _Inside()
        self.running: set[int] = set()
        """The threads in which the model's forward runs."""
        self._lock = threading.Lock()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if not self.paused:
            follower = self._inside.follower
            if follower is not None:
                return follower.call(func, args, kwargs)
            try:
                handler = self._handlers[func]
            except KeyError:
                handler = self._resolved(func)
            if handler is not None:
                return self._handled(handler, func, args, kwargs or {})
        return func(*args, **kwargs) if kwargs else func(*args)

    def _handled(self, handler: Handler, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """The call, looked at: an error of ours is noted, and is none of the program's."""
        if is_traced():
            self.unseen["what ran while torch.jit.trace wrote it down"] = None
            return func(*args, **kwargs)
        key: Key | None = None
        passed = Passed(func)
        recorder = self._inside.recorder
        try:
            if self.settled and func in self._lasting and self._is_plain:
                key = self._memory.key(func, args, kwargs)
                found = self._memory.of(key)
                if found is not None:
                    out = self._again(found, passed, args, kwargs)
                    if recorder is not None:
                        recorder.note(func, args, kwargs, found, out)
                    return out
            if recorder is not None and not is_tally(self.known, args, kwargs):
                recorder.whole = False
            if key is None:
                return handler(self, passed, args, kwargs)
            self.met, first = None, self.known[args[0]]
            out = handler(self, passed, args, kwargs)
            self._remember(key, out, first)
            return out
        except Exception as error:
            if recorder is not None:
                recorder.whole = False
            if passed.error is not None:
                raise
            missed(self.unseen, error, f"what a call of {name_of(func)} makes of units")
        return passed.out if passed.called else func(*args, **kwargs)

    def _remember(self, key: Key, out: object, first: object) -> None:
        """Notes what a call has made of units."""
        made = self.known[out]
        if isinstance(out, Tensor) and self.met is not False and isinstance(made, Made | None):
            self._memory.note(key, Remembered(made, made is first and made is not None, self.met))

    def _again(
        self, found: Remembered, func: Passed, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A call that was met before."""
        first = self.known[args[0]] if found.same else None
        out = func(*args, **kwargs) if found.gate is None else found.gate(self, func, args, kwargs)
        if first is not None:
            self.known[out] = first
        elif found.made is not None:
            self.known[out] = found.made.again()
        return out

    def _resolved(self, func: Any) -> Handler | None:
        name = name_of(func)
        handler = self._tables.get(name, other)
        found = None if name in IGNORED else handler
        self._handlers[func] = found
        if name in LASTING:
            self._lasting.add(func)
        return found

    # -- the model's own calls -----------------------------------------------------------------------

    @property
    def inside(self) -> bool:
        """Whether the model's forward is running in this thread."""
        return self._inside.depth > 0

    @property
    def _is_plain(self) -> bool:
        """Whether the model runs forward, for the first time and outside of transforms."""
        return self.inside and not in_transform() and not running_back()

    @property
    def met(self) -> AtGate | Literal[False] | None:
        """What is done at the gate that the call at hand is, if it is one; False where there is more to it."""
        return self._inside.met

    @met.setter
    def met(self, gate: AtGate | Literal[False] | None) -> None:
        self._inside.met = gate

    @property
    def relus(self) -> int:
        """Calls of relu seen so far in this thread, whosever they were."""
        return self._inside.relus

    @relus.setter
    def relus(self, count: int) -> None:
        self._inside.relus = count

    @property
    def follower(self) -> Follower | None:
        """What holds the calls of this thread against those that are foreseen."""
        return self._inside.follower

    @follower.setter
    def follower(self, follower: Follower | None) -> None:
        self._inside.follower = follower

    @property
    def recorder(self) -> CallRecorder | None:
        """What writes down the calls of this thread."""
        return self._inside.recorder

    @recorder.setter
    def recorder(self, recorder: CallRecorder | None) -> None:
        self._inside.recorder = recorder

    def foresee_nothing(self) -> None:
        """Nothing is foreseen of the calls of this thread, and nothing written down."""
        here = self._inside
        here.follower = here.recorder = None

    def makes_nothing(self, func: Any) -> bool:
        """Whether a function makes no activation, whatever it is given."""
        if func not in self._handlers:
            self._resolved(func)
        return self._handlers[func] is None

    def enter(self) -> None:
        """The model's forward begins."""
        self._inside.depth += 1
        self.running.add(threading.get_ident())

    def leave(self) -> bool:
        """It has ended; whether another still runs, further out."""
        here = self._inside
        here.depth = depth = max(0, here.depth - 1)
        if not depth:
            self.running.discard(threading.get_ident())
        return depth > 0

    def left(self) -> None:
        """It is not running any more: it was left by what no hook is told of, such as a KeyboardInterrupt."""
        self._inside.depth = 0
        self._inside.follower = self._inside.recorder = None
        self.running.discard(threading.get_ident())

    def output(self, out: object) -> None:
        """Notes that these are the model's outputs: what is a gate behind them belongs to the loss."""
        for tensor in tensors(out):
            made = self.known.made(tensor)
            if made is not None:
                self.known[tensor] = made.copy(output=True)

    # -- weights -------------------------------------------------------------------------------------

    def weight(self, tensor: object) -> KnownWeight | None:
        """What is known of a tensor that may be a weight; the model is asked for one that is new."""
        found = self.known[tensor]
        if isinstance(found, KnownWeight):
            return found
        if found is not None or not isinstance(tensor, Tensor):
            return None
        self.learn()
        return self.known.given(tensor)

    def learn(self) -> None:
        """Takes up the names of the model's parameters and buffers as they are now."""
        for name, tensor in self._naming():
            if not self.known.named(tensor):
                self.known.name(tensor, name)

    def part(
        self,
        weight: str,
        shape: tuple[int, ...],
        axis: int,
        *own: object,
        after: str = "",
        start: int = 0,
    ) -> UnitsOf:
        """The units of a weight; the same object each time."""
        names = []
        for tensor in own:
            if isinstance(tensor, Tensor):
                given = self.weight(tensor)
                if given is not None and given.start(0) == start:
                    names.append(given.name)
        return self.same(UnitsOf(weight, shape, axis, tuple(names), after, start))

    def same(self, part: UnitsOf) -> UnitsOf:
        """The first of equal parts."""
        return self._parts.setdefault(part, part)

    def made(
        self, out: object, part: UnitsOf, place: UnitPlace, *inputs: object, foreign: bool = False
    ) -> Made | None:
        """Notes what a weight made of its inputs, and that the gates before it feed a weight."""
        if not isinstance(out, Tensor):
            return None
        before = [m for m in (self.known.made(x) for x in tensors(*inputs)) if m is not None]
        key = part.weight or part.after
        if key in self._depths:
            depth = self._depths[key]
        else:
            depth = self._depths[key] = 1 + max((m.depth for m in before), default=0)
        made = Made((part,), place, depth)
        made.foreign = foreign
        made.before = tuple(
            dict.fromkeys(p.weight or p.after for m in before if not m.foreign for p in m.parts)
        )
        for m in before:
            for site in m.sites:
                site.fed = site.fed or not foreign
        self.known[out] = made
        return made

    def depth(self, weight: str) -> int:
        """How deep in the network a weight was first met."""
        return self._depths.setdefault(weight, 1)

    # -- gates ---------------------------------------------------------------------------------------

    def site(self, made: Made, kind: str, flat: float | None = None) -> WatchedGate:
        """The gate behind what was made."""
        key = (made.parts, made.place.key, made.negated, made.stage, flat is None or kind)
        site = self.sites.get(key)
        if site is None:
            with self._lock:
                site = self.sites.get(key)
                if site is None:
                    site = self._new_site(made, kind, flat)
                    self.sites[key] = site
        return site

    def _new_site(self, made: Made, kind: str, flat: float | None) -> WatchedGate:
        names = [p.weight or (f"{kind} after {p.after}" if p.after else kind) for p in made.parts]
        name = " + ".join(dict.fromkeys(n.removesuffix(".weight") for n in names))
        if made.negated:
            name = f"−{name}"
        count = self._names[name] = self._names.get(name, 0) + 1
        if count > 1:
            name = f"{name} ({count})"
        ids = range(made.units) if made.place.ids is None else sorted(set(made.place.ids.ravel().tolist()))  # fmt: skip
        site = WatchedGate(name, kind, made.parts, list(ids), flat)
        site.before = made.before
        site.row = self.step_row
        return site

    def link(self, made: Made | None, weight: KnownWeight | None, axis: int, size: int) -> None:
        """Notes along which axis of the next weight the units of a gate are its inputs."""
        if made is None or weight is None or len(made.sites) != 1 or made.place.ids is not None:
            return
        (site,) = made.sites
        if site.width == size == made.units and site.ids[-1] == size - 1:
            site.following.setdefault(weight.name, axis)


def argument(
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    position: int,
    *names: str,
    default: Any = None,
) -> Any:
    """An argument, by its position or by one of its names."""
    if len(args) > position:
        return args[position]
    for name in names:
        if name in kwargs:
            return kwargs[name]
    return default


def fits(made: Made, out: Tensor) -> bool:
    """Whether the units may still lie where they lay, in a result of this shape."""
    place = made.place
    if place.axes and place.axes[-1] >= out.ndim:
        return False
    if place.ids is None:
        return _product(out, place) == made.units
    sizes: tuple[int, ...] = place.ids.shape
    return tuple(out.shape[a] for a in place.axes) == sizes


def _product(out: Tensor, place: UnitPlace) -> int:
    size = 1
    for a in place.axes:
        size *= out.shape[a]
    return size


def other(tracer: Tracer, func: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Any other function: units stay where they are as far as the shape of the result allows."""
    known = tracer.known
    found: list[tuple[Tensor, Made]] = []
    own: list[str] = []
    fixed: list[str] = []
    for tensor in tensors(args, kwargs):
        what = known[tensor]
        if isinstance(what, Made):
            found.append((tensor, what))
        elif isinstance(what, KnownWeight):
            (own if tensor.requires_grad else fixed).append(what.name)
        elif isinstance(what, Shaped):
            found.append((tensor, what.made.copy()))
    out = func(*args, **kwargs) if kwargs else func(*args)
    if not found:
        if own or fixed:
            _of_weights(tracer, out, args, kwargs, own + fixed)
        return out
    results = tensors(out)
    for result in results:
        if not result.is_nested and (result.is_floating_point() or result.is_complex()):
            known[result] = kept(found, result, own, name_of(func))
    return out


def kept(found: list[tuple[Tensor, Made]], out: Tensor, own: list[str], name: str = "") -> Made:
    """What made a result: the deepest of what went into it, the later of two alike."""
    source, made = found[0]
    for tensor, candidate in found[1:]:
        if candidate.depth >= made.depth and tensor.ndim == out.ndim and fits(candidate, out):
            source, made = tensor, candidate
    foreign = all(m.foreign for _, m in found)
    if len(found) == 1 and name in KEPT:
        return made
    sites = made.sites
    if len(found) > 1:
        sites = tuple(dict.fromkeys(s for _, m in found for s in m.sites))[:8]
    after = made.copy(foreign=foreign, sites=sites)
    after.output = any(m.output for _, m in found)
    after.positive = made.positive and len(found) == 1 and not own and name in POSITIVE
    shift = out.ndim - source.ndim
    if shift > 0 and len(found) > 1:
        # Broadcast: axes are counted from the last.
        axes = tuple(a + shift for a in made.place.axes)
        made = after = after.copy(place=UnitPlace(axes, made.place.ids))
        shift = 0
    if shift or not fits(made, out):
        return after.loose()
    if own and not made.foreign:
        names = tuple(n for n in own if all(n not in p.own and n != p.weight for p in made.parts))
        if names:
            after.parts = tuple(
                UnitsOf(p.weight, p.shape, p.axis, (*p.own, *names), p.after, p.start)
                for p in made.parts
            )
    return after


def _of_weights(
    tracer: Tracer, out: object, args: tuple[Any, ...], kwargs: dict[str, Any], own: list[str]
) -> None:
    """What is made of weights alone is a weight; of data too, by entries, a layer of its own."""
    given = [t for t in tensors(args, kwargs) if tracer.known.given(t) is not None]
    data = [t for t in tensors(args, kwargs) if tracer.known[t] is None and t.is_floating_point()]
    for result in tensors(out):
        first = given[0]
        wide = [t for t in data if t.ndim > first.ndim or t.numel() > first.numel()]
        if not wide or not tracer.inside or result.ndim != wide[0].ndim:
            if not result.is_floating_point():
                continue
            what = tracer.known.given(first)
            tracer.known[result] = (
                KnownWeight(own[0])
                if what is None
                else KnownWeight(own[0], what.turned, what.starts)
            )
            continue
        # x · w or x + b, entry by entry.
        offset = result.ndim - first.ndim
        axes = tuple(offset + a for a, n in enumerate(first.shape) if n > 1)
        if not axes or any(result.shape[a] != first.shape[a - offset] for a in axes):
            continue
        shape = tuple(result.shape[a] for a in axes)
        part = tracer.part(own[0], shape, 0 if len(axes) == 1 else -1)
        tracer.made(result, part, UnitPlace(axes, None), data)
