"""Blocks: definitions and repeats are written out as the equations that a person would have written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.equations import parse_equations
from handgrad.equations.reading import MOST

PARAMETERS = {
    "W1": [[0.5, -0.3], [0.2, 0.7]],
    "b1": [0.1, -0.1],
    "W2": [[0.4, -0.2, 0.1], [-0.5, 0.3, 0.2]],
    "b2": [0.2, 0.1],
}
DATA = {"x": [1.0, 2.0], "y": 1.0, "T": 3, "half": 0.5, "h0": [0.0, 0.0]}
LOSS = "L = sum(h2**2)"

WRITTEN_OUT = {
    # A definition on one line is put in; arguments keep together.
    "def f(a, b) = a*b\nL = f(x + 1, 2) - f(2, x)": ["L = (x + 1) * 2 - 2 * x"],
    # One of several lines: what it computes on the way is numbered as the result is.
    "def f(a, W, b):\n  z = W @ a + b\n  return relu(z)\nh1 = f(x, W1, b1)\nh2 = f(h1, W2, b2)": [
        "z1 = W1 @ x + b1",
        "h1 = relu(z1)",
        "z2 = W2 @ h1 + b2",
        "h2 = relu(z2)",
    ],
    # Without return the last line is the result, and has its name.
    "def f(a):\n  u = 2*a\n  v = u + 1\nq = f(x)": ["u = 2 * x", "q = u + 1"],
    # What is returned as it is takes its place among the names.
    "def f(a):\n  u = 2*a\n  return u*a, u\nh_1, c_1 = f(x)": ["c_1 = 2 * x", "h_1 = c_1 * x"],
    # Inside a formula its lines are numbered as the line is.
    "def f(a):\n  u = 2*a\n  return u*a\nh_1 = 1 + f(x)": ["u_1 = 2 * x", "h_1 = 1 + u_1 * x"],
    # A name with a number keeps it; marks below come last.
    "def f(a):\n  u1 = 2*a\n  u_q = u1\n  return u_q + 1\nh3_1 = f(x)": [
        "u1_3_1 = 2 * x",
        "u3_q_1 = u1_3_1",
        "h3_1 = u3_q_1 + 1",
    ],
    # A repeat: numbers in names, and in indices and formulas by their own name.
    "for t in 1..3:\n  h{t} = t*h{t-1} + x[t-1]": [
        "h1 = 1 * h0 + x[0]",
        "h2 = 2 * h1 + x[1]",
        "h3 = 3 * h2 + x[2]",
    ],
    "for t in 1..2: h_{t} = x_{2*t+1} + X[t-1:t+1, 0]": [
        "h_1 = x_3 + X[0:2, 0]",
        "h_2 = x_5 + X[1:3, 0]",
    ],
    # One in another, and a range of names among the arguments of a call.
    "for t in 1..2:\n  for k in t..2:\n    a{t}_{k} = x\n  s{t} = sum(a{t}_{t..2})\nm = mean(s{1..2})": [
        "a1_1 = x",
        "a1_2 = x",
        "s1 = a1_1 + a1_2",
        "a2_2 = x",
        "s2 = a2_2",
        "m = (s1 + s2) / 2",
    ],
    "c = concat(h{1..3}, axis=1)\nd = concat([h{1..2}])\nm = max(h{1..3})": [
        "c = concat(h1, h2, h3, axis=1)",
        "d = concat(h1, h2)",
        "m = maximum(maximum(h1, h2), h3)",
    ],
    # A definition may call another, repeat, and count with an argument.
    "def g(a) = tanh(a)\ndef f(a, n):\n  u0 = a\n  for k in 1..n:\n    u{k} = g(u{k-1})\n  return u{n}\nh = f(x, 2)": [
        "u0 = x",
        "u1 = tanh(u0)",
        "h = tanh(u1)",
    ],
    "def f(k) = relu(W{k} @ h{k-1})\nfor k in 1..2:\n  h{k} = f(k)": [
        "h1 = relu(W1 @ h0)",
        "h2 = relu(W2 @ h1)",
    ],
    # Definitions in any order, other lines as they were written, comments, marks of mathematics.
    "ŷ = g(x)  # a comment\n# another\ndef g(a) = σ(a)\nL = (ŷ − y)²\n": [
        "yhat = sigmoid(x)",
        "L = (ŷ − y)²",
    ],
    "L{1} = x": ["L1 = x"],
}


@pytest.mark.parametrize("text", WRITTEN_OUT)
def test_written_out(text: str) -> None:
    assert [e.text for e in parse_equations(text)] == WRITTEN_OUT[text]
    plain = parse_equations("\n".join(WRITTEN_OUT[text]))
    assert [(e.target, e.expression, e.number) for e in parse_equations(text)] == [
        (e.target, e.expression, e.number) for e in plain
    ]


def test_a_list_of_lines_keeps_its_indentation() -> None:
    lines = ["for t in 1..2:", "  h{t} = x*h{t-1}", "L = h2"]
    assert [e.target for e in parse_equations(lines)] == ["h1", "h2", "L"]
    blocks = ["def f(a):\n  u = 2*a\n  return u + 1", "h1 = f(x)", "L = h1"]
    assert [e.target for e in parse_equations(blocks)] == ["u1", "h1", "L"]


REFUSED = {
    "def layer(x, W, b) = relu(W @ x + b)\nh1 = layer(x, W1, b1)\nh2 = layer(h1, W2, b2)": (
        "my.toml, line 1 of the equations: def layer(x, W, b) = relu(W @ x + b)\n"
        "                                                            ~~^~~\n"
        "in layer(h1, W2, b2), called on line 3: W2 is 2×3 but h1 has 2 entries"
    ),
    "for l in 1..2:\n  h{l} = relu(W{l} @ h{l-1} + b{l})": (
        "my.toml, line 2 of the equations: h{l} = relu(W{l} @ h{l-1} + b{l})\n"
        "                                              ~~~~~^~~~~~~~\n"
        "at l = 2: W2 is 2×3"
    ),
    "def f(a) = log(a)\nfor t in 1..2:\n  h{t} = f(x - 1)": "in f(x - 1), called on line 3, at t = 1: x - 1 must be positive",
    "def f(a) = q*a\nh2 = f(x)": "in f(x), called on line 2: q has no number",
    "def f(a, b) = a\nh2 = f(x)": "f takes 2 arguments, and was given 1 (they are a, b)",
    "def f(a) = a\nh2 = f(a=x)": "f takes its arguments in their order",
    "def f(x) = f(x)\nh2 = f(x)": "f calls itself (a definition cannot need itself",
    "def f(x) = g(x)\ndef g(x):\n  a = f(x)\nh2 = f(x)": "f calls g, which calls f (",
    "def f(a) = f(a)\nh2 = x": "f calls itself",
    "def relu(x) = x\nh2 = x": "relu is an operation (define it by another name)",
    "def swish(x) = x\nh2 = x": "swish is an operation",
    "def x(a) = a\nh2 = h0": "x is given a number (define it by another name)",
    "def f(a) = a\ndef f(b) = b\nh2 = h0": "f is defined already, on line 1",
    "def q(a) = a\nq = x\nh2 = x": "q is defined, and computed too",
    "def f(a):\n  y = 2*a\n  return y + 1\nh2 = 2*f(x)\nk = h2": "",
    "def f(a):\n  y = 2*a\n  return y + 1\nh = f(x)\nh2 = h": "in f(x), called on line 4: y is given a number and computed too (call that line",
    "def f(a):\n  z = 2*a\n  return z + 1\nh = f(x)\nk = f(h)\nh2 = k": "z is computed twice, first on line 2, in f(x), called on line 4 (number what",
    "for t in 1..3:\n  h_t = x\nh2 = x": "at t = 2: h_t is computed twice, first on line 2, at t = 1 (write h_{t}",
    "for t in 1..3:\n  h = x\nh2 = x": "(write h{t}, which is another name at each step)",
    "for t in 1..0:\n  h{t} = x\nh2 = x": "1..0 repeats nothing",
    "for t in 1..2\n  h{t} = x": "(write for t in 1..5:)",
    "for t in 1..2:\nh2 = x": "nothing is repeated (indent the lines that are)",
    "for t in range(1, 3):\n  h{t} = x": "(write for t in 1..2:)",
    "for t in range(T):\n  h{t} = x": "(write for t in 0..T-1:)",
    "for t in 1..half:\n  h{t} = x": "half counts the steps: give one whole number, the same for every case",
    "for t in 1..N:\n  h{t} = x": "N is no whole number here (give it under [data], N = 5, or count",
    "def f(a)\n  return 2*a\nh2 = f(x)": "':' is missing after the arguments of f (write def f(a):)",
    "for y in 1..2:\n  h{y} = x": "y is given a number (call the step otherwise",
    "for t in 1..2:\n  for t in 1..2:\n    h{t} = x": "t is the step of the repeat around this one",
    "for t in 1..2:\n  h{t} = h{t-2} + x": "at t = 1: {t-2} is -1 here",
    "for t in 1..2:\n  h[t] = x": "write h{t}: the number goes into the name",
    "for t in 1..2:\n  h{t} = h[t-1] + x": "h[t] is an entry of an array",
    "for t in 1..2:\n  h{t} = x[t]*x": "at t = 2: index 2 is outside axis 0 of x",
    "h2 = x{1": "'}' is missing after the number in a name",
    "h2 = W{t}": "t is no whole number here",
    "z = h{1..2} + 1\nh2 = x": "h{1..2} is several names",
    "def f(c):\n  c = 2*c\n  return c\nh2 = f(x)": "c is an argument, and keeps its value (give the new value a name of its own, such as c_new)",
    "def f(a):\n  u = 2*a\n  return u, a\nh2 = 1 + f(x)": "f returns 2 values, and one has a place here",
    "def f(a):\n  u = 2*a\n  return u, a\nh2 = f(x)": "f returns 2 values, and is given 1 name (",
    "def f(a) = 2*a\nh2, h3 = f(x)": "f returns 1 value, and is given 2 names (",
    "h2, h3 = x\nh{4} = x": "only the call of a definition computes several names at once",
    "def f(a) = 2*a\nh2 = x*f": "f is a definition (call it: f(…))",
    "def f(a) = 2**\nh2 = x": "the equation ends where a value is missing",
    "def f(a):\nh2 = x": "f has no formula",
    "def f(a) = a\n  h2 = x": "indented under a definition of f that ends on its own line",
    "def f(a, a) = a\nh2 = x": "f has the argument a twice",
    "def f(a):\n  def g(b) = b\n  return g(a)\nh2 = f(x)": "not inside another (write it above)",
    "for t in 1..2:\n  def g(b) = b\nh2 = x": "not inside a repeat (write it above)",
    "def f(a):\n  for k in 1..2:\n    z{k} = a\nh2 = f(x)": "let its last line be return and a formula",
    "return x\nh2 = x": "return stands on the last line of a definition",
    f"for t in 1..{MOST + 1}:\n  h{{t}} = x": f"{MOST + 1} repeats make more than {MOST} equations",
    "for t in 1..200:\n  for k in 1..200:\n    h{t}_{k} = x": f"the problem has more than {MOST} equations",
    "for t in 1..60:\n  e{t} = x\nh2 = sum(e{1..60})": "(add them up step by step: s{t} = s{t-1} + L{t}, with s0 = 0)",
    # What grows as a power is stopped on its way.
    "def a0(x) = x + x\n" + "".join(f"def a{k}(x) = a{k - 1}(a{k - 1}(x))\n" for k in range(1, 20)) + "h2 = a19(x)": "grows to more than 10000 names and numbers",
    "def f(a, b) = 1\ndef g0(x) = x\n" + "".join(f"def g{k}(x) = f(g{k - 1}(x), g{k - 1}(x))\n" for k in range(1, 30)) + "h2 = g29(x)": "nest deeper than",
    "def f(a, b) = 1\ndef g0(x) = x\n" + "".join(f"def g{k}(x) = f(g{k - 1}(x), g{k - 1}(x))\n" for k in range(1, 20)) + "h2 = g19(x)": "more than 50000 calls",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refused_with_the_line_that_was_written(text: str) -> None:
    wanted = REFUSED[text]
    if not wanted:
        handgrad.solve(handgrad.Problem(f"{text}\n{LOSS}", PARAMETERS, DATA))
        return
    with pytest.raises(handgrad.HandgradError) as raised:
        handgrad.solve(handgrad.Problem(f"{text}\n{LOSS}", PARAMETERS, DATA, where="my.toml"))
    said = str(raised.value)
    assert wanted in said
    assert said.startswith("my.toml")
    assert said.count("my.toml") == 1
    # One message: what was written, marks under it, and what is wrong with it.
    assert len(said.splitlines()) <= 3


def test_definitions_alone_compute_nothing() -> None:
    with pytest.raises(handgrad.EquationError, match=r"nothing is computed \(a definition"):
        parse_equations("def f(a) = a")


BLOCKS = """
def step(x, h):
    s = W1 @ x + h
    return tanh(s)
