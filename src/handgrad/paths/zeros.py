"""The paths that are 0, by what makes them so: put together over the cases, and said in a line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from handgrad.expression import Literal
from handgrad.operations import noun_of
from handgrad.page.blocks import Block, Note, Paragraph
from handgrad.paths.counting import count_text
from handgrad.paths.structure import Blame, BlameKind, Entry, Path, ZeroGroup
from handgrad.text import Text, joined, listed

SAID = 12
"""Groups that have a line of their own, at most."""

LISTED = 4
"""Cases that are named one by one, at most, and numbers that are quoted."""


def reason_of(path: Path) -> tuple[BlameKind, Entry, bool] | None:
    """What the group of a path that is 0 is known by; None for one without a factor of 0."""
    blame = next((f.blame for f in path.factors if f.blame and not f.value), None)
    return None if blame is None else (blame.kind, blame.entry, path.case is None)


def grouped(found: Iterable[tuple[int | None, Blame, int]]) -> tuple[ZeroGroup, ...]:
    """The groups, the largest first, of the paths counted by case and by reason."""
    reasons: dict[tuple[BlameKind, Entry, bool], list[tuple[int | None, Blame, int]]] = {}
    for case, blame, count in found:
        reasons.setdefault((blame.kind, blame.entry, case is None), []).append((case, blame, count))
    groups = [_group(shares) for shares in reasons.values()]
    return tuple(sorted(groups, key=lambda g: -g.count))


def _group(shares: Sequence[tuple[int | None, Blame, int]]) -> ZeroGroup:
    blame = shares[0][1]
    values = {case: share.value for case, share, _ in shares}
    return ZeroGroup(
        kind=blame.kind,
        entry=blame.entry,
        operation=blame.operation,
        step=blame.step,
        count=sum(count for _, _, count in shares),
        cases=tuple(case for case in values if case is not None),
        values=tuple(values.values()),
    )


def zero_blocks(groups: Sequence[ZeroGroup], case_count: int) -> list[Block]:
    """A line for each group, with counts that add up to all the paths that are 0."""
    total = sum(g.count for g in groups)
    blocks: list[Block] = [
        Paragraph(
            (f"The {count_text(total)} paths that are 0, by the first factor of 0 on each:",)
            if total > 1
            else ("The path that is 0, by the first factor of 0 on it:",)
        )
    ]
    said = groups if len(groups) <= SAID else groups[: SAID - 1]
    for group in said:
        text = (f"{_paths(group.count)}{_where(group, case_count)}: ", *_reason(group))
        blocks.append(Note("gate" if group.kind == "gate_shut" else "warning", text))
    rest = groups[len(said) :]
    if rest:
        count = sum(g.count for g in rest)
        blocks.append(Note("info", (f"{_paths(count)}: for {len(rest)} other reasons.",)))  # fmt: skip
    return blocks


def _paths(count: int) -> str:
    return "1 path" if count == 1 else f"{count_text(count)} paths"


def _where(group: ZeroGroup, case_count: int) -> str:
    numbers = [str(case + 1) for case in group.cases]
    if case_count == 1:
        return ""
    if not numbers:
        return ", the same in every case"
    if len(numbers) == case_count:
        return " in every case"
    if len(numbers) > LISTED:
        return f" in {len(numbers)} of the {case_count} cases"
    return f" in case {numbers[0]}" if len(numbers) == 1 else f" in cases {listed(numbers)}"


def _reason(group: ZeroGroup) -> Text:
    entry = group.entry.formula
    match group.kind:
        case "gate_shut":
            return (f"the gate of {noun_of(group.operation)} is shut at ", entry, *_quoted(group), ".")  # fmt: skip
        case "saturated":
            return (f"the slope of {noun_of(group.operation)} is 0 at ", entry, *_quoted(group), ".")  # fmt: skip
        case "value":
            return ("the factor ", entry, " is 0", _place(group), ".")
        case "slope":
            return ("on the way into ", entry, _place(group), " the slope is 0.")


def _quoted(group: ZeroGroup) -> Text:
    """The number of the entry: one where it is the same in all the cases, one for each of a few."""
    numbers = [v for v, _ in groupby(group.values)]
    place = _place(group)
    if len(numbers) == 1:
        return (" = ", Literal(numbers[0]), place)
    if len(group.values) > LISTED:
        return (place,)
    return (" = ", *joined([(Literal(value),) for value in group.values]), place)


def _place(group: ZeroGroup) -> str:
    return f" (step {group.step})" if group.step else " (given)"
