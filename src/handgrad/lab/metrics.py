"""What is counted of the lab's work, in the text format of Prometheus: numbers alone, nothing that was typed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds up to which answers are counted."""


@dataclass
class Metrics:
    """Counts of one server process."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    within: Counter[float] = field(default_factory=Counter)
    seconds: float = 0.0

    def count(self, name: str, status: int, seconds: float) -> None:
        """An answer was given, and took so long."""
        self.answers[name, status] += 1
        self.seconds += seconds
        for bound in BOUNDS:
            self.within[bound] += seconds <= bound

    def text(self, replaced: int) -> str:
        """Everything counted, a line each."""
        total = sum(self.answers.values())
        lines = ["# TYPE handgrad_lab_answers_total counter"]
        lines += [
            f'handgrad_lab_answers_total{{name="{name}",status="{status}"}} {count}'
            for (name, status), count in sorted(self.answers.items())
        ]
        lines.append("# TYPE handgrad_lab_answer_seconds histogram")
        lines += [
            f'handgrad_lab_answer_seconds_bucket{{le="{bound:g}"}} {self.within[bound]}'
            for bound in BOUNDS
        ]
        lines += [
            f'handgrad_lab_answer_seconds_bucket{{le="+Inf"}} {total}',
            f"handgrad_lab_answer_seconds_sum {self.seconds:.6f}",
            f"handgrad_lab_answer_seconds_count {total}",
            "# TYPE handgrad_lab_workers_replaced_total counter",
            f"handgrad_lab_workers_replaced_total {replaced}",
        ]
        return "\n".join(lines) + "\n"
