"""The drill itself: a value, and what every answer, hint or skip makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

from handgrad.checking.blanks import Blank, blanks, words_of
from handgrad.checking.checking import Checker
from handgrad.checking.report import Judged
from handgrad.drilling.records import QuantityRecord, Record
from handgrad.drilling.replies import Accepted, AtStart, Back, DrillQuit, Help, Reply, Skipped, Told
from handgrad.drilling.typed import Cells, DrillUnfinished, Unread, read_typed
from handgrad.errors import OptionError
from handgrad.operations.operation import describe
from handgrad.problem import Problem
from handgrad.record import JsonForm
from handgrad.saving import Page, Result
from handgrad.solution import Trace
from handgrad.solution.structure import Phase

WORDS = {
    "?": "hint", "hint": "hint", "skip": "skip", "back": "back", "show": "show",
    "quit": "quit", "exit": "quit", "q": "quit", "help": "help", "h": "help",
}  # fmt: skip
"""What may be typed instead of figures."""


def key_of(problem: Problem) -> str:
    """What tells a problem from others: a digest of its file."""
    return hashlib.sha256(problem.to_toml().encode("utf-8", "backslashreplace")).hexdigest()[:20]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Drill(Result):
    """A worked solution being asked for, quantity by quantity.

    Arguments:
        checker: the problem, ready to check answers.
        blanks: what is asked for, in the order of the steps.
        records: by target, what has come of it; of what is not asked for this time too.
        position: the place in `blanks` of what is asked for now; their number at the end.
    """

    checker: Checker
    blanks: tuple[Blank, ...]
    records: Mapping[str, Record]
    position: int = 0
    json: ClassVar = JsonForm(
        "drill",
        without=("checker", "blanks", "records", "position"),
        also=(
            "problem=problem.title",
            "key",
            "finished",
            "next",
            "done",
            "marks",
            "out_of",
            "quantities",
        ),
    )

    @property
    def problem(self) -> Problem:
        return self.checker.problem

    @property
    def trace(self) -> Trace:
        """The worked solution."""
        return self.checker.work.structure.trace

    @property
    def finished(self) -> bool:
        """Whether nothing more is asked for."""
        return self.position == len(self.blanks)

    @property
    def blank(self) -> Blank:
        """What is asked for now."""
        return self.blanks[self.position]

    def record(self, blank: Blank) -> Record:
        """What has come of a quantity."""
        return self.records.get(blank.target, Record())

    @property
    def done(self) -> int:
        """How many of the quantities asked for are answered, or were shown."""
        return sum(self.record(b).state not in ("open", "skipped") for b in self.blanks)

    @property
    def marks(self) -> float:
        """Those earned so far."""
        return sum(self.record(b).marks for b in self.blanks)

    @property
    def out_of(self) -> float:
        """A mark for each quantity."""
        return float(len(self.blanks))

    @property
    def key(self) -> str:
        """What tells the problem from others."""
        return key_of(self.problem)

    @property
    def next(self) -> str | None:
        """What is asked for now; None at the end."""
        return None if self.finished else self.blank.target

    @property
    def quantities(self) -> tuple[QuantityRecord, ...]:
        """All that there is to compute, and what has come of it."""
        asked = {b.target for b in self.blanks}
        return tuple(
            QuantityRecord(
                **asdict(self.record(blank)),
                target=blank.target,
                step=blank.step,
                shape=blank.shape,
                asked=blank.target in asked,
            )
            for blank in blanks(self.checker)
        )

    # -- transitions ------------------------------------------------------------------------------

    def take(self, text: str) -> tuple[Drill, Reply]:
        """The drill after a text was typed, figures or one of `WORDS`, and what there is to say.

        A word on a line of its own goes before figures that were begun and are not complete.
        """
        match WORDS.get(text.rpartition("\n")[2].strip().lower()):
            case "hint":
                return self.hint()
            case "skip":
                return self.skip()
            case "back":
                return self.back()
            case "show":
                return self.show()
            case "quit":
                return self, DrillQuit()
            case "help":
                return self, Help()
            case _:
                return self.answer(text)

    def answer(self, text: str) -> tuple[Drill, Reply]:
        """The figures of what is asked for now."""
        typed = read_typed(text, self.blank.shape)
        if isinstance(typed, Unread | DrillUnfinished):
            return self, typed
        judged = self._judged(typed)
        record = replace(self.record(self.blank), figures=typed, trivial=judged.trivial)
        if judged.verdict == "right" or judged.verdict == "consistent":
            record = replace(record, state=judged.verdict)
            return self._with(record).onward(), Accepted(judged, record)
        if [d.rule for d in judged.diagnosis] == ["wrong_shape"]:
            return self, Unread(f"it is {describe(self.blank.shape)}")
        return self._told(replace(record, state="open", wrong=record.wrong + 1), judged, wrong=True)

    def hint(self) -> tuple[Drill, Reply]:
        """One level more of help with what is asked for now."""
        record = self.record(self.blank)
        if self._settled(record):
            return self, Told("worked", self._judged(None))
        judged = self._judged(record.figures)
        return self._told(replace(record, hints=record.hints + 1, state="open"), judged)

    def show(self) -> tuple[Drill, Reply]:
        """What is asked for now, worked out."""
        record = self.record(self.blank)
        judged = self._judged(None)
        if self._settled(record):
            return self, Told("worked", judged)
        record = replace(record, state="shown", figures=None)
        return self._with(record).onward(), Told("worked", judged)

    def skip(self) -> tuple[Drill, Reply]:
        """What is asked for now is left for later, and what was entered for it stands."""
        record = self.record(self.blank)
        if record.state == "open":
            record = replace(record, state="skipped")
        return self._with(record).onward(), Skipped(record)

    def back(self) -> tuple[Drill, Reply]:
        """What was asked for before is asked for again."""
        if not self.position:
            return self, AtStart()
        before = replace(self, position=self.position - 1)
        return before, Back(before.record(before.blank))

    def resumed(self) -> Drill:
        """The drill as it is taken up again: at what is open first, then at what was skipped."""
        records = {
            target: replace(r, state="open") if r.state == "skipped" else r
            for target, r in self.records.items()
        }
        states = [self.record(b).state for b in self.blanks]
        if "open" in states:
            return replace(self, position=states.index("open"))
        again = replace(self, records=MappingProxyType(records))
        return replace(again, position=-1).onward()

    # -- parts of them ----------------------------------------------------------------------------

    @staticmethod
    def _settled(record: Record) -> bool:
        """Whether there is nothing left to earn, so that looking costs nothing."""
        return record.answered or record.state == "shown"

    def _told(self, record: Record, judged: Judged, *, wrong: bool = False) -> tuple[Drill, Reply]:
        level = record.level
        assert level is not None
        if level != "worked":
            return self._with(record), Told(level, judged, wrong)
        told = self._with(replace(record, state="shown", figures=None))
        return told.onward(), Told(level, judged, wrong)

    def _judged(self, figures: Cells | None) -> Judged:
        target = self.blank.target
        if figures is None:
            work = self.checker.work
            quantity = next(q for q in work.structure.quantities if q.target == target)
            return Judged(quantity, "missing", work.exact[quantity.leaf])
        return self.checker.check_one(target, _lists(figures), self._before())

    def _before(self) -> dict[str, Any]:
        """The figures that stand for the quantities before this one."""
        found: dict[str, Any] = {}
        for blank in blanks(self.checker):
            if blank.target == self.blank.target:
                break
            figures = self.record(blank).figures
            if figures is not None:
                found[blank.target] = _lists(figures)
        return found

    def _with(self, record: Record) -> Drill:
        records = {**self.records, self.blank.target: record}
        return replace(self, records=MappingProxyType(records))

    def onward(self) -> Drill:
        """At the next quantity that is open; at the end where none is."""
        count = len(self.blanks)
        for step in range(1, count + 1):
            position = (self.position + step) % count
            if self.record(self.blanks[position]).state == "open":
                return replace(self, position=position)
        return replace(self, position=count)

    # -- pages ----------------------------------------------------------------------------

    def page(self) -> Page:
        """What came of every quantity, and the marks."""
        from handgrad.drilling.page import drill_summary_page

        return drill_summary_page(self)

    def opening(self) -> Page:
        """What is given, what is taken as computed already, and how to answer."""
        from handgrad.drilling.page import drill_opening_page

        return drill_opening_page(self)

    def question(self, before: Blank | None = None) -> Page:
        """What is asked for now; `before` is what was asked for last, in a step that needs no title again."""
        from handgrad.drilling.page import drill_question_page

        return drill_question_page(self, before)

    def told(self, reply: Reply) -> Page:
        """A reply to what was typed, in words."""
        from handgrad.drilling.page import drill_reply_page

        return drill_reply_page(self, reply)

    def __repr__(self) -> str:
        return f"<Drill: {self.done} of {len(self.blanks)} done>"


def drill(problem: Problem, *, only: Phase | None = None, words: Sequence[str] = ()) -> Drill:
    """A drill of a problem.

    Arguments:
        problem: what is asked about.
        only: what one phase computes.
        words: phases, step numbers or names (separated by commas too) to which it is narrowed.

    Raises the errors of solving the problem, and `OptionError` where nothing is asked for.

        >>> drill = handgrad.drill(handgrad.load("lab9"), words=["z2"])
        >>> drill, reply = drill.take("0.42 -0.17")
        >>> drill.marks
        1.0
    """
    checker = Checker(problem)
    every = blanks(checker)
    asked = tuple(b for b in _chosen(every, words) if only in (None, b.phase))
    if not asked:
        raise OptionError(
            "nothing is left to ask for", mend="ask for another phase, step or quantity"
        )
    return Drill(checker, asked, MappingProxyType({}))


def _chosen(every: tuple[Blank, ...], words: Iterable[str]) -> tuple[Blank, ...]:
    asked = words_of(words, {name for blank in every for name in _names(blank)})
    return tuple(b for b in every if not asked or asked & _names(b))


def _names(blank: Blank) -> set[str]:
    return {blank.target, blank.target.partition(".")[0], blank.step, blank.phase, blank.kind}


def _lists(cells: Cells) -> Any:
    return [_lists(c) for c in cells] if isinstance(cells, tuple) else cells
