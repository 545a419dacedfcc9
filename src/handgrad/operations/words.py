"""What is said of an operation: a part of its record, with its rule and its traits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from handgrad.expression import Option
from handgrad.record import record


@record
class OptionWords:
    """How an option is told to a reader who has to know it to compute the operation.

    Arguments:
        text: what its value follows, such as "the stride is".
        plain: the value that goes without saying; None where each is said.
        tell: in place of `text`, the whole of what is told of a value; empty where it goes without saying.
    """

    text: str
    plain: float | None = None
    tell: Callable[[Option], str] | None = None


@record
class Words:
    """What is said of an operation.

    Arguments:
        noun: what it is called in a sentence.
        forward: what it does to numbers.
        backward: what its pull-back does to the gradient. A helper needs none: nobody writes one in
            an equation.
        by_argument: in place of `backward`, by argument, where the gradient goes to one of them alone.
        backward_with: in place of `backward`, by option that is set.
        weighted: in place of `forward`, where a parameter is among its arguments and no activation follows.
        biased: in place of `forward`, where a parameter is added to the result.
        unweighted: in place of `forward`, where no parameter is among its arguments.
        of_vector: in place of `unweighted`, where an argument is a vector.
        of_stacks: in place of `unweighted`, where an argument has more axes than a matrix.
        options: the options that its formula does not always spell out, in the order they are told.
        defined: of a helper that readers may not know, what a page says of it before it first writes it.
        written_out: in place of `backward`, where it was known in a formula that does not name it.
        stable: of one that computes a loss in a stable way, where another was written: what it is.
    """

    noun: str
    forward: str
    backward: str = ""
    by_argument: tuple[str, ...] = ()
    backward_with: Mapping[str, str] = field(default_factory=dict)
    weighted: str = ""
    biased: str = ""
    unweighted: str = ""
    of_vector: str = ""
    of_stacks: str = ""
    options: Mapping[str, OptionWords] = field(default_factory=dict)
    defined: str = ""
    stable: str = ""
    written_out: str = ""
