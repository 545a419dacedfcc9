"""Discussion questions as one JSON object. Its schema is `schema/questions.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handgrad.explain import plain_text
from handgrad.questions import Question, answer_text, question_text
from handgrad.render.records import record
from handgrad.trace import Trace

SCHEMA = "handgrad/questions/1"


def questions_object(trace: Trace, questions: Sequence[Question]) -> dict[str, Any]:
    """Every question with its words, the steps it cites, and the facts of its answer."""
    return {
        "schema": SCHEMA,
        "problem": trace.problem.title,
        "questions": [
            {"id": f"Q{number}", **_question(question)}
            for number, question in enumerate(questions, start=1)
        ],
    }


def _question(question: Question) -> dict[str, Any]:
    facts = record(question)
    kind, steps = facts.pop("kind"), facts.pop("steps")
    return {
        "kind": kind,
        "question": plain_text(question_text(question)),
        "answer": [plain_text(text) for text in answer_text(question)],
        "steps": steps,
        "facts": facts,
    }