for t in 1..T:
    h{t} = step(h0 + t*x, h{t-1})
L = sum(h{T}**2)
"""


def test_saved_as_it_was_written(tmp_path: Path) -> None:
    problem = handgrad.Problem(BLOCKS, PARAMETERS, DATA)
    assert len(problem.equations) == 7
    assert BLOCKS.strip() in problem.to_toml()
    problem.save(tmp_path / "p.toml")
    again = handgrad.load(tmp_path / "p.toml")
    assert again == problem
    assert again.to_toml() == problem.to_toml()
    # Other equations are not those of the text any more.
    swapped = problem.with_swap({"tanh": "relu"})
    assert "for t" not in swapped.to_toml()
    assert handgrad.loads(swapped.to_toml()) == swapped


def test_another_number_of_steps() -> None:
    problem = handgrad.Problem(BLOCKS, PARAMETERS, DATA)
    longer = problem.with_values({"T": "5"})
    assert [e.target for e in longer.equations if e.target.startswith("h")] == [f"h{t}" for t in range(1, 6)]  # fmt: skip
    assert longer == handgrad.Problem(BLOCKS, PARAMETERS, {**DATA, "T": 5})
    # Other numbers leave the equations as they are, and the text too.
    other = problem.with_values({"x": [0.5, 0.5]})
    assert other.equations == problem.equations
    assert BLOCKS.strip() in other.to_toml()
    with pytest.raises(handgrad.HandgradError, match="T counts the steps: give one whole number"):
        problem.with_values({"T": 0.5})


NAMES = st.sampled_from(["x", "h", "W", "z1", "T", "t"])
LINES = st.sampled_from(
    [
        "def f(a, b) = {0}*a + b", "def g(a):", "  u = a*{0}", "  return u + {0}", "for {0} in 1..{1}:", "for t in 1..2:",
        "  h{{t}} = h{{t-1}}*{0}", "h1 = f({0}, {1})", "h{{1}} = g({0})", "  k{{t}}, m{{t}} = g({0})", "L = sum(h{{1..2}})*{0}",
        "  for k in t..3:", "    v{{t}}_{{k}} = {0}[k-1] + f(t, k)", "def f({0}):", "L = g(f({0}, g({1})))", "{0} = {1}{{2}}", "  {0}{{t}} = t",
    ]
)  # fmt: skip


@given(st.lists(st.builds(lambda line, a, b: line.format(a, b), LINES, NAMES, NAMES), max_size=12))
def test_any_lines_are_written_out_or_refused(lines: list[str]) -> None:
    try:
        equations = parse_equations(lines)
    except handgrad.EquationError:
        return
    plain = parse_equations([e.text for e in equations])
    assert [e.expression for e in plain] == [e.expression for e in equations]


def test_the_same_numbers_as_written_by_hand() -> None:
    """A stack of layers by blocks and by hand: every value and gradient, to the last bit."""
    rng = np.random.default_rng(3)
    shapes = [(4, 3), (5, 4), (2, 5)]
    parameters = {f"W{k}": rng.normal(size=s) for k, s in enumerate(shapes, 1)}
    parameters |= {f"b{k}": rng.normal(size=s[0]) for k, s in enumerate(shapes, 1)}
    data = {"h0": rng.normal(size=3), "y": rng.normal(size=2)}
    text = "def layer(x, W, b):\n  z = W @ x + b\n  return tanh(z)\nfor k in 1..3:\n  h{k} = layer(h{k-1}, W{k}, b{k})\nL = mse(h3, y)"
    hand = [line for k in (1, 2, 3) for line in (f"z{k} = W{k} @ h{k - 1} + b{k}", f"h{k} = tanh(z{k})")]  # fmt: skip
    one = handgrad.solve(handgrad.Problem(text, parameters, data))
    other = handgrad.solve(handgrad.Problem([*hand, "L = mse(h3, y)"], parameters, data))
    assert one.to_json() == other.to_json()
