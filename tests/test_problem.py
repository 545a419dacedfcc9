"""Problems: files and back, the usual networks, other numbers, other operations."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.formats.terminal import render_terminal
from handgrad.page.blocks import Paragraph

BUNDLED = [name for name, _, _ in handgrad.bundled()]


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_problem_reads_back_from_its_own_file(name: str, tmp_path: Path) -> None:
    problem = handgrad.load(name)
    problem.save(tmp_path / "copy.toml")
    copy = handgrad.load(tmp_path / "copy.toml")
    assert copy == problem
    assert copy.to_toml() == problem.to_toml()
    assert handgrad.solve(copy).to_json() == handgrad.solve(problem).to_json()


numbers = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.fractions(max_denominator=1000).map(str),
    st.decimals(-1000, 1000, places=3).map(str),
)
texts = st.text(max_size=20).filter(
    lambda t: "\r" not in t and not any(0xD800 <= ord(c) < 0xE000 for c in t)
)


@st.composite
def values(draw: st.DrawFn, cases: int) -> object:
    shape = draw(st.sampled_from([(), (2,), (2, 3)]))
    count = int(np.prod(shape))
    flat = draw(st.lists(numbers, min_size=count, max_size=count))

    def nested(axes: tuple[int, ...]) -> object:
        return [nested(axes[1:]) for _ in range(axes[0])] if axes else flat.pop()

    if not draw(st.booleans()):
        return nested(shape)
    flat += draw(st.lists(numbers, min_size=count * cases, max_size=count * cases))
    return {"cases": [nested(shape) for _ in range(cases)]}


@given(st.data(), texts, texts, st.sampled_from(["mean", "sum"]))
def test_any_problem_reads_back(
    data: st.DataObject, title: str, shown: str, reduction: str
) -> None:
    cases = data.draw(st.integers(1, 3))
    problem = handgrad.Problem(
        ["z = w*2 - c", "L = sum(z)"],
        {"w": data.draw(values(cases))},
        {"c": data.draw(values(cases))},
        title=title,
        description=title[::-1],
        display={"z": shown},
        reduction=reduction,
        update=handgrad.Update(rate=data.draw(st.floats(0, 10))),
    )
    assert handgrad.loads(problem.to_toml()) == problem


def test_written_fractions_stay_written() -> None:
    text = 'equations = "L = w*x"\n[parameters]\nw = "1/3"\n[data]\nx = 0.420\n'
    copy = handgrad.loads(text).to_toml()
    assert 'w = "1/3"' in copy
    assert "x = 0.420" in copy


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv"])
def test_arrays_from_files(suffix: str, tmp_path: Path) -> None:
    array = np.array([[1.0, 2.0], [3.0, 4.5]])
    path = tmp_path / f"X{suffix}"
    match suffix:
        case ".npy":
            np.save(path, array)
        case ".npz":
            np.savez(path, other=array * 2, X=array)
        case _:
            np.savetxt(path, array, delimiter=",")
    named = ', array = "X"' if suffix == ".npz" else ""
    for batched in ("", ", cases = true"):
        text = f'equations = "L = sum(X*w)"\n[parameters]\nw = 1\n[data]\nX = {{ file = "X{suffix}"{named}{batched} }}'
        (tmp_path / "mine.toml").write_text(text)
        problem = handgrad.load(tmp_path / "mine.toml")
        assert problem.data["X"].batched == bool(batched)
        assert np.array_equal(problem.data["X"].array, array.T if batched else array)


def test_cases_as_a_list_of_arrays() -> None:
    one = np.array([[1.0, 2.0], [3.0, 4.5]])
    problem = handgrad.Problem(
        "L = sum(W*x)", {"W": {"cases": [one, -one]}}, {"x": [1, np.float64(2)]}
    )
    assert np.array_equal(problem.parameters["W"].array, np.stack([one, -one], axis=-1))
    with pytest.raises(handgrad.NumberError, match="ragged"):
        handgrad.Problem("L = sum(W)", {"W": {"cases": [one, one[0]]}})


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("kept")
    with pytest.raises(handgrad.OptionError, match="exists already"):
        handgrad.load("lab9").save(path)
    assert path.read_text() == "kept"
    handgrad.load("lab9").save(path, force=True)
    assert handgrad.load(path) == handgrad.load("lab9")
    with pytest.raises(handgrad.OptionError, match="there is no folder"):
        handgrad.load("lab9").save(tmp_path / "no" / "mine.toml")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.toml"]


@pytest.mark.parametrize("hidden", ["relu", "leaky_relu", "tanh", "gelu"])
@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("sigmoid", "bce"),
        ("softmax", "cross_entropy"),
        ("identity", "mse"),
        ("identity", "hinge"),
        ("tanh", "huber"),
    ],
)
def test_multilayer_perceptrons(hidden: str, output: str, loss: str) -> None:
    problem = handgrad.Problem.mlp([3, 4, 4, 2 if output == "softmax" else 1], hidden, output, loss)
    assert handgrad.verify(problem).agrees
    assert handgrad.loads(problem.to_toml()) == problem
    trace = handgrad.solve(problem)
    assert trace.run.value("h1").shape == (4,)
    assert {s.phase for s in trace.steps} == {"forward", "backward", "update"}


def test_the_usual_network_is_the_labs() -> None:
    lab, mlp = handgrad.load("lab9"), handgrad.Problem.mlp([2, 2, 2, 1])
    assert [e.target for e in mlp.equations] == [e.target for e in lab.equations]


def test_unusable_networks() -> None:
    for sizes, hidden, said in (
        ([2], "relu", "at least"),
        ([2, 0], "relu", "not a network"),
        ([2, 2], "rel", "did you mean relu"),
    ):
        with pytest.raises(handgrad.HandgradError, match=said):
            handgrad.Problem.mlp(sizes, hidden)


def test_other_numbers() -> None:
    lab = handgrad.load("lab9")
    other = lab.with_values({"x": "[0, 1]", "b3": "1/3", "rate": 1})
    assert other.data["x"].array.tolist() == [0, 1]
    assert other.parameters["b3"].array == 1 / 3
    assert other.update == handgrad.Update(rate=1)
    assert lab == handgrad.load("lab9")
    batch = handgrad.load("batch")
    batched = next(n for n, g in batch.data.items() if g.batched)
    shape = batch.data[batched].array.shape
    again = batch.with_values({batched: batch.data[batched].array.T.tolist()})
    assert again.data[batched].batched
    assert again.data[batched].array.shape == shape


def test_another_operation() -> None:
    lab = handgrad.load("lab9").with_swap({"relu": "leaky_relu"})
    assert [e.text for e in lab.equations[:3]] == [
        "z1 = W1 @ x + b1",
        "h1 = leaky_relu(z1)",
        "z2 = W2 @ h1 + b2",
    ]
    assert handgrad.verify(lab).agrees
    assert handgrad.loads(lab.to_toml()) == lab


def test_a_swap_keeps_what_the_other_operation_takes_too() -> None:
    problem = handgrad.Problem(
        "L = sum(leaky_relu(sum(A, axis=0, keepdims=true), alpha=0.2))", {"A": [[1, -2], [3, -4]]}
    )
    swapped = problem.with_swap({"leaky_relu": "relu", "sum": "mean"})
    assert swapped.equations[0].text == "L = mean(relu(mean(A, axis=0, keepdims=true)))"


def test_errors_after_a_swap_mark_the_new_text() -> None:
    problem = handgrad.load("lab9").with_swap({"sigmoid": "log"}).with_values({"b3": -3})
    with pytest.raises(handgrad.NumberError) as caught:
        handgrad.solve(problem)
    error = caught.value
    assert error.span is not None
    assert error.source[error.span.start : error.span.stop] == "log(z3)"


@given(st.text(max_size=80))
def test_any_text_is_a_problem_or_refused(text: str) -> None:
    with contextlib.suppress(handgrad.HandgradError):
        handgrad.loads(text)


LINES = [
    'equations = "L = w*x"',
    'equations = """',
    '"""',
    "L = sum(w)",
    "[parameters]",
    "[data]",
    "[update]",
    "w = 1",
    "x = [1, 2]",
    "w = { cases = [1, 2] }",
    "x = [[1], [2, 3]]",
    "rate = 1",
    'rule = "sgd"',
    "w = nan",
    "x = {}",
    'loss = "L"',
    "[display]",
    'w = "ω"',
    "w.x = 1",
    "x = 1979-05-27",
    "w = [[]]",
]


