"""Circuits of scalars, ties and kinks among them."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw

UNARY = ("exp", "sin", "cos", "tanh", "relu", "sigmoid", "abs", "softplus")


def circuit(d: Draw) -> None:
    """A few random operations on a few numbers, values used more than once."""
    s = d.sheet
    names = list(d.pick(("abc", "xyz", "uvw", "pqr")))
    for name in names:
        s.parameters[name] = d.array(far=False)
    pool = list(names)
    count = d.size(6, 2)
    for k in range(count):
        target = f"{d.pick('efghkmt')}{k + 1}"
        a, b = d.pick(pool), d.pick(pool)
        way = d.random.random()
        if way < 0.6:
            formula = d.pick((f"{a}*{b}", f"{a} + {b}", f"{a} - {b}", f"max({a}, {b})", f"min({a}, {b})", f"{a}**2 + {b}", f"2*{a}*{b}", f"{a}/({b}**2 + 1)"))  # fmt: skip
        else:
            formula = f"{d.pick(UNARY)}({a})"
        s.add(f"{target} = {formula}")
        pool.append(target)
    a, b = pool[-1], d.pick(pool)
    s.add(d.pick((f"L = {a}", f"L = {a}*{b}", f"f = {a}**2", f"out = {a} + {b}", f"L = ({a} - 1)**2")))  # fmt: skip


def newton(d: Draw) -> None:
    """A step of Newton's method, differentiated: x − f/f′."""
    s = d.sheet
    s.parameters |= {"x": d.pick((1, 1.5, 2, -0.7)), "a": d.array(far=False)}
    s.add(*d.pick((("f = x**2 - a", "df = 2*x", "x1 = x - f/df", "L = (x1**2 - a)**2"), ("f = x**3 - 2*x - a", "fp = 3*x**2 - 2", "xn = x - f/fp", "E = xn**2"), ("x1 = 0.5*(x + a/x)", "x2 = 0.5*(x1 + a/x1)", "L = (x2*x2 - a)**2"))))  # fmt: skip


def two_variables(d: Draw) -> None:
    """Textbook functions of two or three numbers."""
    s = d.sheet
    s.parameters |= {"x": d.array(far=False), "y": d.array(far=False), "z": d.array(far=False)}
    s.add(*d.pick((("q = x + y", "f = q*z"), ("f = x*y + sin(x)",), ("f = (x + y)*max(y, z)",), ("r = sqrt(x**2 + y**2 + 0.1)", "f = r*z"), ("f = (1 - x)**2 + 100*(y - x**2)**2 + z**2",), ("num = x + sigmoid(y)", "den = sigmoid(x) + (x + y)**2", "f = num/den + z"), ("f = exp(x*y)/(1 + z**2)",), ("f = log(x**2 + exp(y)) - z",), ("f = x**3 - 3*x*y**2 + z",), ("a = max(x, y)", "b = min(y, z)", "f = a - b"), ("f = abs(x - y) + abs(y - z)",), ("f = (x > y)*x + (x <= y)*y*z",))))  # fmt: skip


def neuron_chain(d: Draw) -> None:
    """σ(w₀x₀ + w₁x₁ + w₂), a number for each weight."""
    s = d.sheet
    s.parameters |= {"w0": d.array(), "w1": d.array(), "w2": d.array()}
    s.data |= {"x0": d.array(far=False), "x1": d.array(far=False)}
    s.add(*d.pick((("f = 1/(1 + exp(-(w0*x0 + w1*x1 + w2)))",), ("d = w0*x0 + w1*x1 + w2", "f = sigmoid(d)"), ("a = w0*x0", "b = w1*x1", "c = a + b", "d = c + w2", "e = -d", "g = exp(e)", "h = g + 1", "f = 1/h"))))  # fmt: skip


def tied_extremes(d: Draw) -> None:
    """Largest and smallest entries that tie."""
    s, n = d.sheet, d.size(4, 2)
    value = d.pick((0.1, 0.3, 1))
    s.parameters["a"] = [d.pick((value, value, 0, -value)) for _ in range(n)]
    s.parameters["b"] = d.array(far=False)
    s.add(*d.pick((("m = max(a)", "L = b*m"), ("L = max(a) - min(a) + b**2",), ("c = maximum(a, b)", "L = sum(c)"), ("L = max(abs(a))*b",), ("t = a - max(a)", "L = sum(exp(t)) + b"))))  # fmt: skip


def thresholds(d: Draw) -> None:
    """Sums that meet a kink exactly on paper, and a hair beside it in floats."""
    s = d.sheet
    s.parameters |= {"w": [0.1, d.pick((0.2, 0.1))], "b": d.pick((-0.3, -0.2, -0.1))}
    s.data["x"] = d.pick(([1, 1], [3, 0], [2, 0], [1, 0]))
    act = d.pick(("relu", "leaky_relu", "abs"))
    s.add("z = w @ x + b", f"h = {act}(z)", d.pick(("L = (h - 1)**2", "L = h + z**2")))


def matrices(d: Draw) -> None:
    """Traces, quadratic forms, outer products."""
    s, n = d.sheet, d.size(3)
    s.parameters |= {"A": d.array(n, n), "x": d.array(n)}
    s.data["b"] = d.array(n, far=False)
    s.add(*d.pick((("f = 0.5*x.T @ A @ x - b.T @ x",), ("r = A @ x - b", "f = r.T @ r"), ("M = outer(x, b)", "f = sum(A*M)"), ("B = A.T @ A", "f = sum(B*outer(x, x))"), ("f = norm(A @ x - b)",), ("y = A @ x", "f = max(y) + 0.5*norm(x)**2"), ("C = A @ A.T", "f = sum(C[0])"), ("f = sum(A[0, :]*x) + A[0, 0]**2",), ("r = reshape(outer(x, b), shape=-1)", "f = sum(r**2)"), ("f = mean(A, axis=0) @ x + sum(max(A, axis=1)*b)",))))  # fmt: skip


def unused_and_constant(d: Draw) -> None:
    """A parameter that does not reach the loss, values that nothing uses, constants of numbers alone."""
    s, n = d.sheet, d.size(2)
    s.parameters |= {"w": d.array(n), "unused": d.array(n)}
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.add("c = 0.5*2", "yhat = dot(w, x)*c", "monitor = yhat - y", "acc = abs(monitor)", "L = (yhat - y)**2")  # fmt: skip


FAMILIES = (
    circuit,
    newton,
    two_variables,
    neuron_chain,
    tied_extremes,
    thresholds,
    matrices,
    unused_and_constant,
)
