"""A worked solution: ordered, typed steps with their formulas and numbers, and notes about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError, nearest
from handgrad.formats.style import Style
from handgrad.graph import Graph
from handgrad.problem import Problem
from handgrad.record import JsonForm, record
from handgrad.running import Run
from handgrad.saving import Form, Page, Report, Result, Shown
from handgrad.solution.structure import Asked, Phase, StepKind, TraceLine, TrainingStep
from handgrad.text import plain_text

if TYPE_CHECKING:
    from handgrad.formats.json import Views
    from handgrad.picture import Drawing
    from handgrad.solution.notes.note import TraceNote
    from handgrad.solution.pictures.lines import PicturePhase


@record
class Step(Shown):
    """A numbered step.

    Arguments:
        id: forward 1.1, 1.2, …; backward 2.1, …; update 3.1, ….
        about: the value whose computation or gradient it is about.
        uses: the steps whose results it needs.
        layer: the layer of the forward pass, counted from 1, one more than those that lead to it; 0 elsewhere, as
            in a time step.
        time_step: that of a recurrent network, counted from 1; 0 elsewhere.
        trace: the solution that it stands in.
    """

    id: str
    phase: Phase
    kind: StepKind
    about: str
    lines: tuple[TraceLine, ...]
    uses: tuple[str, ...]
    notes: tuple[TraceNote, ...]
    layer: int = 0
    time_step: int = 0
    trace: Trace | None = field(default=None, compare=False)
    json: ClassVar = JsonForm(
        without=("about", "layer", "time_step", "trace"), also=("title", "reason")
    )

    def within(self, trace: Trace) -> Step:
        """The step as one of a solution."""
        return Step(
            self.id,
            self.phase,
            self.kind,
            self.about,
            self.lines,
            self.uses,
            self.notes,
            self.layer,
            self.time_step,
            trace,
        )

    @property
    def title(self) -> str:
        """What the step is about, as its heading says. Raises `OptionError` where it stands in no solution."""
        from handgrad.solution.step_words import title

        return plain_text(title(self._solution(), self))

    @property
    def reason(self) -> str:
        """Why it is done so. Raises `OptionError` where it stands in no solution."""
        from handgrad.solution.step_words import reason

        return plain_text(reason(self._solution(), self))

    def page(self, *, elements: bool = False) -> Page:
        """The step as a page. Raises `OptionError` where it stands in no solution."""
        return self._solution().page(step=self.id, elements=elements)

    def report(self, **options: Any) -> Report:
        """The page of the step, with these options, and the other forms of it."""
        return self._solution().report(step=self.id, **options)

    def _solution(self) -> Trace:
        if self.trace is None:
            raise OptionError("the step stands in no solution", mend="take it from trace.steps")
        return self.trace

    def __repr__(self) -> str:
        return f"<Step {self.id}: {self.kind} of {self.about}>"


@dataclass(frozen=True, slots=True, repr=False)
class Trace(Result):
    """The worked solution of a problem as data.

    Arguments:
        updated: the parameters after the last update; empty where the problem has none.
        training: the updates.
        decimals: those shown, and those carried where `run.carry` is "rounded".
    """

    problem: Problem
    graph: Graph
    run: Run
    _steps: tuple[Step, ...]
    updated: Mapping[str, Array]
    training: tuple[TrainingStep, ...]
    decimals: int
    json: ClassVar = JsonForm(
        "trace",
        without=("graph", "run"),
        also=(
            "cost=graph.cost",
            "cases",
            "carry=run.carry",
            "values",
            "gradients",
            "loss",
            "loss_after",
            "steps",
        ),
    )

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order, each with this trace, whose words and figures it is told in."""
        # Made when asked for: of a trace that its own steps hold, only the garbage collector gets rid.
        return tuple([step.within(self) for step in self._steps])

    def __repr__(self) -> str:
        title = self.problem.title or "a worked solution"
        return f"<Trace of {title!r}: {len(self._steps)} steps>"

    @property
    def cases(self) -> int | None:
        """How many cases there are; None where the problem declares none."""
        given = self.problem.inputs.values()
        return next((int(g.array.shape[-1]) for g in given if g.batched), None)

    @property
    def values(self) -> Mapping[str, Array]:
        """Every named value."""
        return {name: self.run.value(name) for name in self.graph.named}

    @property
    def gradients(self) -> Mapping[str, Array]:
        """The gradient with respect to every named value: of what differs from case to case, that of
        its own case's loss, and of everything else that of the cost."""
        return {name: self.run.gradient(name) for name in self.graph.named}

    def value(self, name: str) -> Array:
        """A named value; many cases lie along the last axis.

        Raises `OptionError` for a name that the problem does not have; a model's own path is one.
        """
        return self.run.value(self._known(name))

    def gradient(self, name: str) -> Array:
        """The gradient with respect to a named value, as in `gradients`: `trace.gradient("fc1.weight")`.

        Raises `OptionError` for a name that the problem does not have; a model's own path is one.
        """
        return self.run.gradient(self._known(name))

    def _known(self, name: str) -> str:
        found = self.problem.named(name)
        if found not in self.graph.named:
            known = self.problem.model.paths.values() if self.problem.model else self.graph.named
            raise OptionError(
                f"the problem has no value {name[:40]!r}",
                mend=nearest(name, known) or f"it has {', '.join([*known][:8])}, …",
            )
        return found

    @property
    def loss(self) -> float | Array | None:
        """The loss over all the cases; None where gradients are given upstream of it."""
        return self.run.loss if self.graph.has_loss else None

    @property
    def loss_after(self) -> float | None:
        """The loss after the last update; None where there is none, or it is not one finite number."""
        if not self.training or np.ndim(self.training[-1].after):
            return None
        after = float(self.training[-1].after)
        return after if np.isfinite(after) else None

    def step(self, id: str) -> Step | None:  # noqa: A002 - the steps' own word
        """The step with this number, or None."""
        return next((s.within(self) for s in self._steps if s.id == id), None)

    # -- in other forms ---------------------------------------------------------------------

    def page(
        self,
        *,
        only: Phase | None = None,
        step: str | None = None,
        elements: bool = False,
        open_entries: bool = False,
        pictures: bool = False,
        code: bool = False,
    ) -> Page:
        """The worked solution as a page.

        Arguments:
            only: one phase alone.
            step: one step alone, by its number.
            elements: open every gradient entry by entry.
            open_entries: give every value and gradient its entries, for a page on which a reader
                may open them.
            pictures: with figures of what is given and at the end of each pass.
            code: with the NumPy code of each step below it.

        Raises `OptionError` for a step, or a phase, that the solution does not have.
        """
        from handgrad.solution.page import solution_page

        steps = None
        if code:
            from handgrad.solution.programs.writing import step_code

            steps = step_code(self)
        return solution_page(
            self,
            only=only,
            step=step,
            elements=elements,
            open_entries=open_entries,
            pictures=pictures,
            code=steps,
        )

    def slides(
        self,
        questions: Sequence[Asked] = (),
        *,
        only: Phase | None = None,
        step: str | None = None,
    ) -> Page:
        """The worked solution, or a part of it, as slides of 16:9.

        Arguments:
            questions: what to discuss, each with the blocks of its answer (`QuestionSheet.to_discuss`).
            only: one phase alone.
            step: one step alone, by its number.

        Raises `OptionError` for a step, or a phase, that the solution does not have.
        """
        from handgrad.solution.slides import slides_page

        return slides_page(self, questions, only=only, step=step)

    def picture(self, phase: PicturePhase = "forward") -> Drawing:
        """The network, or the graph of equations, with the numbers of one pass.

        Arguments:
            phase: "given" for what is given alone, "forward" or "backward".
        """
        from handgrad.solution.pictures.choosing import picture_of

        return picture_of(self, phase)

    def program(self, to: str = "numpy") -> str:
        """The computation as a program for numpy, torch or jax, as `handgrad.code` writes it."""
        from handgrad.solution.programs.writing import whole_program

        return whole_program(self, to)

    def report(
        self,
        *,
        only: Phase | None = None,
        step: str | None = None,
        elements: bool = False,
        questions: Callable[[], Sequence[Asked]] | None = None,
        **options: Any,
    ) -> Report:
        """The solution, or the part of it that `page` would show, in every form that a file may have.

        Arguments:
            only: as of `page`.
            step: as of `page`.
            elements: as of `page`.
            questions: makes those that a deck of the whole solution ends with.
            options: others of `page`.

        Raises `OptionError` for a step, or a phase, that the solution does not have.
        """
        from handgrad.solution.page import solution_page

        page = partial(solution_page, self, only=only, step=step, elements=elements, **options)
        lacking = _lacking(only, step, elements)
        whole = only is None and step is None
        return Report(
            page=page,
            pictured=lambda: page(pictures=True, open_entries=True),
            program=lambda: self.page(only=only, step=step, elements=elements, code=True),
            slides=None
            if "slides" in lacking
            else lambda: self.slides(
                questions() if whole and questions is not None else (), only=only, step=step
            ),
            picture=None
            if "picture" in lacking
            else lambda: self.picture("forward" if only == "forward" else "backward"),
            json=None if "json" in lacking else self.to_json,
            lacking=lacking,
        )

    @classmethod
    def json_views(cls) -> Views:
        """The words of steps and notes, and formulas in LaTeX."""
        from handgrad.solution.views import VIEWS

        return VIEWS

    def style(self) -> Style:
        """How its formulas are written: as on its page."""
        from handgrad.solution.page import style_of

        return style_of(self)


def _lacking(
    only: Phase | None, step: str | None, elements: bool
) -> Mapping[Form, tuple[str, str]]:
    """The forms that a part of a solution doesn't have: why not, and the mend."""
    options = {"--step": step, "--only": only, "--elements": elements}
    lacking: dict[Form, tuple[str, str]] = {}
    for option in (option for option, value in options.items() if value):
        mend = f"leave out {option}"
        if option == "--elements":
            lacking["slides"] = ("slides do not open gradients entry by entry", mend)
        lacking["json"] = ("JSON holds the whole solution", mend)
        if option != "--only":
            lacking["picture"] = ("the picture is of a whole pass", mend)
        elif only == "update":
            lacking["picture"] = ("the update has no picture", "--only forward or backward has one")
    return lacking
