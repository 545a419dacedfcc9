"""Every kind of statement has a judge and a planted falsehood; every command is among the gauntlet's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, get_args

import pytest

import handgrad
from handgrad.audit.structure import RemedyKind, Verdict
from handgrad.checking.remarks import Arrangement, ArrayFault, Unused
from handgrad.checking.report import Verdict as CheckVerdict
from handgrad.checking.words import MISTAKES, OTHERS
from handgrad.checking.words import SLIPS as SAID_OF_SLIPS
from handgrad.cli.commands import COMMANDS as ALL_COMMANDS
from handgrad.comparison.structure import ComparedQuantity
from handgrad.discussion import KINDS
from handgrad.exercises.meaning import Kind
from handgrad.exercises.promises import PromiseKind
from handgrad.exercises.reasons import REASONS, ReasonKind
from handgrad.operations.mistakes import PRIORITY
from handgrad.solution import NOTES
from handgrad.solution.takeaways import TAKEAWAYS
from tests.gauntlet import commands
from tests.gauntlet.facts import (
    FAMILIES,
    asked,
    compared,
    drawn,
    gated,
    meant,
    notes,
    remembered,
    test_asked,
    test_checked,
    test_drawn,
    test_gated,
    test_solutions,
    test_untidy,
    untidy,
)
from tests.gauntlet.facts.born import of_study
from tests.gauntlet.facts.mistaken import RULES
from tests.gauntlet.facts.slipped import SLIPS
from tests.gauntlet.facts.source import Facts

COMMANDS = {
    "list": "list_problems",
    "born-dead": "born_dead",
}
"""By command, the gauntlet's name for it where that does not begin with the command's."""


def test_every_command_is_run() -> None:
    for name in ALL_COMMANDS:
        own = COMMANDS.get(name, name)
        assert any(c.startswith(own) for c in commands.COMMANDS), name


def test_every_family_of_statements_is_judged() -> None:
    modules = {f.__module__.rpartition(".")[2] for f in FAMILIES.values()}
    assert modules == {
        "lines", "notes", "asked", "gated", "paths", "paged", "trained", "compared",
        "checked", "drawn", "remembered", "boxed", "born", "worked",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "judge", "planted"),
    [
        (KINDS, asked, test_asked),
        (NOTES, notes, test_solutions),
        (TAKEAWAYS, remembered, test_drawn),
    ],
    ids=["questions", "notes", "takeaways"],
)
def test_every_kind_has_a_judge_and_a_falsehood(
    kinds: Sequence[type[object]], judge: Any, planted: ModuleType
) -> None:
    file = judge.__name__.replace(".", "/")
    for kind in kinds:
        assert kind in judge.JUDGES, (
            f"nothing re-derives {kind.__name__}: write a function of it and of the Facts in {file}.py that finds each "
            f"of its fields by PyTorch, and name it in JUDGES there; {planted.__name__.rpartition('.')[2]}.py then "
            "changes each field and has it found"
        )
    assert set(kinds) == judge.JUDGES.keys()
    names = "KINDS|NOTES|TAKEAWAYS"
    assert re.search(rf'parametrize\("kind", ({names})', inspect.getsource(planted))


def test_every_kind_in_tables_has_a_judge_and_a_falsehood() -> None:
    assert RULES.keys() == PRIORITY.keys() == MISTAKES.keys()
    assert SLIPS.keys() - {"result_transposed"} == {*SAID_OF_SLIPS, *OTHERS}
    assert "get_args(Verdict)" in inspect.getsource(test_checked)
    assert set(get_args(CheckVerdict)) == {"right", "consistent", "wrong", "missing"}
    assert test_drawn.TRUE.keys() == test_drawn.FALSE.keys() == set(get_args(PromiseKind))
    assert test_drawn.MEANINGS.keys() == set(get_args(Kind))
    assert REASONS.keys() == set(get_args(ReasonKind))
    assert "get_args(ReasonKind)" in inspect.getsource(test_drawn)
    judged = inspect.getsource(drawn) + inspect.getsource(meant)
    for kind in (*get_args(PromiseKind), *get_args(Kind), *get_args(ReasonKind)):
        assert f'"{kind}"' in judged, kind


def test_every_remark_of_a_check_has_a_judge_and_a_falsehood() -> None:
    judged, planted = inspect.getsource(untidy), inspect.getsource(test_untidy)
    for kind in (*get_args(Unused), *get_args(ArrayFault), *get_args(Arrangement)):
        name = kind.__name__
        assert f"{name}(" in judged or f"isinstance(remark, {name})" in judged, kind
    assert "get_args(Unused)" in planted
    assert "get_args(Arrangement)" in planted


def test_verdicts_and_remedies_of_gates_are_judged() -> None:
    judged, planted = inspect.getsource(gated), inspect.getsource(test_gated)
    for kind in (*get_args(Verdict), *get_args(RemedyKind)):
        assert f'"{kind}"' in judged, kind
    assert "get_args(RemedyKind)" in planted


FIRES_LATER = """
equations = [
  "z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = W2 @ h1 + b2", "h2 = relu(z2)", "yhat = w3 @ h2 + b3", "L = (yhat - y)**2",
]
[parameters]
W1 = [[0.5, -0.3], [0.2, 0.7]]
b1 = [0.1, 0.1]
W2 = [[0.4, 0.2], [0.5, 0.5]]
b2 = [0.2, -0.6]
w3 = [1.0, 0.8]
b3 = 0.3
[data]
x = [1, 0.2]
y = 2
[update]
rate = 0.02
"""
"""The second unit of the second layer is off, and the layer below brings it back."""


def test_a_false_remedy_by_going_on_is_found() -> None:
    facts = Facts.of(handgrad.loads(FIRES_LATER))
    audit = handgrad.gates(facts.problem)
    layer = next(x for x in audit.layers if x.name == "h2")
    seen = gated.Seen(audit, layer, facts, gated.pre_activations(audit, layer, facts))
    (unit,) = (u for u in audit.of("h2") if u.verdict == "gated_off")
    (remedy,) = (r for r in unit.remedies if r.kind == "go_on")
    assert remedy.works
    assert all(c.holds for c in gated.of_remedy(seen, unit, remedy))
    for false in (
        replace(remedy, works=False),
        replace(remedy, updates=1),
        replace(remedy, fired=0.0),
        replace(remedy, gradient=remedy.gradient + 1),
    ):
        assert not all(c.holds for c in gated.of_remedy(seen, unit, false)), false


def test_kinds_of_comparisons_are_judged() -> None:
    judged = inspect.getsource(compared)
    for kind in get_args(inspect.get_annotations(ComparedQuantity, eval_str=True)["kind"]):
        assert kind == "gradient" or f'"{kind}"' in judged or "else" in judged, kind


def test_false_counts_of_networks_born_dead_are_found() -> None:
    study = handgrad.born_dead([2, 2, 2], networks=1500, seed=3)
    wide = handgrad.born_dead([2, 2], inputs=2, networks=1500, seed=3)
    for true in (study, wide):
        assert [c for c in of_study(true) if not c.holds] == []
    examined = wide.examined
    assert examined is not None
    for false in (
        replace(study, dead=(*study.dead[:2], study.dead[2] + 200)),
        replace(study, dead=(study.dead[2] + 300, *study.dead[1:])),
        replace(study, exact=False),
        replace(study, rays=1),
        replace(wide, examined=replace(examined, proved=examined.dead + 1)),
        replace(wide, examined=replace(examined, dead=examined.networks)),
    ):
        assert any(not c.holds for c in of_study(false)), false
