"""Why: paths add up to the gradient, are counted right, and the largest are the largest."""

from __future__ import annotations

import itertools
import json
from pathlib import Path as File
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.paths import Path, WhyGradient, WhyValue
from tests.graphs import INFIX, UNARY, RandomGraph, random_graph
from tests.schemas import validate
from tests.slow import LARGE, one_in, with_slow
from tests.test_json import printed

BUNDLED = [name for name, _, _ in handgrad.bundled()]


def paths_of(problem: handgrad.Problem, entry: str, top: int = 10) -> WhyGradient:
    why = handgrad.why(problem, entry, top)
    assert isinstance(why, WhyGradient)
    return why


def product(path: Path) -> float:
    return float(np.prod([f.value for f in path.factors])) * path.share


PAIR = {"r": [0.8, -0.7, -1.1], "f": [-1.2, -1.5, -1.1]}


def test_the_lab() -> None:
    why = paths_of(handgrad.load("lab9"), "dW2[1,0]")
    (path,) = why.paths
    assert why.value == 0
    assert [str(e) for e in path.through] == ["W2[1,0]", "z2[1]", "h2[1]", "z3", "L"]
    assert [f.value for f in path.factors] == pytest.approx([0.6, 0, -0.4, -0.3654], abs=1e-4)
    assert [f.step for f in path.factors] == ["1.2", "1.2", "1.3", "1.3"]
    (blame,) = [f.blame for f in path.factors if f.blame is not None]
    assert (blame.kind, str(blame.entry), blame.step) == ("gate_shut", "z2[1]", "1.2")
    assert blame.value == pytest.approx(-0.17)
    assert path.factors[-1].shortcut
    sum_of_two = paths_of(handgrad.load("lab9"), "dL/dW1[0,0]")
    assert sum_of_two.path_count == len(sum_of_two.paths) == 2
    assert sum_of_two.covered == 1


def entries(problem: handgrad.Problem, name: str) -> list[tuple[int, ...]]:
    graph = build(problem)
    node = graph.nodes[name]
    given = {**problem.parameters, **problem.data}
    cases = next((g.array.shape[-1] for g in given.values() if g.batched), 1)
    return list(np.ndindex(*node.shape, *([cases] if node.batched else [])))


@pytest.mark.parametrize("name", one_in(2, BUNDLED))
def test_every_gradient_of_the_bundled_problems(name: str) -> None:
    """The paths of the first and the last entry of every gradient add up to it."""
    problem = handgrad.load(name)
    graph = build(problem)
    result = handgrad.run(problem, graph)
    for value in graph.nodes:
        if value == graph.cost and value != graph.loss:
            continue
        every = entries(problem, value)
        for index in dict.fromkeys([every[0], every[-1]]):
            spelled = f"d{value}[{','.join(map(str, index))}]" if index else f"dL/d{value}"
            why = paths_of(problem, spelled, 10_000)
            assert why.value == pytest.approx(result.gradient(value)[index], rel=1e-12, abs=1e-12)
            if why.path_count <= 10_000:
                total = sum(p.product for p in why.paths)
                assert total == pytest.approx(why.value, rel=1e-12, abs=1e-12)
                assert len(why.paths) == why.path_count
            assert all(p.product == pytest.approx(product(p), rel=1e-12) for p in why.paths)


def depends(line: Any, argument: int, shapes: dict[str, tuple[int, ...]]) -> Any:
    """Which entries of a line's value (last axes) depend on which of an argument: an oracle."""
    shape, out = shapes[line.arguments[argument]], shapes[line.target]
    mask = np.zeros((*shape, *out), dtype=bool)
    for i in np.ndindex(*shape):
        for o in np.ndindex(*out):
            if line.operation in UNARY or line.operation in (*INFIX, "maximum", "minimum"):
                aligned = o[len(o) - len(i) :]
                met = aligned == i
            elif line.operation == "matmul":
                free = len(shapes[line.arguments[0]]) - 1
                met = i[:-1] == o[:free] if argument == 0 else i[1:] == o[free:]
            elif line.operation == "outer":
                met = o[argument] == i[0]
            elif line.operation == "softmax":
                met = i[:-1] == o[:-1]
            else:
                met = True
            mask[i + o] = met
    return mask.reshape(int(np.prod(shape)), -1)


