"""Reading the options of a call: by name, or as the numbers after its arguments."""

from __future__ import annotations

import math

import numpy as np

from handgrad.equations.index_reader import IndexReader
from handgrad.equations.tokens import Token
from handgrad.expression import Call, Expression, Index, Literal, Option, number
from handgrad.operations import BY_NAME, OPTION_SPELLINGS, Operation, operation_of
from handgrad.operations.elsewhere import LIBRARIES
from handgrad.operations.operation import Signature

TRUE_OR_FALSE = "unbiased"
"""PyTorch's older name of ddof=1, which says true or false."""

INFINITE = ("inf", "Inf", "infty")


def _worked_out(formula: Expression) -> int | float | None:
    """The number that arithmetic of numbers gives, a whole one where they are; None for anything else."""
    if isinstance(formula, Literal):
        digits = formula.text.removeprefix("-")
        return int(formula.text) if digits.isdigit() and len(digits) < 19 else number(formula)
    if not isinstance(formula, Call):
        return None
    operation = operation_of(formula)
    parts = [_worked_out(a) for a in formula.arguments]
    known = [part for part in parts if part is not None]
    if operation.family != "arithmetic" or len(known) < len(parts):
        return None
    with np.errstate(all="ignore"):
        kernel = operation.kernel(Signature(((),) * len(parts), (), operation.options))
        found = float(np.asarray(kernel(np, *map(np.float64, known))))
    whole = found.is_integer() and all(isinstance(part, int) for part in known)
    return int(found) if whole else found


class OptionReader(IndexReader):
    """Reads options."""

    def option(
        self, operation: str, options: dict[str, Option], formulas: dict[str, Expression]
    ) -> None:
        """An option by its name; where it may be a formula, and is one, it goes to `formulas`."""
        token = self.take()
        self.take()
        name = token.text
        record = BY_NAME.get(operation)
        if record is not None and name not in record.options:
            other = OPTION_SPELLINGS.get(name, name)
            name = other if other in (*record.options, *record.by_option) else name
        truth = name != token.text and token.text == TRUE_OR_FALSE
        if name in options or name in formulas:
            raise self.wrong(f"the option {token.text} is given twice", token)
        value = self.option_value(token, formulas=bool(record and record.of_formulas))
        if isinstance(value, Expression):
            formulas[name] = value
            return
        options[name] = int(value) if truth and isinstance(value, bool) else value

    def at_positional(self, record: Operation, given: int) -> bool:
        """Whether what follows is no argument but an option: a number after those that there have to be, or several in brackets."""
        fewest, most = record.arity
        ahead = [t for t in self.tokens[self.position : self.position + 3] if t.text not in "([-"]
        infinity = (
            bool(record.by_option)
            and any(t.text in INFINITE for t in ahead)
            and ahead[0].kind == "name"
        )
        plain = infinity or (bool(ahead) and ahead[0].kind in ("number", "text"))
        any_formula = record.of_formulas is not None
        return most is not None and given >= fewest and (plain or any_formula or self.at_none())

    def at_none(self) -> bool:
        """Whether None follows, alone between commas."""
        after = self.tokens[self.position + 1] if self.token.kind == "name" else self.token
        return self.token.text in ("None", "none") and after.text in (",", ")")

    def positional(
        self, record: Operation, options: dict[str, Option], formulas: dict[str, Expression]
    ) -> None:
        """One of the numbers after the arguments: the next option, or one more number of the last."""
        token, names = self.token, record.positional
        given = options.keys() | formulas.keys()
        name = next((n for n in names if n not in given), names[-1])
        value = self.option_value(
            token._replace(text=name), formulas=record.of_formulas is not None
        )
        before = options.get(name)
        if isinstance(value, Expression):
            formulas[name] = value
            return
        if before is None:
            options[name] = value
        elif isinstance(value, int) and isinstance(before, int | tuple):
            options[name] = (*(before if isinstance(before, tuple) else (before,)), value)
        else:
            raise self.wrong(f"the option {name} is given twice", token)

    def library_of_constant(self) -> None:
        """Passes over a library's name before a constant, such as np. before np.inf."""
        while self.token.text in LIBRARIES and self.tokens[self.position + 1].text == ".":
            self.position += 2

    def option_value(self, name: Token, *, formulas: bool = False) -> Option | Expression:
        """The value of an option: a word, a text, numbers in brackets, a number; where it may be one, a formula.

        A number may be one that is worked out: 1/2, 1 - 0.2.
        """
        self.library_of_constant()
        word = self.token
        if word.kind == "name" and word.text in INFINITE:
            self.take()
            return math.inf
        if word.kind == "name" and word.text.lower() in ("true", "false", "none"):
            self.take()
            return {"true": True, "false": False, "none": None}[word.text.lower()]
        if word.kind == "text":
            return self.take().text
        if self.at("(", "[") and not formulas:
            closing = ")" if self.take().text == "(" else "]"
            values: list[Index] = []
            while not self.at(closing):
                values.append(self.one_index())
                if not self.at(","):
                    break
                self.take()
            self.expect(closing, f"the option {name.text}")
            return tuple(values)
        start = self.token
        value = self.comparison()
        number = _worked_out(value)
        if number is not None:
            return number
        if formulas:
            return value
        raise self.wrong(
            f"the option {name.text} takes a number", start, f"write it out, as in {name.text}=0.1"
        )
