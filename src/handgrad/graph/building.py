"""Building the graph: order, shapes, recognised losses, then the backward formulas."""

from __future__ import annotations

from dataclasses import field
from typing import NoReturn

from handgrad.equations import Equation
from handgrad.errors import HandgradError, ShapeError
from handgrad.expression import Call, Leaf, Name, Shape, leaves
from handgrad.graph.backward import Backward
from handgrad.graph.order import in_order, used_names
from handgrad.graph.recognising import Recognition
from handgrad.graph.remembered import remember, remembered
from handgrad.graph.rows import row_vectors
from handgrad.graph.structure import Graph, Let, Line, Node, activation_of, is_batched
from handgrad.operations.annotate import annotated
from handgrad.operations.operation import describe
from handgrad.operations.reductions import mean_over_cases, sum_, sum_over_cases
from handgrad.problem import Problem
from handgrad.problem.expected import expect_problem
from handgrad.record import builder


def build(problem: Problem) -> Graph:
    """The graph of a problem.

    Raises `EquationError` for unknown names and cycles, `ShapeError` where shapes do not
    fit or the loss is not a single number.
    """
    expect_problem(problem)
    known = remembered(problem)
    if known is not None:
        return known
    try:
        graph = _GraphBuilding(problem).graph()
    except HandgradError as error:
        raise error.at(problem.where) if problem.where else error from None
    remember(problem, graph)
    return graph


