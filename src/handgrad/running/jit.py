"""A plan compiled to machine code: all that one case takes, and then the next case.

NumPy passes over the numbers of all cases once for every operation. For small networks, each
with parameters of its own, most of that time goes into reading and writing what is in between.
"""

from __future__ import annotations

import ctypes
import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError
from handgrad.expression import Leaf
from handgrad.running.compiling import compiler, library
from handgrad.running.plan import Plan
from handgrad.running.regrouping import needed
from handgrad.running.scalars import Scalars, UnrecordedError, place
from handgrad.running.tracing import traced

MOST = 1500
"""Lines that compute and read for one case, at most: they take a compiler about 5 s."""

NUMBERS = {"f": ("float", "f"), "d": ("double", "")}
"""By NumPy's letter for a type, C's name for it, and what C's functions of it end in."""

WAYS = ((True, ("-march=native", "-fopenmp-simd")), (False, ("-march=native",)), (False, ()))
"""What is tried in turn: with C's functions of several numbers at once, for this processor, and plainly."""

Steps: TypeAlias = Callable[[], int]
"""Makes steps in the arrays that it was given, fewer where a loss is not finite: how many."""

Machine: TypeAlias = Callable[[Iterable[Array], Array], Steps]
"""`machine(arrays, losses)` is ready to make a step in the arrays for each of the losses, as often as it is called."""

Kernel: TypeAlias = Callable[[int, int, Sequence[Array], Sequence[Array]], None]
"""`kernel(start, stop, inputs, outputs)` fills the outputs for the cases from start up to stop."""


def jitted(
    plan: Plan, inputs: Mapping[str, Array], batched: Sequence[str], outputs: Sequence[Leaf]
) -> Kernel:
    """Machine code for outputs that each case has for itself.

    Arguments:
        plan: that of the graph.
        inputs: by name, arrays of the shapes and type that the kernel will be given, in their
            order.
        batched: the names of those with the cases on their last axis.
        outputs: what is computed, in their order.

    Raises `OptionError` without a C compiler, and where one case takes more than `MOST` lines or an
    operation that has no code for one entry.
    """
    return _called(_made(compiler(), inputs, *_written(plan, inputs, batched, outputs)))


def stepping(
    plan: Plan,
    inputs: Mapping[str, Array],
    kept: Sequence[str],
    counters: Sequence[str],
    outputs: Sequence[Leaf],
) -> Machine:
    """Machine code for steps one after the other, each from what the one before has left.

    Arguments:
        plan: that of the graph and its update.
        inputs: by name, arrays of the shapes and type that the code will be given, in their order.
        kept: the names of those that a step puts others in place of, in the order of `outputs`.
        counters: the names of those that are given for each step; the code takes an array of them.
        outputs: the loss, then what takes the places of `kept`.

    Raises `OptionError` as `jitted` does.
    """
    function = _made(compiler(), inputs, *_written_steps(plan, inputs, kept, counters, outputs))
    function.restype = ctypes.c_long
    function.argtypes = (ctypes.c_long, ctypes.c_void_p)

    def machine(arrays: Iterable[Array], losses: Array) -> Steps:
        places = (*arrays, losses)
        addresses = np.array([a.ctypes.data for a in places], np.uintp)
        # What lies at the addresses is to stay as long as they are used.
        return partial(_run, function, len(losses), addresses.ctypes.data, (addresses, places))

    return machine


def _run(function: Any, count: int, addresses: int, _kept: object) -> int:
    return int(function(count, addresses))


def _made(
    command: Sequence[str], inputs: Mapping[str, Array], functions: set[str], body: Sequence[str]
) -> Any:
    """The compiled function of a body that calls these C functions."""
    number, _ = NUMBERS[np.result_type(*inputs.values()).char]
    failed = ""
    for at_once, options in WAYS:
        source = [f"typedef {number} number;", *_declarations(functions, at_once), *body, ""]
        try:
            return library(command, "\n".join(source), options).kernel
        except (OSError, subprocess.SubprocessError) as error:
            failed = str(getattr(error, "stderr", None) or error).strip()
    raise OptionError(
        f"the C compiler {shlex.join(command)} does not compile the kernel: {failed.partition(chr(10))[0]}",
        mend="name another one by CC, or leave jit out",
    )