def counted(graph: RandomGraph, name: str, position: int) -> int:
    """The paths from an entry to the loss, one by one."""
    shapes = {n: a.shape for n, a in graph.parameters.items()}
    result = handgrad.run(graph.problem(), build(graph.problem()))
    shapes |= {e.target: result.value(e.target).shape for e in graph.lines}
    loss = graph.lines[-1].target
    edges: dict[str, list[tuple[str, Any]]] = {}
    for line in graph.lines:
        joint: dict[str, Any] = {}
        for k, argument in enumerate(line.arguments):
            joint[argument] = joint.get(argument, False) | depends(line, k, shapes)
        for argument, mask in joint.items():
            edges.setdefault(argument, []).append((line.target, mask))
    count, stack = 0, [(name, position)]
    while stack:
        at, entry = stack.pop()
        if at == loss:
            count += 1
        for target, mask in edges.get(at, ()):
            stack += [(target, int(o)) for o in np.flatnonzero(mask[entry])]
        if count > 20_000 or len(stack) > 20_000:
            return -1
    return count


@given(st.integers(0, 2**32 - 1))
def test_random_graphs(seed: int) -> None:
    """All paths listed add up to the gradient to 1e-12, and are as many as there are."""
    graph = random_graph(seed, 12)
    problem = graph.problem()
    result = handgrad.run(problem, build(problem))
    for name, array in graph.parameters.items():
        gradient = np.asarray(result.gradient(name))
        for index in list(np.ndindex(array.shape))[:: max(1, array.size - 1)]:
            spelled = f"d{name}[{','.join(map(str, index))}]" if index else f"d{name}"
            why = paths_of(problem, spelled, 3000)
            assert why.value == pytest.approx(float(gradient[index]), rel=1e-12, abs=1e-12)
            if why.path_count <= 3000:
                total = sum(p.product for p in why.paths)
                assert total == pytest.approx(why.value, rel=1e-12, abs=1e-12)
                assert why.covered == pytest.approx(1)
            position = int(np.ravel_multi_index(index, array.shape)) if index else 0
            brute = counted(graph, name, position)
            assert brute in (-1, why.path_count)


def layered(widths: list[int], seed: int = 1) -> handgrad.Problem:
    g = np.random.default_rng(seed)
    lines, parameters = [], {}
    value = "x"
    for k, (inputs, units) in enumerate(itertools.pairwise(widths), start=1):
        parameters[f"W{k}"] = g.normal(0, 1 / np.sqrt(inputs), (units, inputs))
        lines += [f"z{k} = W{k} @ {value}", f"h{k} = tanh(z{k})"]
        value = f"h{k}"
    return handgrad.Problem(
        [*lines, f"L = sum({value})"], parameters, {"x": g.normal(size=widths[0])}
    )


def test_ten_to_the_twelve_paths() -> None:
    """Counted and answered without listing; the ten largest are what a search of all would find."""
    problem = layered([3, *[10] * 13])
    why = paths_of(problem, "dW1[0,0]")
    assert why.path_count == 10**12
    assert len(why.paths) == 10
    assert 0 < why.covered < 1e-3
    result = handgrad.run(problem, build(problem))
    assert why.value == pytest.approx(result.gradient("W1")[0, 0], rel=1e-9)
    assert "10¹²" in render_terminal(why.page(), width=80, colour=False, unicode=True)


@given(st.integers(0, 1000))
def test_the_largest_are_the_largest(seed: int) -> None:
    problem = layered([2, 3, 4, 3], seed)
    every = paths_of(problem, "dW1[1,0]", 10_000)
    assert every.path_count == len(every.paths) == 12
    sizes = sorted((abs(p.product) for p in every.paths), reverse=True)
    few = paths_of(problem, "dW1[1,0]", 5)
    assert [abs(p.product) for p in few.paths] == pytest.approx(sizes[:5], rel=1e-12)
    assert few.covered == pytest.approx(sum(sizes[:5]) / sum(sizes))
    assert few.value == pytest.approx(sum(p.product for p in every.paths))


def test_gates_within_an_equation_have_a_place_on_the_path() -> None:
    problem = handgrad.Problem(
        "L = sum(relu(W @ x + b))", {"W": [[1, 1], [1, -1]], "b": [-3, 0]}, {"x": [1, 0.5]}
    )
    why = paths_of(problem, "dW[0,1]")
    (path,) = why.paths
    assert len(path.factors) == 3
    (blame,) = [f.blame for f in path.factors if f.blame is not None]
    assert (blame.kind, blame.step) == ("gate_shut", "1.1")
    assert "W @ x + b" in {str(v) for v in why.to_json()["parts"].values()}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_cases(reduction: str) -> None:
    batch = handgrad.load("batch")
    problem = handgrad.Problem(
        batch.equations, batch.parameters, batch.data, reduction=reduction, loss=batch.loss
    )
    why = paths_of(problem, "dW1[0,0]")
    result = handgrad.run(problem, build(problem))
    assert why.value == pytest.approx(result.gradient("W1")[0, 0], rel=1e-12)
    assert {p.case for p in why.paths} == {0, 1, 2}
    assert {p.share for p in why.paths} == {1 / 3 if reduction == "mean" else 1}
    own = paths_of(problem, "dz2[1,0]")
    assert own.path_count == 1
    assert own.value == pytest.approx(result.gradient("z2")[1, 0])


