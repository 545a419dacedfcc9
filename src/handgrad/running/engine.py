"""Gradients of many cases: a problem compiled once, then run on any numbers of its shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Generic, overload

import numpy as np

from handgrad.arrays import Array, Floats, Kind, Plain, Precision
from handgrad.errors import OptionError, nearest
from handgrad.expression import Adjoint, Leaf, Name
from handgrad.graph import Graph, build
from handgrad.problem import Problem
from handgrad.record import record
from handgrad.running.jit import Kernel, jitted
from handgrad.running.libraries import Library, library_of
from handgrad.running.plan import Plan
from handgrad.running.program import Program, compiled
from handgrad.running.shapes import case_count, check_shape, precision
from handgrad.running.targets import check_targets, targets_of
from handgrad.running.workers import all_at_once, processors

BLOCK = 8192
"""Cases run at once, at most: few enough for their numbers to stay in the processor's cache."""

BLOCK_BYTES = 4_000_000
"""Bytes that the numbers of one block may take, about; at least `FEWEST` cases are run at once."""

FEWEST = 256

SHARE = 16_384
"""Cases that are worth a thread of their own, where each has results for itself."""

SHARE_BYTES = 32_000_000
"""Bytes of the numbers that a thread computes at once, at most: many, for it to seldom wait for Python."""

SMALL = 4096
"""Values of at most so many numbers in all are computed without buffers: making them costs less."""


@record
class Gradients(Generic[Kind]):
    """The result of a run.

    `loss` is that over all the cases, or one for each network of an ensemble. What differs from
    case to case has the cases on its last axis, and the gradient of its own case's loss.
    """

    loss: float | Kind
    gradients: Mapping[str, Kind]