@builder
class _GraphBuilding:
    problem: Problem
    nodes: dict[str, Node] = field(default_factory=dict)
    batched: set[Leaf] = field(default_factory=set)

    def graph(self) -> Graph:
        problem = self.problem
        self._givens()
        self._check_given()
        equations = in_order(problem.equations, set(self.nodes))
        for equation in equations:
            self._value(equation)
        self._check_upstream(equations)
        self._check_loss(equations)
        reaching = self._reaching(equations)
        order = tuple(e.target for e in equations if e.target in reaching)
        self._stand_in()
        recognition = Recognition(
            nodes=self.nodes,
            order=order,
            values={name: given.array for name, given in problem.data.items()},
        )
        recognition.recognise()
        backward = Backward(
            nodes=self.nodes,
            order=order if problem.has_loss else (*order, problem.loss),
            loss=problem.loss,
            batched=self.batched,
            summed=problem.reduction == "sum",
            recognition=recognition,
        )
        backward.differentiate()
        cost = self._cost(equations)
        return Graph(
            nodes=self.nodes,
            equations=tuple(e.target for e in equations),
            loss=problem.loss,
            cost=cost,
            lets=backward.lets,
            gradients=backward.gradients,
            forward=self._forward_lines(equations, backward.lets, cost),
            backward=backward.lines(),
            shortcuts=tuple(backward.shortcuts),
            batched_leaves=frozenset(self.batched),
            consumers=self._consumers(equations),
            activations=self._activations(equations),
            rows=row_vectors(self.nodes, tuple(e.target for e in equations), backward.lets),
            upstream=problem.seeds,
        )

    def _consumers(self, equations: tuple[Equation, ...]) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for equation in equations:
            for used in used_names(equation):
                found.setdefault(used.name, {})[equation.target] = None
        for name, seed in self.problem.seeds.items():
            found.setdefault(name, {})[self.problem.loss] = None
            found.setdefault(seed, {})[self.problem.loss] = None
        return {name: tuple(users) for name, users in found.items()}

    def _activations(self, equations: tuple[Equation, ...]) -> dict[str, str]:
        found: dict[str, str] = {}
        for equation in equations:
            call = activation_of(equation.expression)
            if call is not None and isinstance(call.arguments[0], Name):
                argument = call.arguments[0].name
                if self.nodes[argument].kind in ("value", "given"):
                    found.setdefault(argument, equation.target)
        return found

    def _givens(self) -> None:
        for name, given in self.problem.parameters.items():
            self._add(Node(name, "parameter", given.shape, given.batched))
        for name, given in self.problem.data.items():
            middle = name in self.problem.given
            self._add(Node(name, "given" if middle else "data", given.shape, given.batched))
        for name, seed in self.problem.seeds.items():
            given = self.problem.upstream[name]
            self._add(Node(seed, "upstream", given.shape, given.batched))

    def _add(self, node: Node) -> None:
        self.nodes[node.name] = node
        if node.batched:
            self.batched.add(Name(node.name))

    def _shape(self, leaf: Leaf) -> Shape:
        return self.nodes[leaf.name].shape

    def _value(self, equation: Equation) -> None:
        try:
            written = annotated(equation.expression, self._shape, equation.text)
        except HandgradError as error:
            raise equation.located(error) from None
        self._add(
            Node(
                name=equation.target,
                kind="value",
                shape=written.shape or (),
                batched=is_batched(written, self.batched),
                written=written,
                computed=written,
                equation=equation.number,
            )
        )

    def _check_given(self) -> None:
        """That a given value has the shape that its own equation gives it, where that can be told."""
        out = self.problem.left_out
        known = {**self.problem.inputs, **out.parameters, **out.data}
        shapes: dict[str, Shape] = {n: g.shape for n, g in known.items()}
        for equation in out.equations:
            if not all(leaf.name in shapes for leaf in leaves(equation.expression)):
                continue
            try:
                found = annotated(equation.expression, lambda leaf: shapes[leaf.name]).shape or ()
            except HandgradError:
                continue  # an equation that is not computed need not fit
            if equation.target not in self.problem.given:
                shapes[equation.target] = found
            elif found != shapes[equation.target]:
                self._unfit(equation.target, "given", shapes[equation.target], found)

    def _check_upstream(self, equations: tuple[Equation, ...]) -> None:
        """That the gradient that arrives at a value has its shape, and its cases."""
        for name, given in self.problem.upstream.items():
            node = self.nodes[name]
            if given.shape != node.shape:
                self._unfit(name, "upstream", given.shape, node.shape)
            if given.batched and not node.batched:
                raise ShapeError(
                    f"[upstream] gives {name} a gradient for each case, but it is the same in every case",
                    mend="write one gradient, without cases",
                )

    def _unfit(self, name: str, table: str, given: Shape, found: Shape) -> NoReturn:
        what = (
            f"[upstream] the gradient of {name} is {describe(given)}, but {name} is {describe(found)}"
            if table == "upstream"
            else f"[{table}] {name} is {describe(given)}, but its equation computes {describe(found)}"
        )
        raise ShapeError(what, mend="write one number for each of its entries")

    def _stand_in(self) -> None:
        """The loss that no equation computes: the sum of what the arriving gradients are of, times these."""
        terms = [
            Call(sum_.name, (Name(seed) * Name(name),))
            if self.nodes[name].shape
            else Name(seed) * Name(name)
            for name, seed in self.problem.seeds.items()
        ]
        if not terms:
            return
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        formula = annotated(total, self._shape)
        batched = is_batched(formula, self.batched)
        self._add(Node(self.problem.loss, "value", (), batched, formula, formula))

    def _check_loss(self, equations: tuple[Equation, ...]) -> None:
        if not self.problem.has_loss:
            return
        loss = self.nodes[self.problem.loss]
        if loss.shape != ():
            equation = next(e for e in equations if e.target == loss.name)
            error = ShapeError(
                f"the loss must be a single number, but {loss.name} is {describe(loss.shape)}",
                source=equation.text,
                mend='reduce it with sum(…) or mean(…), or name another equation: loss = "…"',
            )
            raise equation.located(error)

    def _reaching(self, equations: tuple[Equation, ...]) -> set[str]:
        """The equations from which a path leads to the loss, itself included."""
        reaching = {*self.problem.upstream} or {self.problem.loss}
        for equation in reversed(equations):
            if equation.target in reaching:
                reaching.update(name.name for name in used_names(equation))
        return reaching & {e.target for e in equations}

    def _cost(self, equations: tuple[Equation, ...]) -> str:
        """The name of the loss over all the cases; the loss itself where it has no cases."""
        loss = self.nodes[self.problem.loss]
        if not loss.batched or self._ensemble():
            return loss.name
        name = next(n for n in ("J", "cost", "J_total", "J_handgrad") if n not in self.nodes)
        over = sum_over_cases if self.problem.reduction == "sum" else mean_over_cases
        formula = annotated(over(Name(loss.name)), self._shape)
        self._add(Node(name, "value", (), False, formula, formula, len(equations) + 1))
        return name

    def _ensemble(self) -> bool:
        """Whether the cases are networks (parameters in cases), each with a loss of its own."""
        return any(n.kind == "parameter" and n.batched for n in self.nodes.values())

    def _forward_lines(
        self, equations: tuple[Equation, ...], lets: dict[str, Let], cost: str
    ) -> tuple[Line, ...]:
        lines: list[Line] = []
        for equation in equations:
            node = self.nodes[equation.target]
            assert node.computed is not None
            lines.append(Line(Name(node.name, shape=node.shape), node.computed))
        if not self.problem.has_loss:
            formula = self.nodes[self.problem.loss].computed
            assert formula is not None
            lines.append(Line(Name(self.problem.loss, shape=()), formula))
        if cost != self.problem.loss:
            formula = self.nodes[cost].computed
            assert formula is not None
            lines.append(Line(Name(cost, shape=()), formula))
        # Only the backward pass refers to lets, so they follow every equation.
        lines += [
            Line(Name(let.name, shape=let.shape), let.formula, let.equation)
            for let in lets.values()
        ]
        return tuple(lines)
