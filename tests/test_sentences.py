"""The list of every sentence: complete by the way that it is made, and shown as it was said."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest

from tools.phrases import Phrase, Reader, phrases
from tools.sentences import listed, of_commands, written


@pytest.fixture(scope="module")
def every() -> Sequence[Phrase]:
    return phrases()


def of(source: str) -> list[str]:
    reader = Reader("solution/notes/kink.py")
    reader.visit(ast.parse(source))
    return [p.text for p in reader.found]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = ('Because ', z, ' = 0, it', ' is zero.')", "Because … = 0, it is zero."),
        ('f\'{n} unit{"s" if n > 1 else ""} off\'', "… unit{s|} off"),
        ("s = 'the gate {a} is left out'", "the gate … is left out"),
        ("s = 'one of ' + name + ' is missing'", "one of … is missing"),
    ],
)
def test_pieces_of_a_sentence_are_one_phrase(source: str, text: str) -> None:
    assert of(source) == [text]


def test_what_no_one_reads_is_left_out() -> None:
    assert of('"""A docstring of words."""\n') == []
    assert of("def f():\n    'What it does.'\n    return re.compile('not to be read')") == []
    assert of("kind = 'gate_shut' if x else 'zero_input'") == []


def test_known_sentences_are_in_the_list(every: Sequence[Phrase]) -> None:
    kinds = {p.text: p.kind for p in every}
    assert kinds["Take the Euclidean norm."] == "operations"
    assert kinds["the learning rate … is left out"] == "check"
    assert kinds["What does … equal, and why?"] == "questions"
    assert kinds["is larger than … MB"] == "errors"
    assert kinds["List the bundled problems."] == "help"
    assert "No path leads from … to the loss, so its gradient is 0." in kinds
    assert {p.record for p in every} >= {"ZeroInput", "StepsBack", "LargestMove"}


def test_what_was_said_stands_under_its_phrase(every: Sequence[Phrase]) -> None:
    said = list(of_commands(["solve lab9 --only backward", "solve lab9 --step 9.9"]))
    found, others = listed(said, every)
    shown = written(found, others)
    assert "ReLU is a gate: the gradient passes where the pre-activation is positive" in shown
    assert "as in: Error: --step: there is no step 9.9" in shown or "no step 9.9" in shown
    assert "it blocks a gradient of size" in shown
    reached = {e.phrase.text for e in found if e.example}
    assert "there is no step …" in reached
    assert "List the bundled problems." not in reached
