"""How STACK marks what is entered: its trees of NumAbsolute nodes, their variables worked out in the little of Maxima that these use."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

NUM_TOL = 1e-9
"""STACK_NUM_TOL: what STACK adds to every tolerance, within which a figure has to be, and not at its end."""

TOKEN = re.compile(r"\s*(\d+\.?\d*(?:[eE][-+]?\d+)?|[A-Za-z_]\w*|<=|>=|[-+*/^(),<>#:;])")
FUNCTIONS: Mapping[str, Any] = {
    **{name: getattr(math, name) for name in ("exp", "sqrt", "sin", "cos", "tanh")},
    "log": lambda x: math.log(x) if x >= 0 else complex(math.log(-x), math.pi),
    "abs": abs,
    "max": lambda *a: max(a),
    "min": lambda *a: min(a),
    "float": lambda x: float(x) if isinstance(x, int | float) else x,
    "numberp": lambda x: isinstance(x, int | float),
    "signum": lambda x: (x > 0) - (x < 0),
    "is": lambda x: x,
    "length": len,
    "first": lambda x: x[0] if x else None,
    "equal": lambda a, b: a == b,
}


class Maxima:
    """Evaluates expressions of numbers, comparisons, functions and `if … then … else …`."""

    def __init__(self, text: str, values: Mapping[str, Any]) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s", "", text), text
        self.at, self.values = 0, values

    def value(self) -> Any:
        found = self._choice()
        assert self.at == len(self.tokens), self.tokens[self.at :]
        return found

    def _next(self, *expected: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at] in expected:
            self.at += 1
            return str(self.tokens[self.at - 1])
        return None

    def _choice(self) -> Any:
        if self._next("if"):
            holds = self._both()
            assert self._next("then")
            first = self._choice()
            assert self._next("else")
            second = self._choice()
            return first if holds else second
        return self._both()

    def _both(self) -> Any:
        found = self._not()
        while self._next("and"):
            other = self._not()
            found = found and other
        return found

    def _not(self) -> Any:
        return not self._not() if self._next("not") else self._compared()

    def _compared(self) -> Any:
        left = self._sum()
        sign = self._next("<", "<=", ">", ">=")
        if sign is None:
            return left
        right = self._sum()
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
            sign
        ]

    def _sum(self) -> Any:
        found = self._product()
        while sign := self._next("+", "-"):
            other = self._product()
            found = found + other if sign == "+" else found - other
        return found

    def _product(self) -> Any:
        found = self._signed()
        while sign := self._next("*", "/"):
            other = self._signed()
            found = found * other if sign == "*" else found / other
        return found

    def _signed(self) -> Any:
        return -self._signed() if self._next("-") else self._power()

    def _power(self) -> Any:
        base = self._atom()
        return base ** self._signed() if self._next("^") else base

    def _atom(self) -> Any:
        if self._next("("):
            found = self._choice()
            assert self._next(")")
            return found
        token = self.tokens[self.at]
        self.at += 1
        if token[0].isdigit():
            return float(token)
        if token == "errcatch":
            return self._caught()
        if self._next("("):
            arguments = [self._choice()]
            while self._next(","):
                arguments.append(self._choice())
            assert self._next(")")
            return FUNCTIONS[token](*arguments)
        return self.values[token]

    def _caught(self) -> list[Any]:
        """A list of the value of what stands in parentheses; an empty one where that is an error, as Maxima has it."""
        depth, end = 1, self.at + 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.tokens[end], 0)
            end += 1
        inner = "".join(f" {t}" for t in self.tokens[self.at + 1 : end - 1])
        self.at = end
        try:
            return [Maxima(inner, self.values).value()]
        except (ArithmeticError, ValueError, TypeError):
            return []


@dataclass
class Marked:
    """What a tree says of an answer: the score, the feedback, and the note of the node it ends in."""

    score: float = 0.0
    said: list[str] = field(default_factory=list)
    note: str = ""


def typed(text: str) -> Any:
    """What a numerical input of STACK makes of what is typed: a number, EMPTYANSWER, or None for what is none."""
    plain = text.strip().replace("−", "-")
    if not plain:
        return "EMPTYANSWER"
    if not re.fullmatch(r"[-+]?[\d.]+(/\d+)?(e[-+]?\d+)?", plain):
        return None
    above, _, below = plain.partition("/")
    return float(above) / float(below or 1)


def marks(question: Element, entered: Mapping[str, str]) -> dict[str, Marked | None]:
    """By tree what it says; None where an input that it needs is no number."""
    values = {
        i.findtext("name") or "": typed(entered.get(i.findtext("name") or "", ""))
        for i in question.findall("input")
    }
    return {p.findtext("name") or "": _tree(p, values) for p in question.findall("prt")}


def failing(question: Element) -> Iterator[str]:
    """What does not come out as a question's own tests have it."""
    for case in question.findall("qtest"):
        entered = {
            i.findtext("name") or "": (i.findtext("value") or "?").replace("EMPTYANSWER", "")
            for i in case.findall("testinput")
        }
        found = marks(question, entered)
        for expected in case.findall("expected"):
            name = expected.findtext("name") or ""
            score = float(expected.findtext("expectedscore") or 9)
            marked = found[name]
            if (
                marked is None
                or abs(marked.score - score) > 1e-6
                or marked.note != expected.findtext("expectedanswernote")
            ):
                yield f"test {case.findtext('testcase')}, {name}: {marked}, expected {score:g}"


def _tree(tree: Element, values: Mapping[str, Any]) -> Marked | None:
    variables = tree.findtext("feedbackvariables/text") or ""
    nodes = {n.findtext("name"): n for n in tree.findall("node")}
    text = variables + " ".join(n.findtext("sans") or "" for n in nodes.values())
    needed = set(re.findall(r"\bans\d+\b", text))
    if any(values[name] is None for name in needed):
        return None
    known = {name: values[name] for name in needed}
    for line in filter(None, variables.split(";")):
        name, _, expression = line.strip().partition(":")
        known[name] = Maxima(expression, known).value()
    found = Marked()
    at: str | None = "0"
    while at != "-1":
        node = nodes[at]
        assert node.findtext("answertest") == "NumAbsolute"
        student = known[node.findtext("sans") or ""]
        teacher = Maxima(node.findtext("tans") or "", known).value()
        tolerance = Maxima(node.findtext("testoptions") or "", known).value()
        met = isinstance(student, float) and abs(student - teacher) < tolerance + NUM_TOL
        way = "true" if met else "false"
        assert node.findtext(f"{way}scoremode") == "+"
        found.score += float(node.findtext(f"{way}score") or 0)
        said = node.findtext(f"{way}feedback/text")
        found.said += [said] if said else []
        found.note = node.findtext(f"{way}answernote") or ""
        at = node.findtext(f"{way}nextnode")
    return found
