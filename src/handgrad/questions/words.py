"""Questions and answers in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import numpy as np

from handgrad.explain import WORDS, Inline, Text, joined, listed, ordinal, zeroed_text
from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.operations import BY_NAME
from handgrad.operations.operation import Array
from handgrad.questions.structure import (
    BiasGradient,
    CaseShares,
    Entry,
    GateSwap,
    InputScaling,
    LargestMove,
    LongerStep,
    MostSensitive,
    OtherInput,
    Question,
    SmallChange,
    SumOverPaths,
    Swap,
    UnitAt,
    UpdatedValue,
    ZeroEntries,
    ZeroPart,
)
from handgrad.trace import Zeroed
from handgrad.trace.numbers import literal_of
from handgrad.trace.units import entry

FEW = 3
"""Changed gates that have a sentence each."""

LISTED = 6
"""Things of one kind that are told one by one; the rest are counted."""

SHORT = 8
"""An input of at most so many entries is written out in a sentence."""

TITLES = {
    "zero_rows_columns": "Zero gradients",
    "gate_swap": "Another activation",
    "other_input": "Another input",
    "updated_value": "The updated value",
    "largest_move": "The largest move",
    "input_scaling": "Gradients and inputs",
    "bias_gradient": "A gradient that is passed on",
    "sum_over_paths": "The sum over paths",
    "longer_step": "A longer step",
    "case_shares": "The cases' shares",
    "small_change": "A small change",
    "most_sensitive": "The most sensitive number",
}
"""By kind, what a question is about in a few words."""


def question_text(question: Question) -> Text:
    """What is asked."""
    match question:
        case ZeroEntries():
            return _ask_zeros(question)
        case GateSwap():
            return _ask_swap(question)
        case OtherInput():
            return (
                "If ", *_as_input(question),
                ", which units would go off, and which would come on? Try to predict before computing.",
            )  # fmt: skip
        case UpdatedValue():
            plain: Text = ("each parameter θ becomes θ − η · ", Adjoint("theta"))
            said = plain if _plain(question) else (f"{question.rule} updates every parameter",)
            return (
                "After the backward pass ", *said, ". With η = ", Literal(question.rate),
                ", what is the updated value of ", _value(question.entry), "?",
            )  # fmt: skip
        case LargestMove():
            return (
                "Which number of the parameters moves furthest in the update? Do any stay put?",
            )
        case InputScaling():
            first, second = (entry(Adjoint(question.name), e) for e in question.entries)
            return (
                first, " is ", Literal(question.gradients[0]), " and ", second, " is ",
                Literal(question.gradients[1]), ". Where does their ratio of ",
                Literal(question.gradients[0] / question.gradients[1]), " come from?",
            )  # fmt: skip
        case BiasGradient():
            return ("What does ", Adjoint(question.name), " equal, and why?")
        case SumOverPaths():
            places = joined([(Name(s.through),) for s in question.shares])
            return (
                Name(question.name), " is used in the equations of ", *places, ". How is ",
                Adjoint(question.name), " put together, and what if one path were forgotten?",
            )  # fmt: skip
        case LongerStep():
            return (
                "What would the loss after the update be with a rate of ",
                Literal(question.rate * question.times), " instead of ", Literal(question.rate),
                "? Try to predict whether it falls further or rises.",
            )  # fmt: skip
        case CaseShares():
            return (
                "Which case pulls the parameters hardest, and is it the one with the largest loss?",
            )
        case SmallChange():
            return (
                "If ", _value(question.entry), " rose by ", Literal(question.by),
                ", by how much would the loss change? Predict it with the gradient.",
            )  # fmt: skip
        case MostSensitive():
            return (
                "To which of the given numbers is the result most sensitive, and which way would you "
                "change each to raise it?",
            )  # fmt: skip
        case _:
            assert_never(question)


def answer_text(question: Question) -> tuple[Text, ...]:
    """The answer in paragraphs."""
    match question:
        case ZeroEntries():
            return _zeros(question)
        case GateSwap():
            return (*(_swap(swap) for swap in question.swaps), *_swap_in_general(question))
        case OtherInput():
            return _other_input(question)
        case UpdatedValue():
            return _updated(question)
        case LargestMove():
            return _largest_move(question)
        case InputScaling():
            return _scaling(question)
        case BiasGradient():
            return _bias(question)
        case SumOverPaths():
            return _paths(question)
        case LongerStep():
            return _longer(question)
        case CaseShares():
            return _cases(question)
        case SmallChange():
            return _small_change(question)
        case MostSensitive():
            return _most_sensitive(question)
        case _:
            assert_never(question)


def cited(steps: Sequence[str]) -> str:
    """Steps in parentheses, after a blank; nothing for none."""
    if not steps:
        return ""
    return f" (step{'s' if len(steps) > 1 else ''} {listed(steps)})"


def _value(where: Entry) -> Expression:
    return entry(Name(where.name), where.index)


def _gradient(where: Entry) -> Expression:
    return entry(Adjoint(where.name), where.index)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cases_words(cases: Sequence[int]) -> str:
    shown = [str(c + 1) for c in cases[:8]] + (["…"] if len(cases) > 8 else [])
    return f"case{'s' if len(cases) > 1 else ''} {listed(shown)}"


def _sides(names: Sequence[str]) -> str:
    return listed([WORDS[n].noun for n in names], "or")


# -- zeros ----------------------------------------------------------------------------------


def _ask_zeros(question: ZeroEntries) -> Text:
    in_training = (
        f" What does that mean in general for training deep networks with {_sides(question.gates)}?"
        if question.gates
        else ""
    )
    if not question.parts:
        return (f"Did any entry of the gradients come out zero? Why, or why not?{in_training}",)
    first = question.parts[0]
    where: Text = (f" in {_cases_words(first.cases)}",) if first.cases else ()
    return (
        "Why did ", *zeroed_text(_telling(first.zeroed)), " come out zero", *where,
        f"? Find every other zero among the gradients, with its reason.{in_training}",
    )  # fmt: skip


def _telling(zeroed: Sequence[Zeroed]) -> Zeroed:
    """The part to ask about: a row if there is one."""
    return next((z for z in zeroed if z.part == "row"), zeroed[0])


def _zeros(question: ZeroEntries) -> tuple[Text, ...]:
    answer: list[Text] = []
    if question.zero == 0:
        some = (
            "The entry is not"
            if question.total == 1
            else f"None of the {question.total} entries is"
        )
        answer.append((f"{some} zero{_why_none(question)}",))
    elif question.zero == question.total:
        answer.append(("Every entry is zero: this example teaches the parameters nothing.",))
    else:
        verb = "is" if question.zero == 1 else "are"
        answer.append((f"{question.zero} of the {question.total} entries {verb} zero.",))
    answer += [_zero_part(part) for part in question.parts[:LISTED]]
    if len(question.parts) > LISTED:
        answer.append(
            (f"There are {len(question.parts) - LISTED} more reasons of the same kinds.",)
        )
    if question.zero == 0 and question.smallest is not None:
        answer.append(
            ("The smallest in size is ", _gradient(question.smallest), " = ", Literal(question.smallest_value), ".")
        )  # fmt: skip
    if question.gates:
        noun = _sides(question.gates)
        answer.append(
            (
                f"In general: where {noun} is shut, no gradient flows through the unit. Its bias, the weights into "
                "it and the weights out of it learn nothing from that example, unless other units share them. A "
                "unit that is shut for every example is dead: it comes back only if the layers before it change. "
                "The deeper the network, the more gates every gradient has to pass.",
            )
        )  # fmt: skip
    return tuple(answer)


def _why_none(question: ZeroEntries) -> str:
    if question.parts:
        return " in the total, though some are in single cases:"
    if question.gates:
        return ": each of them gets gradient along a path on which no gate is shut."
    smooth = [a for a in question.activations if BY_NAME[a].saturation]
    never = f" (the slope of {_sides(smooth)} is never exactly 0)" if smooth else ""
    return f": each of them gets gradient along at least one path{never}."


def _zero_part(part: ZeroPart) -> Text:
    what = joined([zeroed_text(z) for z in part.zeroed])
    verb = "is" if len(part.zeroed) == 1 and part.zeroed[0].part != "entries" else "are"
    where, shown = cited([part.step] if part.step else []), cited(part.shown_in)
    about: Text = (part.about,) if part.about is not None else ()
    match part.cause:
        case "shut_gate":
            noun = WORDS[part.operation].noun
            if part.cases:
                return (
                    f"In {_cases_words(part.cases)} ", *about, f" ≤ 0{where}, so {noun} is shut: in the gradient of "
                    f"{'that case' if len(part.cases) == 1 else 'those cases'} ", *what,
                    f" {verb} zero{shown}. Only the other cases count there.",
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
            return (
                "No gradient arrives here: ", *about, f" = 0{where}", *because, ". So ", *what,
                f" {verb} zero{shown}.",
            )  # fmt: skip
        case "zero_factor":
            return (
                "The local derivative ", *about, f" is 0{where}, so ", *what,
                f" {verb} zero: with these numbers a small change here changes nothing.",
            )  # fmt: skip
        case "unreached":
            return ("No path leads from ", *about, " to the loss: ", *what, f" {verb} zero.")
        case "at_these_numbers":
            return (*_raised(what), f" {verb} zero at these numbers{shown}.")
        case _:
            assert_never(part.cause)


def _raised(text: Text) -> Text:
    first, *rest = text
    return (first[:1].upper() + first[1:], *rest) if isinstance(first, str) else text


# -- another activation ---------------------------------------------------------------------


def _ask_swap(question: GateSwap) -> Text:
    new = _sides([s.operation for s in question.swaps])
    kept: Text = ()
    if question.kept:
        kept = (" (", *joined([(Name(n),) for n in question.kept]), " keeps its own)")
    change = (
        f"how would step{'s' if len(question.steps) > 1 else ''} {listed(question.steps)} change"
        if question.steps
        else "what would change on the way back"
    )
    gate = BY_NAME[question.operation].gate
    ask = "Would a unit still block the gradient?" if gate else "Would any unit be shut?"
    return (
        f"If {WORDS[question.operation].noun} were replaced by {new}",
        *kept,
        f", {change}? {ask}",
    )


def _swap(swap: Swap) -> Text:
    noun = WORDS[swap.operation].noun
    slopes = [u.other_slope for u in swap.units]
    shut = [u for u in swap.units if u.other_slope == 0]
    parts: list[Inline] = [f"With {noun}: {_slope_words(swap.operation)} "]
    if shut:
        parts += [
            f"{len(shut)} of the {_count(len(slopes), 'unit')} would be shut: ",
            *_listed_units(shut),
            ". ",
        ]
    elif len(slopes) > 1:
        parts += [
            "No slope is 0; they lie between ",
            Literal(min(slopes)),
            " and ",
            Literal(max(slopes)),
            ", so no gradient is blocked. ",
        ]
    elif slopes:
        parts += ["The slope is ", Literal(slopes[0]), ", so no gradient is blocked. "]
    for filled in swap.filled[:LISTED]:
        what = zeroed_text(filled.zeroed)
        size = (
            (" is ", Literal(filled.largest))
            if len(filled.zeroed.entries) == 1
            else (" fills up, with ", Literal(filled.largest), " as its largest entry in size")
        )
        parts += [
            *_raised(what),
            *size,
            " instead of 0. " if len(filled.zeroed.entries) == 1 else ". ",
        ]
    emptied = [z for p in swap.emptied if not p.cases for z in p.zeroed]
    if emptied:
        parts += [*_raised(joined([zeroed_text(z) for z in emptied[:LISTED]])), " would be zero. "]
    if swap.other_loss == swap.loss:
        parts += ["The loss would stay at ", Literal(swap.loss), "."]
    else:
        parts += [
            "The loss would be ",
            Literal(swap.other_loss),
            " instead of ",
            Literal(swap.loss),
            ".",
        ]
    return tuple(parts)


def _swap_in_general(question: GateSwap) -> tuple[Text, ...]:
    saturating = [s.operation for s in question.swaps if BY_NAME[s.operation].saturation]
    if not saturating:
        return ()
    slope = max(BY_NAME[o].saturation or 0.0 for o in saturating)
    return (
        (
            f"In general {listed([WORDS[o].noun for o in saturating])} never block a gradient wholly, but they shrink "
            f"it: no slope is above {slope:g}, and far from 0 every slope is near 0. Over many layers the gradient "
            "can still vanish.",
        ),
    )


def _slope_words(operation: str) -> str:
    words = WORDS[operation].backward
    alpha = BY_NAME[operation].options.get("alpha")
    here = f" Here α is {alpha:g}." if isinstance(alpha, float) else ""
    # A name such as ReLU keeps its capital.
    first = words.split()[0]
    start = first if any(c.isupper() for c in first[1:]) else first.lower()
    return f"{start}{words[len(first) :]}{here}"


def _listed_units(units: Sequence[UnitAt]) -> Text:
    shown: list[Text] = [
        (u.entry, " = ", Literal(u.other_z), *_in_case(u.case)) for u in units[:LISTED]
    ]
    if len(units) > LISTED:
        shown.append((f"{len(units) - LISTED} more",))
    return joined(shown)


# -- another input --------------------------------------------------------------------------


def _as_input(question: OtherInput) -> Text:
    name = Name(question.name)
    if question.value.size <= SHORT and not question.cased:
        return (
            name,
            " were ",
            literal_of(question.value),
            " instead of ",
            literal_of(question.before),
        )
    if not question.value.any():
        return (name, " were 0 everywhere")
    return ("every entry of ", name, " had the opposite sign")


def _other_input(question: OtherInput) -> tuple[Text, ...]:
    answer: list[Text] = []
    answer += _changed_gates(question.off, "goes off", "go off")
    answer += _changed_gates(question.on, "comes on", "come on")
    changed = len(question.off) + len(question.on)
    if not changed:
        answer.append(("No gate changes: every pre-activation keeps its sign.",))
    rest = question.count - changed
    said = ""
    if changed and rest:
        said = (
            "The other gate stays as it was. "
            if rest == 1
            else f"The other {rest} gates stay as they were. "
        )
    answer.append(
        (
            f"{said}With this input {question.shut} of {question.count} gates {'is' if question.shut == 1 else 'are'} shut, and the loss is ",
            Literal(question.other_loss), " instead of ", Literal(question.loss), f" (compare step{'s' if len(question.steps) > 1 else ''} {listed(question.steps)}).",
        )
    )  # fmt: skip
    return tuple(answer)


def _changed_gates(units: Sequence[UnitAt], does: str, do: str) -> list[Text]:
    """Few gates in a sentence each, many in one list."""
    if len(units) <= FEW:
        return [
            (
                *_unit(u), f" {does}: ", u.entry, f" {'falls' if u.other_z < u.z else 'rises'} from ",
                Literal(u.z), " to ", Literal(u.other_z), ".",
            )
            for u in units
        ]  # fmt: skip
    shown: list[Text] = [
        (u.entry, *_in_case(u.case), " (", Literal(u.z), " to ", Literal(u.other_z), ")")
        for u in units[:LISTED]
    ]
    if len(units) > LISTED:
        shown.append((f"{len(units) - LISTED} more",))
    return [(f"{len(units)} units {do}: ", *joined(shown), ".")]


def _in_case(case: int | None) -> Text:
    return (f" in case {case + 1}",) if case is not None else ()


def _unit(unit: UnitAt) -> Text:
    index = unit.unit
    where = f" of layer {unit.layer}" if unit.layer else ""
    case = f"In case {unit.case + 1} " if unit.case is not None else ""
    if len(index) == 1:
        the = "the" if case else "The"
        return (f"{case}{the} {ordinal(index[0])} unit{where}",)
    if not index:
        return (f"{case}{'the' if case else 'The'} unit{where}",)
    return (f"{case}{'entry' if case else 'Entry'} {tuple(i + 1 for i in index)}{where}",)


# -- the update -----------------------------------------------------------------------------


def _plain(question: UpdatedValue) -> bool:
    return question.rule == "sgd" and len(question.lines) == 1


def _updated(question: UpdatedValue) -> tuple[Text, ...]:
    value = _value(question.entry)
    moved = question.after - question.before
    result: Text = (value, " becomes ", Literal(question.after), f"{cited(question.steps)}.")
    if moved == 0:
        return (result, ("It stays as it was.",))
    way = "up" if moved > 0 else "down"
    if not _plain(question):
        return (result, (f"It goes {way} from ", Literal(question.before), "."))
    sign = "negative" if question.gradient < 0 else "positive"
    return (
        result,
        (
            _gradient(question.entry), " = ", Literal(question.gradient),
            f" is {sign}, and the step goes against the gradient: the value goes {way}.",
        ),
    )  # fmt: skip


def _largest_move(question: LargestMove) -> tuple[Text, ...]:
    moved = question.after - question.before
    first: list[Inline] = [
        _value(question.entry),
        " goes from ",
        Literal(question.before),
        " to ",
        Literal(question.after),
        ", by ",
        Literal(moved),
    ]
    if question.ties:
        others = [(_value(e),) for e in question.ties[:LISTED]]
        more = [(f"{len(question.ties) - LISTED} more",)] if len(question.ties) > LISTED else []
        first += [
            ", and as far ",
            "goes " if len(question.ties) == 1 else "go ",
            *joined([*others, *more]),
        ]
    first += [f"{cited(question.steps)}. Its gradient is ", Literal(question.gradient), "."]
    still = (
        f"{question.still} of the {question.total} numbers {'does' if question.still == 1 else 'do'} not move at all."
        if question.still
        else f"None of the {question.total} numbers stays put."
    )
    return (tuple(first), (still,))


def _longer(question: LongerStep) -> tuple[Text, ...]:
    loss, after, other = question.loss, question.after, question.other_after
    first: Text = (
        "With a rate of ",
        Literal(question.rate),
        " the loss goes from ",
        Literal(loss),
        " to ",
        Literal(after),
        f"{cited(question.steps)}.",
    )
    rate = Literal(question.rate * question.times)
    if other is None:
        return (
            first,
            (
                "With a rate of ",
                rate,
                " the new loss is not a finite number: the step is far too long.",
            ),
        )
    second: list[Inline] = ["With a rate of ", rate, " it goes to ", Literal(other), ". "]
    if other > loss:
        second.append("The longer step overshoots: a gradient tells the way down only close by.")
    elif other == loss:
        second.append("The loss is where it was.")
    elif other <= after:
        second.append(
            "The longer step gets further down; how far one may go, the gradient alone cannot tell."
        )
    else:
        second.append(
            "That is lower than at the start, but higher than after the shorter step: on its way it has gone "
            "past the lowest point."
        )
    return (first, tuple(second))


# -- how a gradient is made -----------------------------------------------------------------


def _bias(question: BiasGradient) -> tuple[Text, ...]:
    gradient, signal = Adjoint(question.name), question.signal
    where = cited(question.steps)
    here: Text = (
        "In the equation of ",
        Name(question.equation),
        " the local derivative with respect to ",
        Name(question.name),
        " is 1",
    )
    match question.how:
        case "equal":
            return (
                (gradient, " equals ", signal, f"{where}, the gradient that arrives there."),
                (*here, ": a sum passes its gradient on unchanged."),
            )
        case "mean":
            return (
                (gradient, " is the mean of ", signal, f" over the {question.cases} cases{where}."),
                (
                    *here,
                    " in every case, so each case hands its gradient on unchanged. The loss is the mean over the cases, and so is the gradient.",
                ),
            )
        case "sum":
            return (
                (
                    gradient,
                    " is the sum of the entries of ",
                    signal,
                    f" that it was added to{where}.",
                ),
                (
                    *here,
                    " for every entry that it was repeated to, and the gradients of all its uses add up.",
                ),
            )
        case _:
            assert_never(question.how)


def _scaling(question: InputScaling) -> tuple[Text, ...]:
    first, second = question.inputs
    return (
        (
            "Both are ", question.signal, " (", Literal(question.signal_value), ") times an input: ",
            first, " = ", Literal(question.values[0]), " for the one, ", second, " = ",
            Literal(question.values[1]), f" for the other{cited(question.steps)}. The ratio of the gradients is the ratio of the inputs.",
        ),
        (
            "So ", Adjoint(question.name), " grows in proportion to its input: with twice the input, and the same "
            "gradient arriving from behind, it would be twice as large, and an input of 0 would leave it 0.",
        ),
    )  # fmt: skip


def _paths(question: SumOverPaths) -> tuple[Text, ...]:
    count = len(question.shares)
    missing = max(question.shares, key=lambda s: float(np.abs(s.value).max()))
    place = tuple(
        int(i) for i in np.unravel_index(np.abs(missing.value).argmax(), missing.value.shape)
    )
    total = float(question.gradient[place])
    rest = float(sum(s.value[place] for s in question.shares if s is not missing))
    return (
        (
            f"Each use is a path to the loss, and the gradient is the sum of the {count} shares{cited(question.steps)}.",
        ),
        (
            "Without the path through ", Name(missing.through), ", ", entry(Adjoint(question.name), place), " would be ",
            Literal(rest), " instead of ", Literal(total), ".",
        ),
    )  # fmt: skip


def _cases(question: CaseShares) -> tuple[Text, ...]:
    k = question.largest
    worst = int(np.argmax(question.losses))
    word = "mean" if question.reduction == "mean" else "sum"
    same = (
        "It is also the case with the largest loss."
        if question.losses[k] == question.losses[worst]
        else f"The largest loss is that of case {worst + 1}."
    )
    return (
        (f"Case {k + 1}: the gradient of its own loss over all parameters is the longest, ", Literal(question.lengths[k]), f"{cited(question.steps)}. {same}"),
        (
            f"The length of the {word} of all the cases' gradients is ", Literal(question.length),
            ": where cases pull in different directions, they cancel in part.",
        ),
    )  # fmt: skip


# -- how strongly the loss depends on a number ----------------------------------------------


def _small_change(question: SmallChange) -> tuple[Text, ...]:
    left = "The gradient is the slope at one point; what is left between the two comes from the bend of the loss."
    if not question.close:
        left = (
            "The two differ much: for a loss that bends so sharply here, this change is not small."
        )
    return (
        (
            "The gradient foretells ", _gradient(question.entry), " times ", Literal(question.by), " = ",
            Literal(question.foretold), f"{cited(question.steps)}.",
        ),
        (
            "The forward pass run again gives ", Literal(question.other_loss), " instead of ", Literal(question.loss),
            ": a change of ", Literal(question.happened), f". {left}",
        ),
    )  # fmt: skip


def _most_sensitive(question: MostSensitive) -> tuple[Text, ...]:
    (first, gradient), *_ = question.entries
    up = "raises" if gradient > 0 else "lowers"
    return (
        (
            "To ", _value(first), ": ", _gradient(first), " = ", Literal(gradient), " is the largest in size",
            f"{cited(question.steps)}. Raising it a little {up} the result by about ", Literal(abs(gradient)), " times as much.",
        ),
        ("A positive gradient says: raise the number to raise the result; a negative one: lower it; 0: a small change does nothing.",),
    )  # fmt: skip


def share_sum(shares: Sequence[Array]) -> Expression:
    """The shares of a gradient added up, as a formula in numbers."""
    total: Expression = literal_of(shares[0])
    for share in shares[1:]:
        total = total + literal_of(share)
    return total
