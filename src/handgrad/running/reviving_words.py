"""What can revive a unit that is off on all the data, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from handgrad.expression import Expression, Name
from handgrad.running.reviving import LayerRevivers, Revivers
from handgrad.text import Inline, Text, joined
from handgrad.updates import RULES

Parts: TypeAlias = Mapping[str, Expression]
"""The formulas of parts of equations, by the names that they were given."""


def revivers_text(revivers: Revivers, parts: Parts = MappingProxyType({})) -> Text:
    """One sentence on what can bring a unit back; nothing where there is no update."""
    if not revivers.rule:
        return ()
    rule = RULES[revivers.rule].noun
    if revivers.never:
        why = _nothing_moves(revivers)
        return (f"With {rule} it never fires again on these data: {why}.",)
    ways = ways_text(revivers, parts)
    told = "Its input is fixed data. " if revivers.fixed else ""
    return (f"{told}With {rule} it comes back only if ", *joined(ways, "or"), ".")


def _nothing_moves(revivers: Revivers) -> str:
    given = "its input is fixed data" if revivers.fixed else "nothing changes its input"
    return f"{given}, and nothing moves its weights while it is off"


def layers_text(layers: Sequence[LayerRevivers]) -> Text:
    """What can bring back a unit that is off on all the data, layer by layer where that differs."""
    groups: dict[Revivers, list[str]] = {}
    for one in layers:
        names = groups.setdefault(one.revivers, [])
        if one.layer not in names:
            names.append(one.layer)
    if len(groups) == 1:
        (revivers,) = groups
        return revivers_text(revivers, layers[0].parts)
    parts: list[Inline] = [f"With {RULES[layers[0].revivers.rule].noun} "]
    for number, (revivers, names) in enumerate(groups.items()):
        parts += [
            "; one of " if number else "a unit of ",
            *joined([(Name(n),) for n in names], "or"),
        ]
        if revivers.never:
            parts += [" never fires again on these data, because ", _nothing_moves(revivers)]
        else:
            parts += [" comes back only if ", *joined(ways_text(revivers, layers[0].parts), "or")]
    return (*parts, ".")


def ways_text(
    revivers: Revivers, parts: Parts = MappingProxyType({}), *, many: bool = False
) -> list[Text]:
    """What can bring a unit back, or `many`, a clause each."""
    ways: list[Text] = []
    its, it, inputs = ("their", "them", "their inputs") if many else ("its", "it", "its input")
    if revivers.below:
        ways.append((f"the layers before {it} change {inputs}",))
    if revivers.coasting:
        ways.append((f"earlier gradients still move {its} own weights far enough",))
    if revivers.decay:
        ways.append((f"weight decay shrinks {its} weights far enough",))
    if revivers.penalties:
        penalties = joined([(parts.get(n, Name(n)),) for n in revivers.penalties])
        ways.append(("the penalty in ", *penalties, f" moves {its} weights far enough"))
    if revivers.shared:
        shared = joined([(parts.get(n, Name(n)),) for n in revivers.shared])
        ways.append(
            (f"the gradient that {its} weights get through ", *shared, " moves them far enough")
        )
    return ways