@pytest.mark.parametrize(("reduction", "own"), [("mean", 0.4), ("sum", 1.2)])
@pytest.mark.parametrize("written", ["R", "L"])
def test_what_is_the_same_in_every_case_is_one_path(
    reduction: str, own: float, written: str
) -> None:
    """A penalty's path is told once, the largest or not, and the paths add up."""
    penalty = "lam/2*sum(W**2)"
    equations = ["z = W @ x", "C = mse(z, y)"]
    equations += [f"R = {penalty}", "L = C + R"] if written == "R" else [f"L = C + {penalty}"]
    problem = handgrad.Problem(
        equations,
        {"W": [[2.0, 1.0]]},
        {"x": {"cases": [[1, 2], [3, 1], [0, 1]]}, "y": {"cases": [[1], [2], [3]]}, "lam": 0.2},
        reduction=reduction,
    )
    why = paths_of(problem, "dW[0,0]")
    gradient = handgrad.run(problem, build(problem)).gradient("W")[0, 0]
    assert why.value == pytest.approx(gradient, rel=1e-12)
    assert (why.path_count, len(why.paths)) == (4, 4)
    (penalised,) = [p for p in why.paths if p.case is None]
    assert penalised.product == pytest.approx(own)
    assert {p.case for p in why.paths} == {0, 1, 2, None}
    assert sum(p.product for p in why.paths) == pytest.approx(gradient, rel=1e-12)
    assert all(p.product == pytest.approx(product(p)) for p in why.paths)
    for top in (1, 2, 3):
        few = handgrad.why(problem, "dW[0,0]", top=top)
        assert isinstance(few, WhyGradient)
        assert few.paths == why.paths[:top]
    said = render_terminal(why.page(), width=80, colour=False, unicode=True)
    assert said.count("(the same in every case)") == 1


def test_forward_values() -> None:
    why = handgrad.why(handgrad.load("lab9"), "h2[1]")
    assert isinstance(why, WhyValue)
    assert why.value == 0
    assert [str(link.entry) for link in why.links] == ["h2[1]", "z2[1]"]
    assert why.links[0].blame is not None
    assert why.links[0].blame.kind == "gate_shut"
    assert sum(t.product for t in why.terms) == pytest.approx(-0.17)
    assert [t.product for t in why.terms] == pytest.approx([-0.3, 0.1, 0.03])
    given_ = handgrad.why(handgrad.load("lab9"), "x[0]")
    assert isinstance(given_, WhyValue)
    assert given_.given


def test_of_a_parameter_its_gradient_is_asked() -> None:
    lab = handgrad.load("lab9")
    assert handgrad.why(lab, "W2[1,0]").to_json() == handgrad.why(lab, "dW2[1,0]").to_json()


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_pages_and_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    problem = handgrad.load(name)
    graph = build(problem)
    parameter = next(iter(problem.parameters or problem.data))
    index = entries(problem, parameter)[0]
    asked = [f"d{parameter}[{','.join(map(str, index))}]" if index else f"d{parameter}", graph.loss]
    if graph.nodes[graph.loss].batched:
        asked[1] += "[0]"
    for entry in asked:
        found = printed(["why", name, entry], capsys)
        validate(found, "why")
        assert run(["why", name, entry, "--width", "60", "--no-colour"]) == 0
        page = capsys.readouterr().out
        assert max(map(len, page.splitlines())) <= 70  # combining accents count
        assert run(["why", name, entry, "--ascii"]) == 0
        assert capsys.readouterr().out.isascii()


