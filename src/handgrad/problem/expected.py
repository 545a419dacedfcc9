"""What a verb is given in Python, where another kind of thing is a likely mistake."""

from __future__ import annotations

from handgrad.errors import OptionError
from handgrad.problem.problem import Problem


def expect_problem(thing: object) -> None:
    """Raises `OptionError`, with the mend, for what is no problem: a name, a result, a model of PyTorch."""
    if isinstance(thing, Problem):
        return
    name = type(thing).__name__
    if isinstance(thing, str):
        what, mend = (
            f"a problem is expected, not a text ({thing[:40]!r})",
            "load it by its name or path: handgrad.load(…)",
        )
    elif isinstance(getattr(thing, "problem", None), Problem):
        what, mend = (
            f"a problem is expected, not a {name}",
            f"give its problem: {name.lower()}.problem",
        )
    elif hasattr(thing, "named_parameters") or hasattr(thing, "state_dict"):
        what = f"a problem is expected, not a model of PyTorch ({name})"
        mend = "read it: handgrad.from_torch(model, x, y, loss)"
    else:
        what = f"a problem is expected, not {_kind(thing)}"
        mend = "make one: handgrad.Problem(equations, parameters, data)"
    raise OptionError(what, mend=mend)


def _kind(thing: object) -> str:
    name = type(thing).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
