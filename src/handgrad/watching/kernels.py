"""Counting in machine code, where there is a C compiler: numbers are read once, and nothing is made of them in between."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from handgrad.errors import OptionError
from handgrad.running.compiling import compiler, library

SOURCE = """
#include <stdint.h>
#define WIDTH 64

void count(const float *z, long cases, long units, float *restrict fired, float *restrict largest)
{
    for (long first = 0; first < units; first += WIDTH) {
        const long width = units - first < WIDTH ? units - first : WIDTH;
        float most[WIDTH], broken[WIDTH];
        int32_t open[WIDTH];
        for (int k = 0; k < WIDTH; k++) {
            most[k] = -__builtin_inff();
            broken[k] = 0;
            open[k] = 0;
        }
#define CASE(n) \\
        for (int k = 0; k < n; k++) { \\
            most[k] = at[k] > most[k] ? at[k] : most[k]; \\
            broken[k] = at[k] != at[k] ? at[k] : broken[k]; \\
            open[k] += at[k] > 0; \\
        }
        const float *at = z + first;
        if (width == WIDTH)
            for (long n = 0; n < cases; n++, at += units) CASE(WIDTH)
        else
            for (long n = 0; n < cases; n++, at += units) CASE(width)
        for (int k = 0; k < width; k++) {
            const float found = broken[k] != broken[k] ? broken[k] : most[k];
            fired[first + k] += open[k];
            if (found > largest[first + k] || found != found) largest[first + k] = found;
        }
    }
}

void add_sizes(const float *g, long cases, long units, long places, float *restrict sizes)
{
    if (places == 1)
        for (long first = 0; first < units; first += WIDTH) {
            const long width = units - first < WIDTH ? units - first : WIDTH;
            double whole[WIDTH] = {0};
            for (long start = 0; start < cases; start += 256) {
                const long stop = cases - start < 256 ? cases : start + 256;
                float part[WIDTH] = {0};
                const float *at = g + start * units + first;
                if (width == WIDTH)
                    for (long n = start; n < stop; n++, at += units)
                        for (int k = 0; k < WIDTH; k++) part[k] += __builtin_fabsf(at[k]);
                else
                    for (long n = start; n < stop; n++, at += units)
                        for (int k = 0; k < width; k++) part[k] += __builtin_fabsf(at[k]);
                for (int k = 0; k < width; k++) whole[k] += part[k];
            }
            for (int k = 0; k < width; k++) sizes[first + k] += whole[k];
        }
    else
        for (long row = 0; row < cases * units; row++) {
            double whole = 0;
            for (long start = 0; start < places; start += 256 * WIDTH) {
                const long stop = places - start < 256 * WIDTH ? places : start + 256 * WIDTH;
                float part[WIDTH] = {0};
                const float *at = g + row * places;
                long i = start;
                for (; i + WIDTH <= stop; i += WIDTH)
                    for (int k = 0; k < WIDTH; k++) part[k] += __builtin_fabsf(at[i + k]);
                for (int k = 0; k < stop - i; k++) part[k] += __builtin_fabsf(at[i + k]);
                for (int half = WIDTH / 2; half; half /= 2)
                    for (int k = 0; k < half; k++) part[k] += part[k + half];
                whole += part[0];
            }
            sizes[row % units] += whole;
        }
}
"""
"""Numbers of single precision that lie as cases × units (× places) do. A NaN is kept as the largest of its unit."""

Kernel: TypeAlias = Callable[..., None]


class Kernels:
    """The functions, once they are compiled.

    Arguments:
        count: `count(z, cases, units, fired, largest)`, of which all but the numbers are addresses.
        add_sizes: `add_sizes(g, cases, units, places, sizes)`.
    """

    __slots__ = ("add_sizes", "count")

    def __init__(self, count: Kernel, add_sizes: Kernel) -> None:
        self.count, self.add_sizes = count, add_sizes


_FOUND: list[Kernels | None] = []


def compiled() -> Kernels | None:
    """The functions; None where they were not asked for, or cannot be made."""
    return _FOUND[0] if _FOUND else None


def prepare() -> None:
    """Has them compiled, once in a process. Without a compiler NumPy counts."""
    if _FOUND:
        return
    made: Kernels | None = None
    with suppress(OptionError):
        made = _made(compiler())
    _FOUND.append(made)


def _made(command: list[str]) -> Kernels | None:
    for options in (("-march=native",), ()):
        try:
            # The interpreter waits: what takes microseconds is not worth handing it over.
            found = library(command, SOURCE, options, ctypes.PyDLL)
        except (OSError, subprocess.SubprocessError):
            continue
        number, address = ctypes.c_long, ctypes.c_void_p
        return Kernels(
            _typed(found.count, address, number, number, address, address),
            _typed(found.add_sizes, address, number, number, number, address),
        )
    return None


def _typed(function: Any, *arguments: Any) -> Kernel:
    function.restype, function.argtypes = None, arguments
    kernel: Kernel = function
    return kernel
