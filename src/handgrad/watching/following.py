"""A call of the model that repeats one before it: its calls of functions are compared in their order, and none is looked up.

Where each is the one that was made then, of the same results, weights and options, what it makes of units is what
it made then. From the first that differs on the rest is looked at as any other call is.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from handgrad.watching.chains import Chain, Links
from handgrad.watching.internals import in_transform, is_traced, modes
from handgrad.watching.passing import missed
from handgrad.watching.planning import END, Planned, Source, UnknownData, Value, Weight, made_by
from handgrad.watching.provenance import KnownWeight, Made, Provenance, tensors
from handgrad.watching.remembering import Remembered, is_tally

if TYPE_CHECKING:
    from handgrad.watching.gating import AtGate
    from handgrad.watching.tracing import Tracer

ATTEMPTS = 8
"""Times that a call of the model may turn out to be another one; then no more is foreseen."""

KINDS = 64
"""Ways of calling the model, by the shapes of what it is given, that are kept at most."""


class CallRecorder:
    """Writes down the calls of one call of the model, as long as each can be told again.

    Arguments:
        known: what is known of tensors.
    """

    def __init__(self, known: Provenance) -> None:
        self.known = known
        self.calls: list[Planned] = []
        self.whole = True
        self._results: dict[int, tuple[weakref.ref[Tensor], int]] = {}

    def note(
        self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], what: Remembered, out: object
    ) -> None:  # fmt: skip
        """A call that was met before, and what it made."""
        sources = [self._source(value) for value in (*args, *kwargs.values())]
        if not isinstance(out, Tensor) or any(s is None for s in sources):
            self.whole = False
            return
        found = tuple(s for s in sources if s is not None)
        self._results[id(out)] = weakref.ref(out), len(self.calls)
        self.calls.append(Planned(func, found, tuple(kwargs), what))

    def _source(self, value: Any) -> Source | None:
        if not isinstance(value, Tensor):
            return Value(value)
        ref, number = self._results.get(id(value), (None, 0))
        if ref is not None and ref() is value:
            return number
        what = self.known[value]
        if isinstance(what, KnownWeight):
            return Weight(value)
        return UnknownData(self.known, value.shape) if what is None else None


class Follower:
    """One call of the model, held against the calls that are foreseen.

    Arguments:
        tracer: the mode.
        calls: what is foreseen, and `END`.
    """

    __slots__ = ("_at", "_calls", "_outputs", "_results", "_tracer", "went")

    def __init__(self, tracer: Tracer, calls: list[Planned]) -> None:
        self._tracer, self._calls, self._at = tracer, calls, 0
        self._results: list[weakref.ref[Tensor]] = []
        self._outputs: list[weakref.ref[Tensor]] = []
        self.went = False
        """Whether it went another way."""

    def call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        """Makes a call, and counts where it is a gate."""
        planned, results = self._calls[self._at], self._results
        values, names = ((*args, *kwargs.values()), tuple(kwargs)) if kwargs else (args, ())
        if func is not planned.func or len(values) != planned.count or names != planned.names:
            return self._other(func, args, kwargs)
        for source, value in zip(planned.sources, values, strict=True):
            kind = source.__class__
            if kind is int:
                if results[source]() is not value:  # type: ignore[index]
                    return self._other(func, args, kwargs)
            elif kind is Weight:
                if source() is not value or value.requires_grad is not source.learns:  # type: ignore[operator, union-attr]
                    return self._other(func, args, kwargs)
            elif not source.is_one(value):  # type: ignore[union-attr]
                return self._other(func, args, kwargs)
        gate = planned.gate
        if gate is None:
            out = func(*args, **kwargs) if kwargs else func(*args)
        else:
            out = self._gated(gate, func, args, kwargs or {})
        results.append(weakref.ref(out))
        self._at += 1
        return out

    def _gated(self, gate: AtGate, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tracer = self._tracer
        try:
            gate.look(tracer, args[0])
        except Exception as error:
            missed(tracer.unseen, error, "what is counted at a gate")
        out = func(*args, **kwargs)
        if tracer.listening:
            try:
                gate.listen(tracer, args[0], out)
            except Exception as error:
                missed(tracer.unseen, error, "what is heard at a gate")
        return out

    def _other(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        tracer = self._tracer
        if tracer.makes_nothing(func) or is_tally(tracer.known, args, kwargs or {}):
            return func(*args, **kwargs) if kwargs else func(*args)
        self.went = True
        self.tell()
        tracer.follower = None
        return tracer.__torch_function__(func, (), args, kwargs)

    @property
    def is_whole(self) -> bool:
        """Whether all calls were made that are foreseen."""
        return self._calls[self._at] is END

    def ends(self, out: object) -> None:
        """The model's call has ended, with these outputs."""
        self._outputs = [weakref.ref(t) for t in tensors(out)]

    def tell(self) -> None:
        """Notes what is known of the tensors that are still there, as if each had been looked at."""
        found: list[Made | None] = []
        for planned, ref in zip(self._calls, self._results, strict=False):
            made, tensor, source = planned.made, ref(), planned.sources[:1]
            if planned.same and isinstance(source[0], int):
                made = found[source[0]]
            elif made is not None:
                made = made.again()
            found.append(made)
            if made is not None and tensor is not None:
                self._tracer.known[tensor] = made
        for ref in self._outputs:
            tensor = ref()
            if tensor is not None:
                self._tracer.output(tensor)