@given(st.lists(st.sampled_from(LINES), max_size=12).map("\n".join))
def test_any_lines_are_a_problem_or_refused(text: str) -> None:
    with contextlib.suppress(handgrad.HandgradError):
        problem = handgrad.loads(text)
        assert handgrad.loads(problem.to_toml()) == problem
        page = handgrad.solve(problem).page()
        render_terminal(page, width=80, colour=False, unicode=True)


def test_names_with_marks_are_read_in_every_table() -> None:
    """As in equations: ŷ is yhat and W⁽¹⁾ is W1, for numbers, the loss, [display] and --set."""
    problem = handgrad.loads(
        'equations = "ŷ = W⁽¹⁾ @ x₁\\nL⁽¹⁾ = (ŷ - y)**2"\nloss = "L⁽¹⁾"\n'
        '[parameters]\n"W⁽¹⁾" = [1, 2]\n[data]\n"x₁" = [3, 4]\ny = 1\n[display]\n"W⁽¹⁾" = "Θ"\n'
    )
    assert set(problem.parameters) == {"W1"}
    assert set(problem.data) == {"x_1", "y"}
    assert (problem.loss, dict(problem.display)) == ("L1", {"W1": "Θ"})
    changed = problem.with_values({"W⁽¹⁾": "[0, 0]"})
    assert handgrad.solve(changed).run.loss == 1
    with pytest.raises(handgrad.ProblemError, match="yhat is given twice"):
        handgrad.Problem(["L = yhat"], {"yhat": 1, "ŷ": 2})


def test_a_page_tells_which_fractions_its_figures_are_rounded_from() -> None:
    problem = handgrad.Problem(
        "L = (w @ x - y)**2", {"w": ["2/3", "-1/3", 0.5]}, {"x": ["1/4", "-2/3", 1], "y": "1/3"}
    )
    said = ("Fractions are shown rounded: 0.6667 is 2/3 and 0.3333 is 1/3.",)
    for page in (handgrad.solve(problem).page(), problem.page()):
        assert Paragraph(said) in page.blocks
    two = problem.with_values({"x": ["1/4", "0.6667", 1]})
    said = ("Fractions are shown rounded: 0.3333 is 1/3.",)
    assert Paragraph(said) in handgrad.solve(two).page().blocks
    whole = problem.with_values({"w": ["1/2", 1, 0.5], "x": [1, 2, 3], "y": 1})
    assert not any("Fractions" in str(b) for b in handgrad.solve(whole).page().blocks)
