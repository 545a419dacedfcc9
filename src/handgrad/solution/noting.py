"""What is worth pointing out at a step: shut gates, zero inputs, saturation, paths, kinks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import (
    Adjoint,
    Call,
    Expression,
    Leaf,
    Literal,
    Name,
    Shape,
    leaves,
    substitute,
    walk,
)
from handgrad.graph import Activation, Graph, Line, activations
from handgrad.graph.asked import unasked
from handgrad.graph.structure import Shortcut, is_batched
from handgrad.operations import operation_of
from handgrad.operations.annotate import tidied
from handgrad.operations.gates import activations_in, opened_by
from handgrad.operations.operation import broadcast
from handgrad.operations.reductions import sum_to
from handgrad.running import Run
from handgrad.running.evaluate import value_of
from handgrad.solution.kinks import entries_at
from handgrad.solution.losses import means_within, target_sums
from handgrad.solution.not_finite import (
    UNITS,
    long_line,
    long_way,
    rounded_away,
    unasked_gradient,
)
from handgrad.solution.residues import Residues
from handgrad.solution.saturation import saturation
from handgrad.solution.silencing import Silencing
from handgrad.solution.structure import (
    MOST_NOTED,
    AtKink,
    Broadcast,
    GatedOff,
    LossChange,
    Note,
    Phase,
    RoundingResidue,
    SeveralPaths,
    ShortcutTaken,
    StepKind,
    TraceLine,
    UnlikeShapes,
    Unreached,
    Zeroed,
    ZeroInput,
)


@dataclass
class Noting:
    """Makes the notes of a run's steps."""

    graph: Graph
    run: Run
    residues: Residues

    def __post_init__(self) -> None:
        self.batched = set(self.graph.batched_leaves)
        self.unasked = unasked(self.graph)
        self._long_ways: dict[Shortcut, tuple[TraceLine, ...]] = {}
        self.introduced: set[Leaf] = set()
        self.loss = float(np.mean(self.run.loss))
        self.silencing = Silencing(self.graph)
        self.gates: dict[Expression, list[Activation]] = {}
        self.told: set[tuple[str, Expression]] = set()
        found = activations(self.graph)
        self.saturated = saturation(found, self.run, UNITS)
        for activation in found:
            if activation.gate:
                self.gates.setdefault(activation.pre_activation, []).append(activation)

    def notes(self, phase: Phase, kind: StepKind, lines: Sequence[TraceLine]) -> tuple[Note, ...]:
        """The notes of a step with these lines, in the order in which they are to be read."""
        if phase == "update":
            return self._update(kind, lines)
        self.introduced.update(line.target for line in lines if line.role == "let")
        found: list[Note] = []
        for line in lines:
            found += self._rest(line)
            found += self._rounded_away(line)
            if phase == "forward":
                found += self._forward(line)
            else:
                found += self._backward(kind, line) + self._unasked(line)
        return tuple(found)

    # -- forward --------------------------------------------------------------------------

    def _forward(self, line: TraceLine) -> list[Note]:
        notes: list[Note] = []
        if line.role == "value":
            notes += target_sums(self.graph, self.run, line.target.name)
            notes += means_within(line.target.name, line.formula)
        known = dict(activations_in(line.formula))
        for node in walk(line.formula):
            if not isinstance(node, Call):
                continue
            operation = operation_of(node)
            if node in known and operation_of(known[node]).gate:
                notes += self._shut(known[node], line.target.name, "forward")
            notes += self.saturated.get((line.target.name, node), ())
            if operation.kinks:
                notes += self._kinks(node, line.target.name)
            notes += self._unlike(node, line.target.name)
        return notes

    def _argument(self, call: Call) -> tuple[Expression, Array]:
        argument = call.arguments[0]
        return argument, self.run.of(argument)

    def _shut(
        self, call: Call, activation: str, phase: Phase, open_at_zero: bool = False
    ) -> list[GatedOff]:
        argument, z = self._argument(call)
        if not self.graph.batched(argument):
            z = z[..., None]
        shut = z < 0 if open_at_zero else z <= 0
        count = z.shape[-1]
        notes: list[GatedOff] = []
        for unit in product(*map(range, argument.shape or ())):
            cases = tuple(int(c) for c in np.flatnonzero(shut[unit]))
            if cases and len(notes) < MOST_NOTED:
                notes.append(
                    GatedOff(
                        pre_activation=argument,
                        activation=activation,
                        operation=call.operation,
                        unit=unit,
                        value=float(z[unit].max()),
                        phase=phase,
                        cases=cases if count > 1 else (),
                        case_count=count,
                    )
                )
        return notes

    def _unlike(self, call: Call, equation: str) -> list[Note]:
        """Two arguments paired by broadcasting: of a loss, each entry of one with several of the other;
        elsewhere, each of both."""
        operation = operation_of(call)
        if not operation.elementwise and not operation.compares:
            return []
        for pair in combinations(call.arguments, 2):
            shapes = pair[0].shape or (), pair[1].shape or ()
            if shapes[0] == shapes[1]:
                continue
            whole = broadcast(shapes)
            pairs, counts = math.prod(whole), [math.prod(shape) for shape in shapes]
            # A single number may be meant for every entry, where it is written as one.
            if operation.compares and any(isinstance(a, Literal) and not a.shape for a in pair):
                continue
            if pairs > (min(counts) if operation.compares else max(counts)):
                return [UnlikeShapes(operation.name, equation, pair, shapes, whole)]
        return []

    def _kinks(self, call: Call, equation: str) -> list[Note]:
        notes: list[Note] = []
        operation = operation_of(call)
        arrays = [self.run.of(a) for a in call.arguments]
        for kink in operation.kinks:
            if found := entries_at(kink, call, arrays, self.batched):
                entries = tuple(found[:MOST_NOTED])
                node = self.graph.nodes.get(equation)
                whole = node is not None and call is node.computed
                result = Name(equation, shape=call.shape) if whole else call
                of = result if kink.of_result else call.arguments[0]
                which = [is_batched(a, self.batched) for a in call.arguments]
                counts = [x.shape[-1] for x, batched in zip(arrays, which, strict=True) if batched]
                cases = max(counts, default=1)
                notes.append(AtKink(call.operation, equation, of, entries, cases, kink.words))
        return notes

    def _rest(self, line: TraceLine) -> list[Note]:
        left = self.residues.get(line.target)
        if left is None:
            return []
        entries = [tuple(int(i) for i in entry) for entry in np.argwhere(left)][:MOST_NOTED]
        return [
            RoundingResidue(
                of=line.target,
                entries=tuple(entries),
                left=tuple(float(left[e]) for e in entries),
                case_count=left.shape[-1] if line.batched else 1,
            )
        ]

    # -- backward -------------------------------------------------------------------------

    def _backward(self, kind: StepKind, line: TraceLine) -> list[Note]:
        notes: list[Note] = []
        name = line.target.name
        if line.role in ("gradient", "chain"):
            notes += self._shortcut(name)
            notes += self._blocked(name)
        if line.role == "gradient" and kind == "parameter_gradients":
            notes += self._zero_inputs(name)
        notes += self._met(line)
        if line.role in ("gradient", "part", "per_case"):
            notes += self._repeated(line)
        gradient = self.graph.gradients.get(name)
        if line.role == "gradient" and gradient is not None and len(gradient.parts) > 1:
            shares = tuple(
                (p.through, self.run.of(Adjoint(name, p.through))) for p in gradient.parts
            )
            notes.append(SeveralPaths(name, shares))
        return notes

    def _repeated(self, line: TraceLine) -> list[Note]:
        """What was broadcast on the way from a value to the equation that uses it."""
        if not [
            n for n in walk(line.formula) if isinstance(n, Call) and n.operation == sum_to.name
        ]:
            return []
        found: dict[tuple[Shape, Shape], None] = {}
        formula = tidied(line.formula, self.graph.shape)
        for call in walk(formula):
            if isinstance(call, Call) and call.operation == sum_to.name:
                found[call.shape or (), call.arguments[0].shape or ()] = None
        return [
            Broadcast(
                name=line.target.name,
                through=line.through,
                shape=shape,
                repeated=repeated,
                times=math.prod(repeated) // max(1, math.prod(shape)),
            )
            for shape, repeated in found
            if math.prod(repeated) > math.prod(shape)
        ]

    def _long_way(self, shortcut: Shortcut) -> tuple[TraceLine, ...]:
        found = self._long_ways.get(shortcut)
        if found is None:
            found = self._long_ways[shortcut] = long_way(shortcut, self.graph, self.run)
        return found

    def _rounded_away(self, line: TraceLine) -> list[Note]:
        """Where floats round an activation to a value of which its loss's long way has no number."""
        forward = isinstance(line.target, Name)
        if line.role not in (("value",) if forward else ("gradient", "chain")):
            return []
        for shortcut in self.graph.shortcuts:
            if line.target.name == (shortcut.loss if forward else shortcut.pre_activation):
                inner = Adjoint(shortcut.inner)
                firsts = [x for x in self._long_way(shortcut) if x.target == inner]
                return [
                    note
                    for first in firsts
                    for note in rounded_away(shortcut, first, self.graph, self.run, line)
                ]
        return []

    def _unasked(self, line: TraceLine) -> list[Note]:
        if line.role == "gradient" and line.target in self.unasked:
            return [*unasked_gradient(self.graph, self.run, line.target.name)]
        return []

    def _shortcut(self, name: str) -> list[Note]:
        return [
            self._told(shortcut)
            for shortcut in self.graph.shortcuts
            if shortcut.pre_activation == name
        ]

    def _told(self, shortcut: Shortcut) -> ShortcutTaken:
        """The long way of a shortcut, line by line, each part of an equation in it introduced."""
        values = {k: np.asarray(v, dtype=float) for k, v in self.run.numbers.items()}
        short = value_of(tidied(shortcut.short.formula, self.graph.shape), values, self.batched)
        long = self._long_way(shortcut)
        lines = [x for line in long for x in (*self._introduced(line.formula), line)]
        return ShortcutTaken(
            loss=shortcut.loss,
            operation=shortcut.operation,
            activation=shortcut.activation,
            inner=shortcut.inner,
            pre_activation=shortcut.pre_activation,
            long=tuple(lines),
            agrees=bool(np.allclose(long[-1].value, short, rtol=1e-9, atol=1e-9)),
            whole=shortcut.whole,
        )

    def _introduced(self, formula: Expression) -> list[TraceLine]:
        """The parts of equations that a formula refers to, where no line before has said what they are."""
        lines: list[TraceLine] = []
        for leaf in leaves(formula):
            let = self.graph.lets.get(leaf.name)
            if let is None or isinstance(leaf, Adjoint) or leaf in self.introduced:
                continue
            self.introduced.add(leaf)
            lines += self._introduced(let.formula)
            line = Line(Name(let.name, shape=let.shape), let.formula, let.equation)
            value = np.asarray(self.run.numbers[leaf], dtype=float)
            lines.append(long_line(line, let.formula, value, self.run.numbers, self.graph))
        return lines

    def _blocked(self, name: str) -> list[Note]:
        """The gates that shut on the way back to `name`, what they stop and what that zeroes."""
        gate = self._gate_on(name) if self.gates else None
        if gate is None:
            return []
        call, activation = gate.call, gate.equation
        # What arrives at a gate within a longer formula is not the gradient of its equation's value.
        output = activation if gate.alone and activation in self.graph.nodes else name
        above = Adjoint(output)
        known = output != name and above in self.run.numbers
        arriving = self.run.of(above) if known else None
        notes: list[Note] = []
        for note in self._shut(call, activation, "backward", gate.splits_ties):
            blocked = None
            if arriving is not None and not note.cases and np.size(arriving[note.unit]) == 1:
                blocked = float(abs(np.ravel(arriving[note.unit])[0]))
            stopped: tuple[float, ...] = ()
            if arriving is not None and np.size(arriving[note.unit]) in (1, note.case_count):
                every = np.broadcast_to(np.ravel(arriving[note.unit]), (note.case_count,))
                stopped = tuple(float(every[c]) for c in note.cases)
            zeroes: tuple[Zeroed, ...] = ()
            if len(note.cases) in (0, note.case_count) and len(notes) < UNITS:
                zeroes = self._silenced(Adjoint(name), note.unit)
                zeroes += self._silenced(Name(output), note.unit)
            notes.append(
                GatedOff(
                    pre_activation=note.pre_activation,
                    activation=activation,
                    operation=note.operation,
                    unit=note.unit,
                    value=note.value,
                    phase="backward",
                    blocked=blocked,
                    zeroes=zeroes,
                    cases=note.cases,
                    case_count=note.case_count,
                    around=self._around(Adjoint(name), note),
                    stopped=stopped,
                )
            )
        self.told.add((activation, call.arguments[0]))
        return notes

    def _around(self, leaf: Leaf, note: GatedOff) -> bool:
        """Whether a gradient reaches the pre-activation of a shut unit by another way."""
        gradient = np.asarray(self.run.of(leaf))[note.unit]
        return bool(np.any(gradient[..., list(note.cases)] if note.cases else gradient))

    def _met(self, line: TraceLine) -> list[Note]:
        """The gates within longer formulas that a gradient passes on the way to this line."""
        notes: list[Note] = []
        if not self.gates or self._gate_on(line.target.name) is not None:
            return notes  # told where that gradient is complete
        for node in walk(line.formula):
            looked_at = opened_by(node)
            if looked_at is None:
                continue
            pre = self._opened(looked_at)
            for gate in self.gates.get(pre, ()):
                equation = gate.equation
                if (equation, pre) in self.told or equation not in (line.through, ""):
                    continue
                self.told.add((equation, pre))
                notes += self._shut(gate.call, equation, "backward", gate.splits_ties)
        return notes

    def _opened(self, formula: Expression) -> Expression:
        """A formula with the lets in it as the equations have them."""
        lets = self.graph.lets
        return substitute(
            formula,
            lambda e: lets[e.name].written if isinstance(e, Name) and e.name in lets else None,
        )

    def _silenced(self, leaf: Leaf, unit: tuple[int, ...]) -> tuple[Zeroed, ...]:
        """What an entry of a value, or of a gradient, zeroes; nothing where another path keeps it from being 0."""
        return () if np.any(self.run.of(leaf)[unit]) else self.silencing.zeroed(leaf, unit)

    def _gate_on(self, name: str) -> Activation | None:
        """The gate applied to the value, or the part of an equation, that `name` names."""
        let = self.graph.lets.get(name)
        pre: Expression = let.written if let is not None else Name(name)
        for gate in self.gates.get(pre, ()):
            if let is None or let.equation == gate.equation:
                return gate
        return None

    def _zero_inputs(self, name: str) -> list[Note]:
        """Data entries that are zero, and the entries of this gradient that they zero."""
        notes: list[Note] = []
        for part in self.graph.gradients[name].parts:
            for leaf in leaves(part.formula):
                node = self.graph.nodes.get(leaf.name)
                if node is None or isinstance(leaf, Adjoint) or node.kind != "data":
                    continue
                value = self.run.of(leaf)
                always = (value == 0).all(axis=-1) if node.batched else value == 0
                for unit in np.argwhere(always)[:UNITS]:
                    index = tuple(int(i) for i in unit)
                    zeroes = tuple(
                        z for z in self.silencing.zeroed(Name(leaf.name), index) if z.name == name
                    )
                    if zeroes:
                        notes.append(ZeroInput(leaf.name, index, zeroes))
        return notes

    # -- update ---------------------------------------------------------------------------

    def _update(self, kind: StepKind, lines: Sequence[TraceLine]) -> tuple[Note, ...]:
        if kind == "loss_after":
            before, self.loss = self.loss, float(lines[0].value)
            return (LossChange(before, self.loss),)
        return tuple(
            Unreached(line.target.name)
            for line in lines
            if line.role == "updated" and not self.graph.gradients[line.target.name].reached
        )
