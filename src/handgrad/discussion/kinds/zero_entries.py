"""Which entries of the gradients are zero, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self, assert_never

import numpy as np

from handgrad.discussion.gates import gates_of
from handgrad.discussion.lookup import (
    at_entry,
    differentiated,
    in_order,
    index_of,
    step_of,
    total_gradient,
)
from handgrad.discussion.phrases import LISTED, cited, count, raised, sides
from handgrad.discussion.question import Question, QuestionedEntry
from handgrad.discussion.zero_part import ZeroPart, ZeroShare
from handgrad.discussion.zeros import zeros
from handgrad.expression import Literal, Name
from handgrad.operations import BY_NAME, noun_of
from handgrad.record import record
from handgrad.running.reviving import LayerRevivers, layer_revivers
from handgrad.running.reviving_words import layers_text
from handgrad.solution import Trace, Zeroed
from handgrad.solution.units import slides, units
from handgrad.text import Inline, Text, cases_words, joined, listed


@record
class ZeroEntries(Question):
    """Which rows, columns and entries of the gradients came out zero, and why.

    `zero` of `total` entries are 0; the reasons for `untold` of them are not among `parts`, because there
    are too many. `smallest` is the smallest non-zero entry by size. `gates` are the gates in the problem, and
    `activations` all its activations. `revivers` say for each layer of gates what can bring back a unit that is
    off on all the data; empty if the problem has no update. `channels`: the units of some gates are the channels of a
    convolution, each of which is shut only where it is shut at every place.
    """

    kind: ClassVar = "zero_rows_columns"
    title: ClassVar = "Zero gradients"
    parts: tuple[ZeroPart, ...]
    zero: int
    untold: int
    total: int
    smallest: QuestionedEntry | None
    smallest_value: float
    gates: tuple[str, ...]
    activations: tuple[str, ...]
    revivers: tuple[LayerRevivers, ...]
    channels: bool
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self:
        """Which entries of the gradients are zero, and why."""
        parts, untold = zeros(trace)
        names = differentiated(trace)
        gradients = {n: total_gradient(trace, n) for n in names}
        candidates = [
            (float(sizes.min()), n, np.where(g == 0, np.inf, np.abs(g)).argmin())
            for n, g in gradients.items()
            if (sizes := np.abs(g[g != 0])).size
        ]
        smallest: QuestionedEntry | None = None
        if candidates:
            _, name, place = min(candidates, key=lambda c: c[0])
            smallest = QuestionedEntry(name, index_of(gradients[name], int(place)))
        steps = (
            *(s for n in names for s in step_of(trace, n)),
            *(p.step for p in parts),
            *(s.step for p in parts for s in p.shares),
        )
        every = gates_of(trace).every
        return cls(
            parts=parts,
            zero=sum(int((g == 0).sum()) for g in gradients.values()),
            untold=untold,
            total=sum(g.size for g in gradients.values()),
            smallest=smallest,
            smallest_value=at_entry(gradients[smallest.name], smallest.index) if smallest else 0.0,
            gates=tuple(dict.fromkeys(u.operation for u in every if u.gate)),
            activations=tuple(dict.fromkeys(u.operation for u in units(trace))),
            revivers=layer_revivers(trace.problem),
            channels=any(u.gate and slides(trace.graph, u.pre_activation) for u in every),
            steps=in_order(steps),
        )

    @property
    def _in_general(self) -> bool:
        """Whether gates are what to discuss: there are some, and one of them makes a zero, or nothing does."""
        causes = {c for p in self.parts for c in (p.cause, *(s.cause for s in p.shares))}
        shut = "shut_gate" in causes or any(p.behind for p in self.parts)
        return bool(self.gates) and (shut or not self.parts)

    def asked(self) -> Text:
        in_training = (
            f" What does that mean in general for training deep networks with {sides(self.gates)}?"
            if self._in_general
            else ""
        )
        if not self.parts:
            return (f"Did any entry of the gradients come out zero? Why, or why not?{in_training}",)
        first = next((p for p in self.parts if not p.cases), self.parts[0])
        where: Text = (f" in {cases_words(first.cases)}",) if first.cases else ()
        others = ""
        if self.untold or sum(len(part.zeroed) for part in self.parts) > 1:
            others = " Find every other zero among the gradients, with its reason."
            if self.zero == 0:
                # What is zero in single cases is told by the gates alone, not by what arrives there.
                others = (
                    " Which other gates are shut in some of the cases only?"
                    if len(self.parts) > 1
                    else " What else does that make zero there?"
                )
        return (
            "Why did ", *_telling(first.zeroed).text(first.of), " come out zero", *where, f"?{others}{in_training}",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        answer: list[Text] = []
        if self.zero == 0:
            nothing = (
                "The entry is not" if self.total == 1 else f"None of the {self.total} entries is"
            )
            answer.append((f"{nothing} zero{self._why_none()}",))
        elif self.zero == self.total:
            answer.append(("Every entry is zero: the parameters learn nothing here.",))
        else:
            verb = "is" if self.zero == 1 else "are"
            answer.append((f"{self.zero} of the {self.total} entries {verb} zero.",))
        some = [p for p in self.parts if p.cause == "shut_gate" and p.cases]
        parts = [p for p in self.parts if p not in some] if len(some) > 1 else self.parts
        answer += [_zero_part(part) for part in parts[:LISTED]]
        if len(parts) > LISTED:
            more = len(parts) - LISTED
            there = "is one more reason" if more == 1 else f"are {more} more reasons"
            answer.append((f"There {there} of these kinds.",))
        if len(some) > 1:
            answer.append(_shut_in_some(some, bool(parts)))
        if self.untold:
            answer.append(
                (
                    f"{count(self.untold, 'more zero')} {'is' if self.untold == 1 else 'are'} not explained one by one.",
                )
            )
        if self.zero == 0 and self.smallest is not None:
            answer.append(
                ("The smallest in size is ", self.smallest.gradient, " = ", Literal(self.smallest_value), ".")
            )  # fmt: skip
        if self._in_general:
            noun = sides(self.gates)
            revivers: Text = (*layers_text(self.revivers), " ") if self.revivers else ()
            answer.append(
                (
                    f"In general: where {noun} is shut, no gradient flows through the unit. Its bias, the weights into "
                    "it and the weights out of it learn nothing from that example, unless other units share them. A "
                    "unit that is shut for every example is dead"
                    f"{'; a convolution’s unit is a channel, shut at every place' if self.channels else ''}. ",
                    *revivers,
                    "The deeper the network, the more gates every gradient has to pass.",
                )
            )  # fmt: skip
        return tuple(answer)

    def _why_none(self) -> str:
        each = "it" if self.total == 1 else "each of them"
        if self.parts:
            return " in the total, though some are in single cases:"
        if self.gates:
            return f": {each} gets gradient along a path on which no gate is shut."
        smooth = [a for a in self.activations if BY_NAME[a].saturation and not BY_NAME[a].flat]
        never = f" (the slope of {sides(smooth)} is never exactly 0)" if smooth else ""
        return f": {each} gets gradient along at least one path{never}."


def _telling(zeroed: Sequence[Zeroed]) -> Zeroed:
    """The part to ask about: a row, if there is one."""
    return next((z for z in zeroed if z.part == "row"), zeroed[0])


def _shut_in_some(parts: Sequence[ZeroPart], besides: bool) -> Text:
    """One sentence for all gates that are shut in some cases only."""
    told = [
        (*((p.about,) if p.about is not None else ()), f" in {cases_words(p.cases)}")
        for p in parts[:LISTED]
    ]
    if len(parts) > LISTED:
        more = len(parts) - LISTED
        told.append((f"{more} more unit{'s' if more > 1 else ''}",))
    noun = listed([noun_of(o) for o in dict.fromkeys(p.operation for p in parts)])
    where = cited([p.step for p in parts if p.step])
    return (
        f"{noun[:1].upper()}{noun[1:]} is shut in some of the cases{' as well' if besides else ''}{where}: ", *joined(told),
        ". In those cases these units let no gradient through.",
    )  # fmt: skip


def _zero_shares(shares: Sequence[ZeroShare]) -> Text:
    told: list[Inline] = []
    for share in shares[:LISTED]:
        told += [*(("; ",) if told else ()), *_zero_share(share)]
    more = len(shares) - LISTED
    return (*told, f"; and {more} more") if more > 0 else tuple(told)


def _zero_share(share: ZeroShare) -> Text:
    """Which share, and why it is zero."""
    one: Text = ("that through ", Name(share.through))
    if share.about is None:
        return (*one, " is 0 at these numbers")
    number: Text = (" = 0",) if share.value is None else (" = ", Literal(share.value))
    where = cited([share.step] if share.step else [])
    match share.cause:
        case "shut_gate":
            at: Text = (" ≤ 0 in every case",) if share.value is None else number
            return (*one, f", as {noun_of(share.operation)} is shut at ", share.about, *at, where)
        case "nothing_arrives":
            return (*one, ", as nothing arrives there: ", share.about, *number, where)
        case _:
            return (*one, ", as its factor ", share.about, " is 0", where)


def _zero_part(part: ZeroPart) -> Text:
    if part.cases and part.cause not in ("shut_gate", "nothing_arrives"):
        alone = _zero_part(replace(part, cases=()))
        first = alone[0]
        lower = first[:1].lower() + first[1:] if isinstance(first, str) else first
        return (f"In {cases_words(part.cases)}: ", lower, *alone[1:])
    what = joined([z.text(part.of) for z in part.zeroed])
    several = len(part.zeroed) > 1 or (
        part.zeroed[0].part == "entries" and len(part.zeroed[0].entries) > 1
    )
    verb = "are" if several else "is"
    where, shown = cited([part.step] if part.step else []), cited(part.shown_in)
    about: Text = (part.about,) if part.about is not None else ()
    match part.cause:
        case "shut_gate":
            noun = noun_of(part.operation)
            if part.cases:
                others = "" if part.apart else " Only the other cases count there."
                return (
                    f"In {cases_words(part.cases)} ", *about, f" ≤ 0{where}, so {noun} is shut: in the gradient of "
                    f"{'that case' if len(part.cases) == 1 else 'those cases'} ", *what,
                    f" {verb} zero{shown}.{others}",
                )  # fmt: skip
            number: Text = (" = ", Literal(part.value)) if part.value is not None else ()
            every = "" if part.value is not None else " in every case"
            sign = " ≤ 0" if part.value is None or part.value < 0 else ""
            return (
                *about, *number, f"{sign}{every}{where}, so {noun} is shut: it gives 0 and lets no gradient "
                "through. That is why ", *what, f" {verb} zero{shown}.",
            )  # fmt: skip
        case "zero_input":
            return (
                *about, " = 0, and a weight's gradient has its input as a factor: ", *what,
                f" {verb} zero{shown}.",
            )  # fmt: skip
        case "zero_value":
            return (*about, f" = 0{where} is a factor of ", *what, f", which {verb} zero{shown}.")
        case "nothing_arrives":
            because: Text = (
                (", because every gate of ", Name(part.behind), " is shut") if part.behind else ()
            )
            here = f"In {cases_words(part.cases)} no" if part.cases else "No"
            return (
                f"{here} gradient arrives here: ", *about, f" = 0{where}", *because, ". So ", *what,
                f" {verb} zero{shown}.",
            )  # fmt: skip
        case "zero_factor":
            return (
                "The local derivative ", *about, f" is 0{where}, so ", *what,
                f" {verb} zero: with these numbers a small change here changes nothing.",
            )  # fmt: skip
        case "other_taken":
            if BY_NAME[part.operation].picks:
                return (*about, f" picks other entries{where}: ", *what, f" {verb} zero{shown}.")
            gate = BY_NAME[part.operation].gate
            took = "is shut" if gate else "takes another value"
            theirs, so = ("their", "they are") if several else ("its", "it is")
            return (
                *about, f" {took}{where} wherever ", *what, f" would get {theirs} gradient, so {so} zero{shown}.",
            )  # fmt: skip
        case "factor_in_each_case":
            whose = "their" if several else "its"
            return (
                *raised(what),
                f" {verb} zero, as in each case one of {whose} factors is 0{shown}.",
            )
        case "no_share":
            return (
                *raised(what), f" {verb} zero{shown}, as each of the {len(part.shares)} shares is: ",
                *_zero_shares(part.shares), ".",
            )  # fmt: skip
        case "shares_cancel":
            shares: Text = (
                (": ", part.about, " = 0") if part.about is not None and not several else ()
            )
            return ("The shares of ", *what, " cancel", shown, *shares, ".")
        case "unreached":
            if all(z.part == "all" or z.entries == ((),) for z in part.zeroed):
                return ("No path leads from ", *about, " to the loss: ", *what, f" {verb} zero.")
            these = (
                "this entry" if sum(len(z.entries) for z in part.zeroed) == 1 else "these entries"
            )
            return (
                f"No path leads from {these} of ", *about, " to the loss: ", *what, f" {verb} zero{shown}.",
            )  # fmt: skip
        case "at_these_numbers":
            return (*raised(what), f" {verb} zero at these numbers{shown}.")
        case _:
            assert_never(part.cause)
