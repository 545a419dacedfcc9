"""How Moodle reads a Cloze text and marks what is entered: after question/type/multianswer and numerical of Moodle 4.5."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

NUMBER = r"-?(?:(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?)"
FRACTION = r"=|%(-?[0-9]+(?:[.,][0-9]*)?)%"
ANSWER = r".+?(?<!\\|&)(?<!&amp;)(?=[~#}]|$)"
FEEDBACK = r".*?(?<!\\)(?=[~}]|$)"
ALTERNATIVE = rf"(?:{FRACTION})?({ANSWER})(?:#({FEEDBACK}))?"
KINDS = "NUMERICAL|NM|MULTICHOICE|MC|SHORTANSWER|SA|MW"
UNNAMED = ALTERNATIVE.replace("((", "(?:(").replace("(-?[0-9]", "(?:-?[0-9]")
WHOLE = re.compile(rf"\{{([0-9]*):({KINDS}):((?:{UNNAMED})(?:~(?:{UNNAMED}))*)\}}", re.DOTALL)
NUMERICAL = re.compile(rf"^({NUMBER})(?::({NUMBER}))?$")


@dataclass(frozen=True)
class Alternative:
    """An answer that a gap knows: its share of the marks, the number, how far off it may be, what is said."""

    fraction: float
    value: float
    tolerance: float
    feedback: str


@dataclass(frozen=True)
class ClozeGap:
    weight: int
    alternatives: tuple[Alternative, ...]

    def mark(self, entered: str) -> tuple[float, str]:
        """The share of the marks for what a student types, and what is said: the first answer that fits decides."""
        number = typed(entered)
        for each in self.alternatives if number is not None else ():
            assert number is not None
            if abs(number - each.value) <= each.tolerance:
                return each.fraction, each.feedback
        return 0.0, ""


def typed(text: str) -> float | None:
    """The number that a student types; None for what is none to Moodle."""
    plain = re.sub(r"\s", "", text)
    if "." not in plain and plain.count(",") == 1:
        plain = plain.replace(",", ".")
    plain = re.sub(r"[x×*]10\^?(?=[-+]?\d)", "e", plain)
    return float(plain) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain) else None


def gaps_of(text: str) -> tuple[list[ClozeGap], str]:
    """The gaps of a question's text, and what is left of the text without them. Raises where Moodle refuses one."""
    found = []
    for match in WHOLE.finditer(text):
        alternatives = []
        for each in re.finditer(rf"(?:^|~){ALTERNATIVE}", match[3], re.DOTALL):
            share, answer, feedback = each[1], each[2], each[3] or ""
            worth = 100.0 if each[0].lstrip("~").startswith("=") else float(share or 0)
            number = NUMERICAL.match(unescape(answer))
            if number is None:
                raise ValueError(f"{answer} is no number")
            said = feedback.replace(r"\}", "}").replace(r"\#", "#")
            alternatives.append(
                Alternative(worth, float(number[1]), float(number[2] or 0), unescape(said))
            )
        if not any(a.fraction == 100 for a in alternatives):
            raise ValueError("no answer is worth 100 %")
        found.append(ClozeGap(int(match[1] or 1), tuple(alternatives)))
    return found, WHOLE.sub("", text)
