"""A training or evaluation loop, watched: when a step begins, which steps are looked at, and what is put together."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from handgrad.errors import OptionError
from handgrad.watching import gathering, kernels
from handgrad.watching.counters import ROWS, WatchedGate
from handgrad.watching.coverage import Coverage
from handgrad.watching.following import Following
from handgrad.watching.gradients import Quiet, Zeros, fingerprint, zero_entries
from handgrad.watching.history import CountedRows, History
from handgrad.watching.installing import (
    Again,
    Slowly,
    Stance,
    Within,
    bare,
    compiled,
    named,
    parameters_of,
    pop,
    push,
    scripted,
    stands,
)
from handgrad.watching.internals import (
    aside,
    is_called_within,
    is_compiled,
    is_traced,
    modes,
    running_back,
)
from handgrad.watching.judging import dead_shares, judged
from handgrad.watching.records import DeadUnitsError
from handgrad.watching.rules import rule_of
from handgrad.watching.spellings import TABLES
from handgrad.watching.tracing import Tracer
from handgrad.watching.watched import Watched

Log = Callable[[dict[str, float]], object]
"""What scalars are given to: any function of a dictionary."""


LISTENED = 4
"""The gradients are looked at in one watched step of so many, from the first on."""


class GateWatch:
    """What `handgrad.watch` returns: the gates of a model while a loop runs in its `with` block.

    A step ends with an update by an optimizer of `torch.optim`; in a loop without one with a backward pass, and in
    one without either with each call of the model.
    """

    def __init__(
        self,
        model: nn.Module,
        every: int = 1,
        log: Log | None = None,
        group: Any = None,
        names: Callable[[nn.Module], Iterator[tuple[str, Any]]] = named,
    ) -> None:
        self._given, self._model = model, bare(model)
        self._every, self._log, self._group = every, log, group
        self._names = names
        self._tracer = Tracer(TABLES, lambda: names(self._model))
        self._histories: dict[WatchedGate, History] = {}
        self._waiting: list[tuple[WatchedGate, CountedRows]] = []
        self._parameters = {id(p) for p in self._model.parameters()}
        self._step, self._updates = 1, 0
        self._steps: list[int] = []
        self._before: list[int] = []
        self._optimizer: Any = None
        self._optimizers: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()
        self._rule: Mapping[str, Any] = {}
        self._ran = self._with_grad = self._open = self._finished = self._watching = False
        self._forwards = self._watched = 0
        self._zeros: Zeros | None = None
        self._stance = Stance()
        self._slowly = Slowly(self._tracer, self._model, (self._begins, self._ends))
        # What is compiled does not call hooks, so that only an optimizer tells that a step has ended.
        self._is_compiled = bool(compiled(self._given))
        self._again = Again(self._tracer)
        self._coverage = Coverage()
        self._handles: list[Any] = []
        self._hooks: list[Any] = []
        self._pushed = threading.local()
        self._turning = threading.RLock()
        self._following = Following(self._tracer)
        self._within = Within(self._tracer, self._model, self._following.tell)
        self._notes: dict[str, None] = {}
        self._ranks = 1
        self._merged: dict[WatchedGate, History] | None = None

    # -- entering and leaving ----------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._open or self._finished:
            raise OptionError("a watch is entered once", mend="make another: handgrad.watch(model)")
        self._open = True
        self._tracer.learn()
        for name in scripted(self._model):
            what = f"the scripted module {name}" if name else "the model, which is scripted"
            self._tracer.unseen[f"the inside of {what}: TorchScript runs it out of sight"] = None
        if self._is_compiled:
            self._notes[
                "Watched steps run as they are written, without what torch.compile made of the model."
            ] = None
        self._hook_model()
        self._handles += [
            register_optimizer_step_pre_hook(self._before_update),
            register_optimizer_step_post_hook(self._after_update),
        ]
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._suspend()
        self._tracer.paused = True
        self._interrupted()
        self._unhook_model()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._open, self._finished = False, True
        self._take(wait=True)
        if kind is None:
            self._measure()
        self._tracer.known.clear()
        if kind is None:
            self._merged, self._ranks = gathering.gathered(
                self._histories, self._group, self._given
            )
        self._tell()

    def _hook_model(self) -> None:
        if self._hooks or self._slowly.is_root:
            return
        root = (
            self._given
            if is_compiled(self._given) and self._given is not self._model
            else self._model
        )
        self._hooks = [
            root.register_forward_pre_hook(_Hook(self, "_begins")),
            root.register_forward_hook(_Hook(self, "_ends"), always_call=True),
        ]

    def _unhook_model(self) -> None:
        for handle in self._hooks:
            handle.remove()
        self._hooks = []

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A stretch of the loop that isn't watched, such as a validation whose cases are not to count."""
        watching, self._open = self._watching, False
        if watching:
            self._suspend()
        try:
            yield
        finally:
            self._open = True
            if watching:
                self._resume()

    # -- steps ---------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """A step begins: it is watched, or it isn't."""
        if not self._tracer.running:
            self._tracer.known.clear()
            self._following.forget()
        self._tracer.backward_seen = False
        self._ran = False
        if (self._step - 1) % self._every and not (self._optimizer is None and self._is_compiled):
            if self._watching:
                self._suspend()
            if self._optimizer is not None:
                # The next update tells: nothing is left on the model that a compiler would have to look at.
                self._unhook_model()
            return
        if len(self._steps) == ROWS:
            self._take()
            self._tell()
        self._steps.append(self._step)
        self._before.append(self._updates)
        row = self._tracer.step_row = len(self._steps) - 1
        self._tracer.listening = self._watched % LISTENED == 0
        self._watched += 1
        for site in self._tracer.sites.values():
            site.row = row
        if not (self._watching and self._within.stays):
            self._resume()

    def _resume(self) -> None:
        self._watching = True
        self._hook_model()
        self._within.install()
        self._stance.eager()
        self._slowly.install()
        self._again.install()

    def _suspend(self) -> None:
        self._watching = False
        self._within.remove()
        self._stance.restored()
        self._slowly.remove()
        self._again.remove()

    def _begins(self, module: nn.Module, args: Any) -> None:
        """The model's forward begins."""
        if not self._open:
            return
        tracer = self._tracer
        if tracer.paused:
            self._put_back()
        within, again = tracer.inside, running_back()
        if within and not is_called_within(module):
            self._interrupted()
            within = tracer.inside
        if not (within or again):
            with self._turning:
                over = tracer.backward_seen or not self._with_grad or not self._watching
                if self._optimizer is None and self._ran and over:
                    self._updates += tracer.backward_seen
                    self._step += 1
                    self._begin()
                self._ran, self._with_grad = True, torch.is_grad_enabled()
        tracer.enter()
        if self._watching:
            self._within.begins()
            self._stance.eager()
            self._forwards += 1
            first = not (within or again or self._slowly.has_any)
            if first and self._following.begins(module, args, alone=self._within.is_narrow):
                return
            if not stands(tracer):
                # Another thread than the one that entered, or the mode is in effect within the model alone.
                push(tracer)
                self._pushed.here = True
            if not self._coverage.done:
                self._coverage.begins(tracer)

    def _interrupted(self) -> None:
        """A call of the model was left by an exception that hooks are not told of, such as a KeyboardInterrupt."""
        self._tracer.left()
        self._following.left()
        self._coverage.stops()

    def _ends(self, module: nn.Module, args: Any, out: Any) -> None:
        """It has ended, with a result or without."""
        if not self._open:
            return
        tracer = self._tracer
        inside = tracer.leave()
        if not self._coverage.done:
            self._coverage.ends(tracer)
        if inside:
            return
        self._following.ends(module, out, alone=self._within.is_narrow)
        tracer.settled = self._coverage.done
        if getattr(self._pushed, "here", False):
            self._pushed.here = False
            pop(tracer)
        if self._watching:
            self._within.ends()

    def _mine(self, optimizer: Any) -> bool:
        """Whether an optimizer updates the model, asked once."""
        if self._optimizer is not None and self._optimizer() is optimizer:
            return True
        known = self._optimizers.get(optimizer)
        if known is None:
            known = isinstance(optimizer, Optimizer) and not self._parameters.isdisjoint(
                parameters_of(optimizer)
            )
            self._optimizers[optimizer] = known
        return known

    def _before_update(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if not self._open or not self._watching or not self._mine(optimizer):
            return
        closure = len(args) > 1 or kwargs.get("closure") is not None
        if not closure and modes() and stands(self._tracer):
            # An optimizer makes many small calls, none of which is the model's.
            pop(self._tracer)
            self._tracer.paused = True
        if len(self._steps) == ROWS:
            self._measure()

    def _put_back(self) -> None:
        """The mode, after an optimizer's step, or one that failed."""
        if self._tracer.paused:
            self._tracer.paused = False
            if self._watching:
                self._within.install()

    def _after_update(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._tracer.paused:
            self._put_back()
        if not self._open or not self._mine(optimizer):
            return
        if self._optimizer is None:
            self._first_update()
        elif self._optimizer() is not optimizer and not (self._ran or self._tracer.seen):
            return
        if self._optimizer is None or self._optimizer() is not optimizer:
            self._optimizer = weakref.ref(optimizer)
            self._look_at_rule()
        if (
            self._watching
            and self._tracer.seen
            and not (self._within.is_narrow or self._tracer.outside)
        ):
            self._within.narrow()
        if self._watching and self._updates == 1:
            kernels.prepare()
        self._updates += 1
        self._tracer.seen = 0
        self._step += 1
        self._begin()

    def _first_update(self) -> None:
        """What ran before the first update is all of the first step."""
        self._step, self._updates = 1, 0
        self._steps[:] = [1] * len(self._steps)
        self._before[:] = [0] * len(self._before)
        self._take()
        for history in self._histories.values():
            history.began()

    def _measure(self) -> None:
        """Notes which entries of the gradients are 0 now, of units that do not fire."""
        sites: list[tuple[WatchedGate, Quiet]] = []
        for site in self._tracer.sites.values():
            history = self._histories.get(site)
            quiet = site.silent(None if history is None else history.silent)
            if quiet is None and (history is None or history.silent.any()):
                sites.append((site, None))
            elif quiet is not None and quiet.size:
                sites.append((site, quiet))
        if sites:
            self._zeros = zero_entries(
                self._step, sites, dict(self._names(self._model)), self._zeros
            )

    # -- looking -------------------------------------------------------------------------------------

    def _take(self, *, wait: bool = False) -> None:
        """Takes the counters of the last steps, and looks at those that have arrived from the device."""
        if self._steps:
            self._look_at_rule()
            for site in [*self._tracer.sites.values()]:
                history = self._histories.get(site)
                looks = not site.is_at_hand and (history is None or history.silent.any())
                own = fingerprint(site, self._parameters_now()) if looks else None
                with aside():
                    rows = site.taken(self._steps, self._before, own)
                if rows is not None:
                    self._waiting.append((site, rows))
            self._steps, self._before = [], []
        left: list[tuple[WatchedGate, CountedRows]] = []
        for site, rows in self._waiting:
            if not wait and (not rows.arrived or any(s is site for s, _ in left)):
                left.append((site, rows))
                continue
            history = self._histories.setdefault(site, History(site.width))
            history.add(rows)
            if site.is_at_hand:
                self._look_at_weights(site, history)
        self._waiting = left

    def _parameters_now(self) -> dict[str, Any]:
        """By name, the model's parameters."""
        return dict(self._names(self._model))

    def _look_at_weights(self, site: WatchedGate, history: History) -> None:
        """Looks at the weights of units that do not fire, whose counters lie at hand."""
        quiet = np.flatnonzero(history.silent)
        own = fingerprint(site, self._parameters_now(), quiet) if quiet.size else None
        history.look_at_weights(None if own is None else own.cpu().numpy().astype(float))

    def _look_at_rule(self) -> None:
        """By what rule the optimizer updates, as it is now."""
        optimizer = None if self._optimizer is None else self._optimizer()
        if optimizer is not None:
            self._rule = rule_of(optimizer)

    def _tell(self) -> None:
        """Gives the scalars to whatever was to be told."""
        if self._log is not None and self._histories:
            self._log(dead_shares(self._counted()))

    def _counted(self) -> dict[WatchedGate, History]:
        found = self._histories if self._merged is None else self._merged
        return {site: h for site, h in found.items() if site.sure or site.fed}

    def report(self) -> Watched:
        """What was counted so far; of all processes together once the `with` block is left."""
        if self._open:
            self._take(wait=True)
            if self._watching:
                self._steps, self._before = [self._step], [self._updates]
            self._tracer.step_row = 0
            for site in self._tracer.sites.values():
                site.row = 0
        unseen = [*self._tracer.unseen, *self._coverage.found(scripted(self._model))]
        return judged(
            self._counted(),
            model=type(self._model).__name__,
            every=self._every,
            rule=self._rule,
            zeros=self._zeros,
            notes=tuple(self._notes),
            unseen=tuple(dict.fromkeys(unseen)),
            ranks=self._ranks,
            forwards=self._forwards,
        )

    def check(self, dead: float = 0.5) -> None:
        """Raises `DeadUnitsError` where more than this share of a layer's units is dead.

        Raises `OptionError` for a share that isn't from 0 to 1, and where no gate was counted: a check that looks at
        nothing would always pass.
        """
        if not isinstance(dead, int | float) or not 0 <= dead <= 1:
            raise OptionError(f"{dead!r} is not a share", where="dead", mend="from 0 to 1")
        report = self.report()
        if not any(x.gate for x in report.layers):
            what = "no gate was seen" if report.forwards else "nothing was watched"
            not_seen = f": not seen were {'; '.join(report.unseen)}" if report.unseen else ""
            raise OptionError(
                f"{what}{not_seen}",
                where="check",
                mend="call a model that has gates within `with handgrad.watch(model) as gates:`",
            )
        found = [x for x in report.layers if x.gate and x.dead > dead * x.units]
        if found:
            told = "; ".join(f"{x.name}: {x.dead} of {x.units} units are dead" for x in found)
            raise DeadUnitsError(told, mend=f"at most {100 * dead:g} % of a layer may be")

    def __repr__(self) -> str:
        state = "watching" if self._open else "finished" if self._finished else "not begun"
        return f"<Watch of {type(self._model).__name__}: {state}, step {self._step}>"


class _Hook:
    """A hook of the model, which keeps nothing alive. A copy of the model, or a file of it, gets one that does nothing."""

    def __init__(self, watch: GateWatch | None, method: str) -> None:
        self._watch = None if watch is None else weakref.ref(watch)
        self._method = method

    def __call__(self, *args: Any) -> None:
        if torch.compiler.is_compiling() or is_traced():
            return
        watch = None if self._watch is None else self._watch()
        if watch is not None:
            getattr(watch, self._method)(*args)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Hook:
        return _Hook(None, self._method)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Hook, (None, self._method)