def _called(function: Any) -> Kernel:
    function.restype = None

    def kernel(start: int, stop: int, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        cases = outputs[0].shape[-1]
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*inputs, *outputs)]
        function(*map(ctypes.c_long, (start, stop, cases)), *pointers)

    return kernel


def _written(
    plan: Plan, inputs: Mapping[str, Array], batched: Sequence[str], outputs: Sequence[Leaf]
) -> tuple[set[str], list[str]]:
    """The C functions that the kernel calls, and the lines of the kernel."""
    one = {n: a[..., :1] if n in batched else a for n, a in inputs.items()}
    scalars, results = _scalars(plan, one, batched, (), outputs)
    stores = [
        f"o{k}[{place(flat, True)}] = {scalars.code(entry)};"
        for k, result in enumerate(results)
        for flat, entry in enumerate(result.flat)
    ]
    arguments = [
        *("long start", "long stop", "long cases"),
        *(f"const number *restrict i{k}" for k in range(len(inputs))),
        *(f"number *restrict o{k}" for k in range(len(outputs))),
    ]
    return scalars.functions, [
        f"void kernel({', '.join(arguments)}) {{",
        *(f"    {line}" for line in scalars.before),
        "    #pragma omp simd",
        "    for (long n = start; n < stop; n++) {",
        *(f"        {line}" for line in (*scalars.lines, *stores)),
        "    }",
        "}",
    ]


def _written_steps(
    plan: Plan,
    inputs: Mapping[str, Array],
    kept: Sequence[str],
    counters: Sequence[str],
    outputs: Sequence[Leaf],
) -> tuple[set[str], list[str]]:
    """The same of steps: all that a step reads of what is kept, it reads before it puts others there."""
    scalars, (loss, *new) = _scalars(plan, inputs, counters, kept, outputs)
    numbers = {name: k for k, name in enumerate(inputs)}
    entries = [scalars.code(entry) for entry in loss.flat]
    mean = f"({' + '.join(entries)}) / {len(entries)}" if len(entries) > 1 else entries[0]
    stores = [
        f"i{numbers[name]}[{flat}] = {scalars.code(entry)};"
        for name, result in zip(kept, new, strict=True)
        for flat, entry in enumerate(result.flat)
    ]
    arrays = [
        f"{'' if name in kept else 'const '}number *restrict i{k} = at[{k}];"
        for name, k in numbers.items()
    ]
    return scalars.functions, [
        "long kernel(long cases, number *const *at) {",
        *(f"    {line}" for line in arrays),
        f"    number *restrict losses = at[{len(inputs)}];",
        *(f"    {line}" for line in scalars.before),
        "    for (long n = 0; n < cases; n++) {",
        *(f"        {line}" for line in (*scalars.lines, f"losses[n] = {mean};", *stores)),
        "        if (!__builtin_isfinite(losses[n])) return n + 1;",
        "    }",
        "    return cases;",
        "}",
    ]


def _scalars(
    plan: Plan,
    inputs: Mapping[str, Array],
    batched: Sequence[str],
    changing: Sequence[str],
    outputs: Sequence[Leaf],
) -> tuple[Scalars, list[Array]]:
    """The code of one turn of the loop, and the entries of the outputs in it."""
    _, suffix = NUMBERS[np.result_type(*inputs.values()).char]
    recorder, given, wanted = traced(plan, inputs, outputs)
    scalars = Scalars(recorder, suffix, MOST, "a step" if changing else "one case")
    entries = {
        t.number: scalars.input(k, t.shape, n in batched, changes=n in changing)
        for k, (n, t) in enumerate(given.items())
    }
    try:
        values = scalars.of(needed(recorder.instructions, [w.number for w in wanted]), entries)
        return scalars, [np.broadcast_to(values[w.number], w.shape) for w in wanted]
    except UnrecordedError as error:
        raise OptionError(
            f"this network cannot be compiled to machine code: {error}",
            mend="leave jit out: NumPy runs any network",
        ) from None


def _declarations(functions: set[str], at_once: bool) -> Iterator[str]:
    """C's declarations; `at_once` of functions that have forms for several numbers at once."""
    for name in sorted(functions):
        if at_once:
            yield "#pragma omp declare simd notinbranch"
        yield f"extern number {name}({'number, number' if name.startswith('pow') else 'number'});"