def test_the_schema_refuses_what_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(["why", "lab9", "dW2[1,0]"], capsys)
    found["covered"] = 2
    with pytest.raises(jsonschema.ValidationError):
        validate(json.loads(json.dumps(found)), "why")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("dW9", "did you mean dW2"),
        ("dW2[2,0]", "no entry [2, 0]"),
        ("dW2[1]", "2 indices"),
        ("dW2[a,0]", "not a whole number"),
        ("dW2[-1,0]", "not a whole number"),
        ("dQ/dW2[0,0]", "not the loss"),
        ("dW2[0,0", "names no entry"),
        ("", "names no entry"),
        ("\x1b[31m", "names no entry"),
        ("dW2[99999999999999999999,0]", "not a whole number"),
    ],
)
def test_entries_that_are_none(entry: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "lab9", entry]) == 2
    error = capsys.readouterr().err
    assert said in " ".join(error.split())
    assert "\x1b" not in error


def test_names_that_look_like_gradients() -> None:
    problem = handgrad.Problem(["dW = 2*W", "L = dW**2"], {"W": 3.0})
    assert isinstance(handgrad.why(problem, "dW"), WhyValue)
    assert paths_of(problem, "dL/dW").value == pytest.approx(24)
    assert paths_of(problem, "ddW").value == pytest.approx(12)


@pytest.mark.parametrize("formula", ["var(P[:, 1])", "std(P[:, 1])", "P[0,1] - 2*P[1,1] + P[2,1]", "layernorm(P[:, 1])[1]"])  # fmt: skip
def test_a_path_is_there_whatever_numbers_the_structure_is_looked_at_with(formula: str) -> None:
    """A column's middle entry was taken for unused: where it is the mean, a variance does not depend on it."""
    problem = handgrad.Problem(f"P = stack(r, f, axis=1)\nL = sum({formula})", PAIR, {})
    answer = paths_of(problem, "dP[1,1]")
    assert answer.path_count == 1
    assert sum(p.product for p in answer.paths) == pytest.approx(answer.value)
    assert answer.value


def test_nothing_leads_to_the_loss() -> None:
    problem = handgrad.Problem(["z = a*2", "L = b**2"], {"a": 1.0, "b": 2.0})
    why = paths_of(problem, "da")
    assert (why.value, why.path_count, why.paths) == (0, 0, ())
    page = render_terminal(why.page(), width=80, colour=False, unicode=True)
    assert "No path leads" in page


def test_paths_that_are_zero_for_one_reason_are_told_once() -> None:
    """Two units of the last layer, both shut: one path through each is written out."""
    shut = handgrad.Problem(
        ["h1 = W1 @ x", "z2 = W2 @ h1 + b2", "h2 = relu(z2)", "L = sum(h2)"],
        {"W1": np.ones((3, 2)), "W2": np.ones((2, 3)), "b2": [-9.0, -8.0]},
        {"x": [1.0, 1.0]},
    )
    why = paths_of(shut, "dx[0]")
    assert (why.path_count, why.value) == (6, 0)
    page = render_terminal(why.page(), width=80, colour=False, unicode=True)
    assert "There are 6 paths, and each of them is 0" in page
    assert page.count("The gate of ReLU is shut") == 2
    assert "The 6 paths that are 0" in page
    assert page.count("3 paths: the gate of ReLU is shut at z") == 2
    assert "Path 3" not in page
    assert "together  ∂L/∂x₁ = 0" in page.replace("0 + 0 = 0", "0")


def test_paths_that_are_not_zero_are_counted_apart_and_add_up() -> None:
    """More paths than are looked for, all of those that are 0 beyond; the sum of the others is the gradient."""
    problem = handgrad.Problem(
        ["h = w * x", "a = h * v", "b = h * u", "L = sum(a) + sum(b)"],
        {"w": 1.0},
        {"x": 3.0, "v": [2.0] * 8, "u": [0.0] * 8},
    )
    why = paths_of(problem, "dw")
    assert len(why.paths) < why.path_count
    page = render_terminal(why.page(), width=80, colour=False, unicode=True)
    assert "There are 16 paths: 8 that are not 0" in page
    assert "together  ∂L/∂w = 6 + 6" in page


def test_a_gate_that_is_shut_in_several_cases_is_told_once() -> None:
    problem = handgrad.Problem(
        ["z = w*x", "h = relu(z)", "L = h*h"],
        {"w": 1.0},
        {"x": {"cases": [1.0, -2.0, -3.0, -4.0]}},
    )
    page = render_terminal(paths_of(problem, "dw").page(), width=80, colour=False, unicode=True)
    assert page.count("The gate of ReLU is shut") == 1
    assert "3 paths in cases 2, 3 and 4: the gate of ReLU is shut at z = −2, −3 and −4" in " ".join(
        page.split()
    )
    assert "= 0.5 + 0 = 0.5" in page


