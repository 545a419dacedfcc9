"""What can revive a unit that is off on all the data, in sentences."""

from __future__ import annotations

from handgrad.explain.text import Text, joined
from handgrad.explain.words import RULE_NOUNS
from handgrad.expression import Name
from handgrad.run.reviving import Revivers


def revivers_text(revivers: Revivers) -> Text:
    """One sentence on what can bring a unit back; nothing where there is no update."""
    if not revivers.rule:
        return ()
    rule = RULE_NOUNS[revivers.rule]
    given = "What it is given is fixed data" if revivers.fixed else "Nothing moves what it is given"
    if revivers.never:
        return (
            f"{given}, and nothing moves its weights while it is off: by {rule} it never fires again on these data.",
        )
    ways = ways_text(revivers)
    told = "" if revivers.below else f"{given}. "
    return (f"{told}By {rule} it comes back only if ", *joined(ways, "or"), ".")


def ways_text(revivers: Revivers) -> list[Text]:
    """What can bring a unit back, a clause each."""
    ways: list[Text] = []
    if revivers.below:
        ways.append(("the layers before it change what it is given",))
    if revivers.coasting:
        ways.append(("its own weights coast far enough on their earlier gradients",))
    if revivers.decay:
        ways.append(("weight decay shrinks its weights far enough",))
    if revivers.penalties:
        penalties = joined([(Name(n),) for n in revivers.penalties])
        ways.append(("the penalty in ", *penalties, " moves its weights far enough"))
    if revivers.shared:
        shared = joined([(Name(n),) for n in revivers.shared])
        ways.append(
            ("the gradient that its weights get through ", *shared, " moves them far enough")
        )
    return ways