class PassedChain:
    """A call of a chain that has ended, of which only the outputs are to be had.

    Arguments:
        tracer: the mode.
        calls: what it made.
        out: the outputs.
    """

    __slots__ = ("_calls", "_out", "_tracer")

    def __init__(self, tracer: Tracer, calls: Sequence[Planned], out: Tensor) -> None:
        self._tracer, self._calls, self._out = tracer, calls, weakref.ref(out)

    def tell(self) -> None:
        """Notes what is known of them."""
        out, made = self._out(), made_by(self._calls, len(self._calls) - 2)
        if out is not None and made is not None:
            self._tracer.known[out] = made.again()
            self._tracer.output(out)


class _ModelCall(threading.local):
    """The model's call that runs in a thread: what it is given, and what is foreseen of it."""

    key: Any = None
    follower: Follower | None = None


class Following:
    """What is foreseen of the model's calls, by what it is given.

    Arguments:
        tracer: the mode.
    """

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._foreseen: dict[Any, list[Planned]] = {}
        self._failed: dict[Any, int] = {}
        self._chains: dict[Any, tuple[Chain, list[AtGate | None]]] = {}
        self._links = Links(tracer)
        self._untold: list[Follower | PassedChain] = []
        self._here = _ModelCall()

    def begins(self, module: nn.Module, args: Any, *, alone: bool) -> bool:
        """A call of the model begins: whether no mode has to look at it.

        Arguments:
            module: the model.
            args: what it is given.
            alone: whether nothing is looked at outside of it.
        """
        if self._untold:
            self.tell()
        here, tracer = self._here, self.tracer
        here.follower = here.key = None
        tracer.foresee_nothing()
        if not tracer.settled or in_transform() or is_traced():
            return False
        shapes = [a.shape if a.__class__ is Tensor else a.__class__ for a in args]
        here.key = key = (module.training, *shapes)
        calls = self._foreseen.get(key)
        if calls is None:
            if self._failed.get(key, 0) < ATTEMPTS and len(self._foreseen) < KINDS:
                tracer.recorder = CallRecorder(tracer.known)
            return False
        if alone and key in self._chains and not modes() and self._is_given(calls, args):
            if self._links.begins(*self._chains[key]):
                return True
            del self._chains[key]
        here.follower = tracer.follower = Follower(tracer, calls)
        return False

    def _is_given(self, calls: Sequence[Planned], args: Any) -> bool:
        """Whether a chain is given what its first call was."""
        (first, *_) = calls[0].sources
        return len(args) == 1 and isinstance(first, UnknownData) and first.is_one(args[0])

    def ends(self, module: nn.Module, out: object, *, alone: bool) -> None:
        """It has ended, with a result or without."""
        here, tracer = self._here, self.tracer
        key = here.key
        if self._links.ends():
            if isinstance(out, Tensor):
                self._untold.append(PassedChain(tracer, self._foreseen[key], out))
            return
        follower, recorder = here.follower, tracer.recorder
        here.follower = None
        tracer.foresee_nothing()
        if follower is not None and not follower.went:
            follower.ends(out)
            self._untold.append(follower)
            if not alone:
                self.tell()
            elif follower.is_whole and key not in self._chains:
                self._link(key, module)
            return
        tracer.output(out)
        if recorder is not None and recorder.whole and recorder.calls:
            self._foreseen[key] = [*recorder.calls, END]
        elif recorder is not None or follower is not None:
            self._foreseen.pop(key, None)
            self._failed[key] = self._failed.get(key, 0) + 1

    def _link(self, key: Any, module: nn.Module) -> None:
        """Sees whether the model is a chain, all of whose calls were seen."""
        chain = Chain(module)
        gates = chain.gates(self._foreseen[key]) if chain.holds else None
        if gates is not None:
            self._chains[key] = chain, gates

    def left(self) -> None:
        """The model is not running any more: it was left by what no hook is told of."""
        self._links.ends()

    def tell(self) -> None:
        """Notes what is known of the tensors of this step."""
        untold, self._untold = self._untold, []
        for call in untold:
            call.tell()

    def forget(self) -> None:
        """Another step begins."""
        self._untold.clear()