@pytest.mark.parametrize("top", [1, 10, 80])
def test_each_case_has_its_own_reason_of_zero(top: int) -> None:
    """The gate is shut in two cases; in the third it is open, and the input is 0."""
    why = paths_of(handgrad.load("classes"), "dW1[1,0]", top)
    said = [(g.kind, str(g.entry), g.cases, g.count) for g in why.zeros]
    assert said == [("gate_shut", "z1[1]", (0, 1), 48), ("value", "x[0]", (2,), 24)]
    assert why.zeros[0].values == pytest.approx((-0.25, -0.75))
    assert why.path_count == 72
    page = render_terminal(why.page(), width=200, colour=False, unicode=True)
    assert "48 paths in cases 1 and 2: the gate of ReLU is shut at z₂⁽¹⁾ = −0.25 and −0.75" in page
    assert "24 paths in case 3: the factor x₁ is 0 (given)." in page
    assert "same reason" not in page


@given(st.integers(0, 2**32 - 1))
def test_groups_of_zero_paths_are_those_counted_one_by_one(seed: int) -> None:
    numbers = np.random.default_rng(seed)
    drawn = {n: numbers.integers(-1, 2, s).astype(float) for n, s in {"W1": (3, 2), "W2": (2, 3), "b": (3,)}.items()}  # fmt: skip
    problem = handgrad.Problem(
        ["h = relu(W1 @ x + b)", "z = relu(W2 @ h)", "L = sum(z**2) + sum(W1**2)"],
        drawn,
        {"x": {"cases": numbers.integers(-1, 2, (3, 2)).astype(float)}},
    )
    every = paths_of(problem, "dW1[1,0]", 1000)
    counted: dict[tuple[Any, ...], int] = {}
    for path in every.paths:
        first = next((f.blame for f in path.factors if f.value == 0), None)
        if first is not None:
            key = (first.kind, first.entry, path.case is None)
            counted[key] = counted.get(key, 0) + 1
    for top in (1, 1000):
        zeros = paths_of(problem, "dW1[1,0]", top).zeros
        assert {(g.kind, g.entry, not g.cases): g.count for g in zeros} == counted


def test_many_reasons_of_zero_add_up() -> None:
    problem = handgrad.Problem(
        ["h = relu(W @ x)", "L = sum(h)"], {"W": -np.ones((30, 2))}, {"x": [1.0, 2.0]}
    )
    why = paths_of(problem, "dx[0]")
    assert (len(why.zeros), sum(g.count for g in why.zeros)) == (30, 30)
    page = render_terminal(why.page(), width=80, colour=False, unicode=True)
    assert page.count("• 19 paths: for 19 other reasons.") == 1
    assert page.count("1 path: the gate of ReLU is shut at") == 11


def test_a_single_case_and_class_numbers() -> None:
    single = handgrad.Problem(
        ["z = W @ x", "L = sum(z**2)"], {"W": [[2.0]]}, {"x": {"cases": [[3.0]]}}
    )
    assert paths_of(single, "dW[0,0]").value == 36
    classes = handgrad.Problem(
        ["P = softmax(z)", "L = cross_entropy(P, y)"], {"z": [0.0, 0.0]}, {"y": 1}
    )
    why = paths_of(classes, "dP[1]")
    assert (why.path_count, why.value, why.covered) == (1, -2, 1)
    assert paths_of(classes, "dP[0]").path_count in (0, 1)


NET = """
equations = ["z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = w2 @ h1", "L = (z2 - y)**2"]

[parameters]
W1 = [[0.5, -1.0], [1.0, 0.5]]
b1 = [0.1, -0.2]
w2 = [1.0, -2.0]

[data]
x = [1.0, 2.0]
y = 1.0
"""
ROWS = [[1.0, 2.0, 1.0], [0.5, -1.0, 0.0], [-1.0, 0.3, 1.0], [2.0, 2.0, 0.0]]


