"""What is said to be able to revive a unit: by the update rule's settings and the equations' own names."""

from __future__ import annotations

import ast

import numpy as np

from handgrad.running.reviving import Revivers
from tests.gauntlet.facts.claim import Found
from tests.gauntlet.facts.formulas import gated
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.updating import Optimiser

REMEMBERED = {
    "momentum": "momentum",
    "nesterov": "momentum",
    "adam": "beta1",
    "adamw": "beta1",
    "lion": "beta1",
}
"""By rule, the setting by which it goes on moving a parameter whose gradient has become 0."""


def of_revivers(said: Revivers, gate: str, facts: Facts) -> Found:
    """What is said of a unit of the equation `gate`."""
    settings = Optimiser(facts.oracle.update).s
    rule = facts.oracle.update.get("rule", "sgd")
    yield said.rule == rule, f"the rule is {rule}"
    coasts = bool(settings.get(REMEMBERED.get(rule, ""), 0.0))
    above = _before(gate, facts) & set(facts.oracle.parameters) if gate in facts.targets else set()
    before = above - frozen(facts)
    # Of a gate behind another operation, as in relu(softplus(q)), all that moves it lies below.
    none_own = not (said.coasting or said.decay) and (
        (bool(above) and before <= set(said.below)) or is_still(gate, facts)
    )
    yield said.coasting == coasts or none_own, f"coasting is {coasts}"
    decays = bool(settings["weight_decay"])
    yield said.decay == decays or none_own, f"decay is {settings['weight_decay']}"
    yield not (said.fixed and said.below), "it is said to be given fixed data, and what moves it"
    if gate in facts.targets:
        yield set(said.below) <= before, f"before it lie {before}"
    for penalty in said.penalties:
        if penalty in facts.targets:
            direct = facts.uses[penalty] & set(facts.oracle.parameters)
            yield bool(direct), f"{penalty} is of no parameter"
            yield penalty in facts.reaching, f"{penalty} does not reach the loss"
    for shared in said.shared:
        if shared in facts.targets:
            yield shared in facts.reaching, f"{shared} does not reach the loss"


def is_still(gate: str, facts: Facts) -> bool:
    """Whether no parameter that stands before a gate moves what it looks at, as in relu(k - k)."""
    if gate not in facts.targets:
        return False
    looked_at, before = facts.uses[gate], _ancestors(gate, facts) & set(facts.oracle.parameters)
    as_given = facts.oracle.run(gradients=False).values
    for name in before:
        moved = {name: facts.oracle.parameters[name] + 0.37}
        other = facts.oracle.run(moved, gradients=False).values
        if any(n in other and not np.array_equal(as_given[n], other[n]) for n in looked_at):
            return False
    return True


def frozen(facts: Facts) -> set[str]:
    """The parameters whose rate is 0."""
    update = Optimiser(facts.oracle.update)
    return {n for n in facts.oracle.parameters if not update.start(n)}


def _before(gate: str, facts: Facts) -> set[str]:
    """All that leads to the gates of an equation: in relu(x @ V) @ W, what leads to x @ V."""
    inside = [z for node in ast.walk(facts.oracle.tree(gate)) if (z := gated(node)) is not None]
    names = {n.id for z in inside for n in ast.walk(z) if isinstance(n, ast.Name)}
    looked_at = facts.uses[gate] & names if inside else facts.uses[gate]
    return set(looked_at).union(*(_ancestors(name, facts) for name in looked_at))


def _ancestors(name: str, facts: Facts) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for used in facts.uses.get(waiting.pop(), ()):
            if used not in found:
                found.add(used)
                waiting.append(used)
    return found