class Engine:
    """A problem ready to run on other numbers.

    Arguments:
        problem: its equations are run; its numbers stand for those that a call does not give.
        dtype: float64 or float32; `OptionError` is raised for another.
        wanted: the names whose gradients are computed; the parameters by default.
        loss: whether the loss is computed too; without it a result's loss is NaN.
        jit: whether all that one case takes is compiled to machine code, by the system's C compiler: for
            small networks with parameters of their own, of which every result is its own case's.

    Whether a name has cases is part of the problem; how many is up to each call. The gradient of
    softmax and cross-entropy taken together assumes targets that add up to 1, as the problem's own do.
    Large ensembles are shared out over the processors; an engine is not to be called from two threads
    at the same time, since its calls use the same buffers.

    Arrays of PyTorch, JAX or CuPy are computed with where they are, on their device and in their
    precision, and the results are arrays of that library; a call can be traced by `jax.jit` and
    `torch.compile`.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        dtype: Precision = np.float64,
        wanted: Sequence[str] | None = None,
        loss: bool = True,
        jit: bool = False,
    ) -> None:
        self.problem = problem
        self.graph: Graph = build(problem)
        self.dtype = precision(dtype)
        self.wanted = tuple(wanted if wanted is not None else problem.parameters or problem.data)
        for name in self.wanted:
            if name not in self.graph.gradients:
                known = self.graph.gradients
                raise OptionError(
                    f"there is no value {name} with a gradient", mend=nearest(name, known)
                )
        self._plan = Plan(self.graph)
        self._givens = {n: np.asarray(g.array, dtype=self.dtype) for n, g in problem.inputs.items()}
        self._targets = targets_of(self.graph)
        self._batched = [n for n in self._givens if self.graph.nodes[n].batched]
        self._outputs: tuple[Leaf, ...] = (
            *([Name(self.graph.cost)] if loss else []),
            *(Adjoint(n) for n in self.wanted),
        )
        self._per_case = tuple(o for o in self._outputs if o in self.graph.batched_leaves)
        self._kernel = self._jitted() if jit else None
        # Where the plan has each wanted gradient; and its value, where every case has the same gradient.
        self._cost, self._with_loss = self._plan.slot(Name(self.graph.cost)), loss
        self._slots = [
            (
                n,
                self._plan.slot(Adjoint(n)),
                self._plan.slot(Name(n)) if self._repeats(n) else None,
            )
            for n in self.wanted
        ]
        self._programs: dict[tuple[int | None, int], Program] = {}

    @overload
    def __call__(self, **values: Plain) -> Gradients[Floats]: ...

    @overload
    def __call__(self, **values: Kind | Plain) -> Gradients[Kind]: ...

    def __call__(self, **values: Any) -> Gradients[Any]:
        """The loss and the gradients at the problem's numbers, with `values` put for some of them.

        Many cases lie along the last axis of a value. Raises `OptionError` for a name that the
        problem is not given and for a value of another shape, and `NumberError` for a target that
        the problem's loss is not made for.
        """
        return self.run(values)

    @overload
    def run(self, values: Mapping[str, Plain]) -> Gradients[Floats]: ...

    @overload
    def run(self, values: Mapping[str, Kind | Plain]) -> Gradients[Kind]: ...

    def run(self, values: Mapping[str, Any]) -> Gradients[Any]:
        """The same, with the values in a mapping."""
        library = library_of(values)
        if library is not None:
            return self._elsewhere(library, values)
        given, cases = self._given(values)
        with np.errstate(all="ignore"):
            if cases is None:
                results = self._program(None, given).call(*given.values())
                return self._result(dict(zip(self._outputs, results, strict=True)))
            return self._blocks(given, cases)

    @overload
    def stream(self, blocks: Iterable[Mapping[str, Plain]]) -> Iterator[Gradients[Floats]]: ...

    @overload
    def stream(self, blocks: Iterable[Mapping[str, Kind | Plain]]) -> Iterator[Gradients[Kind]]: ...

    def stream(self, blocks: Iterable[Mapping[str, Any]]) -> Iterator[Gradients[Any]]:
        """One result for each block of values: as many cases as there are, in the memory of one block."""
        for block in blocks:
            yield self.run(block)

    def _elsewhere(self, library: Library, values: Mapping[str, Any]) -> Gradients[Any]:
        """The plan itself on arrays of another library, which may be traced or lie on a GPU."""
        given = dict(self._givens)
        for name, value in values.items():
            self._check(name, tuple(np.shape(value)))
            given[name] = value
        case_count({n: np.shape(given[n]) for n in self._batched})
        slots = self._plan.slots({n: library.asarray(v) for n, v in given.items()}, library)
        gradients = {}
        for name, gradient, value in self._slots:
            gradients[name] = slots[gradient]
            if value is not None:
                each = slots[gradient][..., None]
                gradients[name] = library.broadcast_to(each, slots[value].shape)
        loss = slots[self._cost] if self._with_loss else float("nan")
        return Gradients(loss, gradients)

    # -- numbers -------------------------------------------------------------------------------

    def _given(self, values: Mapping[str, Any]) -> tuple[dict[str, Array], int | None]:
        given = dict(self._givens)
        for name, value in values.items():
            array = np.asarray(value, dtype=self.dtype)
            self._check(name, array.shape)
            given[name] = array
        check_targets({n: given[n] for n in values}, self._targets)
        return given, case_count({n: given[n].shape for n in self._batched})

    def _check(self, name: str, shape: tuple[int, ...]) -> None:
        """Raises `OptionError` for a name that is not given, and for a shape that does not fit."""
        if name not in self._givens:
            raise OptionError(f"the problem is not given {name}", mend=nearest(name, self._givens))
        check_shape(name, shape, self.graph.nodes[name].shape, name in self._batched)

    # -- blocks --------------------------------------------------------------------------------

    def _blocks(self, given: Mapping[str, Array], cases: int) -> Gradients[Floats]:
        whole = {o: np.empty((*self.graph.shape(o), cases), self.dtype) for o in self._per_case}
        threads = min(processors(), cases // SHARE)
        if self._kernel is not None:
            return self._result(self._compiled(self._kernel, given, cases, max(threads, 1)), cases)
        if len(whole) == len(self._outputs) and threads > 1:
            self._side_by_side(given, whole, cases, threads)
            return self._result(whole, cases)
        totals: dict[Leaf, Array] = {}
        summed = self.problem.reduction == "sum"
        # Of no cases at all there is one block: a sum over it is 0, a mean has no value.
        for part in _parts(0, cases, self._block_size()) or [slice(0, 0)]:
            results = self._block(given, whole, part)()
            count = part.stop - part.start
            share = 1.0 if summed or count == cases else count / cases
            for output, result in zip(self._outputs, results, strict=True):
                if output in whole:
                    continue
                if count == cases:
                    totals[output] = result
                elif output in totals:
                    totals[output] += share * result
                else:
                    totals[output] = share * np.asarray(result)
        return self._result({**totals, **whole}, cases)

    def _jitted(self) -> Kernel:
        for output in self._outputs:
            if output in self._per_case or self._repeats(output.name):
                continue
            what = "the loss" if isinstance(output, Name) else f"the gradient of {output.name}"
            raise OptionError(
                "only what each case has for itself is compiled to machine code, and "
                f"{what} is one for all cases",
                mend="leave jit out, or give the parameters in cases",
            )
        return jitted(self._plan, self._givens, self._batched, self._outputs)

    def _compiled(
        self, kernel: Kernel, given: Mapping[str, Array], cases: int, threads: int
    ) -> dict[Leaf, Array]:
        """The outputs of every case by machine code, each thread a share of the cases."""
        inputs = [np.ascontiguousarray(a) for a in given.values()]
        whole = {o: np.empty((*self.graph.shape(o), cases), self.dtype) for o in self._outputs}
        shares = [cases * t // threads for t in range(threads + 1)]
        outputs = tuple(whole.values())
        all_at_once([partial(kernel, *share, inputs, outputs) for share in pairwise(shares)])
        return whole

    def _side_by_side(
        self, given: Mapping[str, Array], whole: Mapping[Leaf, Array], cases: int, threads: int
    ) -> None:
        """Fills `whole`, each thread a share of it: for results that each case has for itself."""
        size = self._block_size(cases, SHARE_BYTES)

        def work(thread: int) -> Callable[[], None]:
            share = range(cases * thread // threads, cases * (thread + 1) // threads)
            blocks = [
                self._block(given, whole, part, thread)
                for part in _parts(share.start, share.stop, size)
            ]

            def run() -> None:
                with np.errstate(all="ignore"):
                    for block in blocks:
                        block()

            return run

        all_at_once([work(thread) for thread in range(threads)])

    def _block(
        self, given: Mapping[str, Array], whole: Mapping[Leaf, Array], part: slice, thread: int = 0
    ) -> Callable[[], tuple[Any, ...]]:
        """The program on some of the cases; what each has for itself goes to its place in `whole`."""
        block = {n: a[..., part] if n in self._batched else a for n, a in given.items()}
        program = self._program(part.stop - part.start, block, thread)
        filled = [whole[o][..., part] for o in self._per_case]
        return partial(program.call, *block.values(), *filled)

    def _block_size(self, most: int = BLOCK, most_bytes: int = BLOCK_BYTES) -> int:
        numbers = sum(
            int(np.prod(self.graph.shape(leaf), dtype=int)) for leaf in self.graph.batched_leaves
        )
        return int(min(most, max(FEWEST, most_bytes // (self.dtype.itemsize * max(numbers, 1)))))

    def _repeats(self, name: str) -> bool:
        """Whether a value differs from case to case, and its gradient does not."""
        return self.graph.nodes[name].batched and Adjoint(name) not in self._per_case

    def _result(self, results: Mapping[Leaf, Array], cases: int | None = None) -> Gradients[Floats]:
        cost = np.asarray(results.get(Name(self.graph.cost), np.nan))
        gradients: dict[str, Floats] = {}
        for name in self.wanted:
            gradient = np.asarray(results[Adjoint(name)])
            if self._repeats(name) and gradient.shape == self.graph.shape(Adjoint(name)):
                gradient = np.repeat(gradient[..., None], cases or 1, axis=-1)
            gradients[name] = np.broadcast_to(gradient, gradient.shape)
        return Gradients(float(cost) if cost.ndim == 0 else cost, gradients)

    # -- programs ------------------------------------------------------------------------------

    def _program(self, cases: int | None, given: Mapping[str, Array], thread: int = 0) -> Program:
        """Compiled for so many cases; with buffers of its own for each thread."""
        found = self._programs.get((cases, thread))
        if found is None:
            numbers = sum(
                int(np.prod(self.graph.shape(leaf), dtype=int))
                * (cases or 1 if leaf in self.graph.batched_leaves else 1)
                for leaf in self._plan.leaves
            )
            found = compiled(
                self._plan, given, self._outputs, reuse=numbers > SMALL, filled=self._per_case
            )
            if len(self._programs) > 8 * (thread + 1):
                self._programs.clear()
            self._programs[cases, thread] = found
        return found


def _parts(start: int, stop: int, size: int) -> list[slice]:
    return [slice(k, min(k + size, stop)) for k in range(start, stop, size)]
