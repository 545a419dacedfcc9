"""A call of the program's on its way through the mode: made once, whatever goes wrong in looking at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

RAISES = False
"""Whether what goes wrong in looking is raised, as tests want it; a program that is watched never sees it."""


class Passed:
    """A function of PyTorch's that remembers its first call: the program's own.

    Arguments:
        func: the function, whose name and the like are this one's too.
    """

    __slots__ = ("called", "error", "func", "out")

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func
        self.called = False
        self.error: BaseException | None = None
        self.out: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.called:
            return self.func(*args, **kwargs)
        self.called = True
        try:
            self.out = self.func(*args, **kwargs)
        except BaseException as error:
            self.error = error
            raise
        return self.out

    def __getattr__(self, name: str) -> Any:
        return getattr(self.func, name)


def itself(func: Any) -> Any:
    """The function inside."""
    return func.func if isinstance(func, Passed) else func


def looked(unseen: dict[str, None], look: Callable[..., None], at: str) -> Callable[..., None]:
    """A function that looks on, of which the program never sees an error: it is noted among what was not seen."""

    def looking(*args: Any) -> None:
        try:
            look(*args)
        except Exception as error:
            missed(unseen, error, at)

    return looking


def missed(unseen: dict[str, None], error: Exception, at: str) -> None:
    """Notes an error of ours."""
    if RAISES:
        raise error
    first = str(error).strip().split("\n")[0][:120]
    unseen[f"{at} ({type(error).__name__}: {first})"] = None