def test_the_cases_of_a_file(tmp_path: File, capsys: pytest.CaptureFixture[str]) -> None:
    problem, table = tmp_path / "net.toml", tmp_path / "cases.csv"
    problem.write_text(NET)
    table.write_text("x1,x2,y\n" + "".join(f"{a},{b},{c}\n" for a, b, c in ROWS))
    leaf = torch.tensor([[0.5, -1.0], [1.0, 0.5]], dtype=torch.float64, requires_grad=True)
    losses = []
    for a, b, c in ROWS:
        x = torch.tensor([a, b], dtype=torch.float64)
        h = torch.relu(leaf @ x + torch.tensor([0.1, -0.2], dtype=torch.float64))
        losses.append((h @ torch.tensor([1.0, -2.0], dtype=torch.float64) - c) ** 2)
    torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None

    command = ["why", str(problem), "dW1[1,0]", "--data", str(table)]
    assert run([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    validate(answer, "why")
    assert answer["cases"] == 4
    assert answer["value"] == pytest.approx(float(leaf.grad[1, 0]))
    assert {p["case"] for p in answer["paths"]} == {0, 1, 2, 3}
    assert run(command) == 0
    assert "averaged over the 4 cases" in " ".join(capsys.readouterr().out.split())

    table.write_text(table.read_text() + "1,none,0\n")
    assert run(command) == 2
    assert "'none' is not a number" in capsys.readouterr().err
    assert run([*command, "--skip-bad", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == answer
    assert captured.err == "1 bad row left out\n"


@pytest.mark.parametrize("entry", ["K[0,0]", "K[1,0]", "Wq[1,0]", "Wk[2,0]", "Q[1,0]"])
def test_a_probability_that_is_1_in_floats_has_the_slope_that_it_has_on_paper(entry: str) -> None:
    """1 − A₂₂ is 1.66e-17, and 0 in floats: paths add up to the gradient of the worked solution."""
    problem = handgrad.Problem(
        ["Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", "S = where(M, Q @ K.T, -1e9)", "A = softmax(S, axis=1)", "L = mse(A @ V, Y)"],
        {"Wq": [[70], [-80], [100]], "Wk": [[0.2], [1.4], [-0.6]], "Wv": [[1500], [400], [-1400]]},
        {"X": [[-0.4, -0.7, -1.4], [0.2, 0.9, 1]], "Y": [[-0.3], [-0.4]], "M": [[1, 0], [1, 1]]},
    )  # fmt: skip
    name, at = entry.split("[")
    index = tuple(int(i) for i in at[:-1].split(","))
    expected = handgrad.solve(problem).run.gradient(name)[index]
    why = paths_of(problem, f"d{entry}")
    assert why.value == pytest.approx(expected, rel=1e-12)
    assert sum(path.product for path in why.paths) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("entry", ["dW", "dW[0,0]", "dW[0,0,1]", "h", "z[0,1]"])
def test_many_networks_are_refused(entry: str) -> None:
    """A path is one network's: parameters in cases are many."""
    weights = {"cases": [[[0.5, -1.0]], [[0.1, 2.0]]]}
    problem = handgrad.Problem("z = W @ x\nh = relu(z)\nL = sum(h)", {"W": weights}, {"x": [1, 2]})
    with pytest.raises(handgrad.OptionError, match="many networks, not one"):
        handgrad.why(problem, entry)


def test_the_loss_over_the_cases_is_made_of_theirs() -> None:
    batch = handgrad.load("batch")
    losses = handgrad.solve(batch).value("L")
    why = handgrad.why(batch, "J")
    assert isinstance(why, WhyValue)
    assert why.value == pytest.approx(float(np.mean(losses)))
    page = render_terminal(why.page(), width=100, colour=False, unicode=True)
    assert "[0.4548  0.8181  0.5459]" in page


@pytest.mark.parametrize("entry", ["dW[0,0]", "db[0]", "dx[0,0]"])
def test_no_path_leads_through_a_comparison(entry: str) -> None:
    problem = handgrad.Problem(
        "z = W @ x + b\nh = (z > 0)\nL = (v @ h - y)**2",
        {"W": [[1, 0], [0, -1]], "b": [0, 0], "v": [1, 1]},
        {"x": {"cases": [[1, 2], [-1, 1]]}, "y": {"cases": [0, 1]}},
    )
    why = handgrad.why(problem, entry)
    assert isinstance(why, WhyGradient)
    assert (why.value, why.path_count) == (0.0, 0)


def test_no_term_of_a_local_derivative_is_nothing() -> None:
    """Of u₂/‖u‖ by u₁ the share through the numerator is 0/‖u‖."""
    problem = handgrad.Problem(["v = u/norm(u)", "L = a @ v"], {"u": [3.0, 4.0]}, {"a": [1.0, 2.0]})
    page = render_terminal(
        handgrad.why(problem, "u[0]").page(), width=80, colour=False, unicode=True
    )
    assert "0/" not in page
    assert "−u₂/‖u‖² · u₁/‖u‖ · a₂" in page
