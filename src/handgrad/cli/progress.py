"""A progress bar on standard error, for a person who waits at a terminal."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click


@contextmanager
def progress(
    label: str, length: int | None = None, after: int = 0
) -> Iterator[Callable[..., None] | None]:
    """What to call with how much is done, and with the length where it is found on the way.

    None where nobody watches. Work that ends before `after` is done has no bar.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        bars: list[Any] = []

        def told(done: int, of: int | None = length) -> None:
            if done < after:
                return
            if not bars:
                bar = click.progressbar(
                    itertools.count(), of, label, show_pos=length is None, file=sys.stderr
                )
                bars.append(stack.enter_context(bar))
            bars[0].update(done - bars[0].pos)

        yield told
