"""Networks of the less common activations, losses and functions, and formulas with π and e."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw

BENT = (
    "hardtanh",
    "relu6",
    "hardsigmoid",
    "hardswish",
    "mish",
    "selu",
    "celu",
    "log_sigmoid",
    "prelu",
)


def _applied(d: Draw, act: str, z: str, units: int) -> str:
    """An activation of z, with what else it takes."""
    if act == "prelu":
        d.sheet.parameters.setdefault("a", d.pick((0.25, 0.1, d.array(units))))
        return f"prelu({z}, a)"
    if act == "celu":
        return d.pick((f"celu({z})", f"celu({z}, alpha=0.5)", f"celu({z}, 2)"))
    if act == "log_sigmoid":
        return d.pick((f"log_sigmoid({z})", f"logsigmoid({z})"))
    return f"{act}({z})"


def bent_network(d: Draw) -> None:
    """One or two hidden layers whose activation is flat on a side, or bends; now and then of many cases."""
    s, n, hidden = d.sheet, d.size(3), d.size(3)
    first, second = d.pick(BENT), d.pick(BENT)
    s.data |= {"x": d.array(n, top=4), "y": d.array(far=False)}
    s.parameters |= {"W1": d.array(hidden, n, top=2.5), "b1": d.array(hidden), "w": d.array(hidden)}
    s.add("z1 = W1 @ x + b1", f"h1 = {_applied(d, first, 'z1', hidden)}")
    last = "h1"
    if d.chance(0.4):
        s.parameters |= {"W2": d.array(hidden, hidden, top=2.5), "b2": d.array(hidden)}
        s.add("z2 = W2 @ h1 + b2", f"h2 = {_applied(d, second, 'z2', hidden)}")
        last = "h2"
    s.add(f"yhat = w @ {last}", f"L = {d.squared('yhat', 'y')}")
    if d.chance(0.5):
        m = d.size(4)
        s.data |= {"x": d.array(m, n, top=4), "y": d.array(m, far=False)}
        s.batched |= {"x", "y"}


def prelu(d: Draw) -> None:
    """A slope that is learned, one for all units or one for each column of a matrix."""
    s, rows, n, units = d.sheet, d.size(3), d.size(3), d.size(3)
    s.data |= {"X": d.array(rows, n, far=False), "Y": d.array(rows, units, far=False)}
    s.parameters |= {"W": d.array(n, units), "alpha": d.pick((0.25, d.array(units)))}
    s.add("Z = X @ W", "H = prelu(Z, alpha)", d.pick(("L = mse(H, Y)", "L = mae(H, Y)", "L = sum((H - Y)**2)")))  # fmt: skip


def held(d: Draw) -> None:
    """Numbers held between bounds by clip, in several spellings."""
    s, n, m = d.sheet, d.size(3), d.size(3)
    s.data |= {"x": d.array(n, far=False), "t": d.array(m, far=False)}
    s.parameters |= {"W": d.array(m, n), "b": d.array(m)}
    s.add("z = W @ x + b", d.pick(("c = clip(z, -1, 1)", "c = clamp(z, low=0)", "c = clip(z, high=0.5)", "c = clip(z, 0, 1)", "c = clip(z, -0.5, 0.5)")))  # fmt: skip
    s.add(d.pick(("r = erf(c - t)", "r = square(c - t)", "r = c - t")), "L = sum(r**2)")


def masked(d: Draw) -> None:
    """Inverted dropout by its name, with the mask given."""
    s, n, hidden = d.sheet, d.size(3), d.size(4, 2)
    s.data |= {"x": d.array(n, far=False), "mask": d.binary(hidden), "y": d.array(far=False)}
    s.parameters |= {"W": d.array(hidden, n), "b": d.array(hidden), "v": d.array(hidden)}
    act = d.pick(("relu", "relu", "relu6", "tanh"))
    s.add(f"h = {act}(W @ x + b)", d.pick(("d = dropout(h, mask)", "d = dropout(h, mask, 0.2)", "d = dropout(h, mask, p=0.9)")))  # fmt: skip
    s.add("yhat = v @ d", "L = (yhat - y)**2")
    if d.chance(0.4):
        m = d.size(3)
        s.data |= {"x": d.array(m, n, far=False), "y": d.array(m, far=False), "mask": d.binary(m, hidden)}  # fmt: skip
        s.batched |= {"x", "y", "mask"}


def robust_loss(d: Draw) -> None:
    """A line or a small network with the absolute error or smooth L1."""
    s, n, m = d.sheet, d.size(3), d.size(3)
    s.parameters |= {"W": d.array(m, n), "b": d.array(m)}
    s.data |= {"x": d.array(n, far=False), "y": d.array(m, top=2, far=False)}
    s.add("yhat = W @ x + b" if d.chance(0.6) else f"yhat = {d.activation()}(W @ x + b)")
    s.add(d.pick(("L = mae(yhat, y)", "L = l1_loss(yhat, y)", "L = smooth_l1(yhat, y)", "L = smooth_l1(yhat, y, beta=0.5)", "L = smooth_l1_loss(yhat, y, 2)")))  # fmt: skip
    if d.chance(0.3):
        cases = d.size(4)
        s.data |= {"x": d.array(cases, n, far=False), "y": d.array(cases, m, top=2, far=False)}
        s.batched |= {"x", "y"}


def log_likelihood(d: Draw) -> None:
    """The negative log-likelihood of a log softmax: of one example, of rows, or of cases."""
    s, n, classes = d.sheet, d.size(3), d.size(4, 2)
    numbered, kind = d.chance(0.5), d.random.random()
    s.parameters |= {"W": d.array(classes, n), "b": d.array(classes)}
    name = d.pick(("nll", "nll", "nll_loss"))
    if kind < 0.35:
        rows = d.size(3)
        s.data |= {"X": d.array(rows, n)}
        s.data["y"] = [d.random.randrange(classes) for _ in range(rows)] if numbered else d.one_hot(classes, rows)  # fmt: skip
        s.add("Z = X @ W.T + b", "logp = log_softmax(Z)", f"L = {name}(logp, y)")
        return
    s.data |= {"x": d.array(n), "y": d.random.randrange(classes) if numbered else d.one_hot(classes)}  # fmt: skip
    s.add("z = W @ x + b", *d.pick((("l = log_softmax(z)", f"L = {name}(l, y)"), (f"L = {name}(log_softmax(z), y)",))))  # fmt: skip
    if kind > 0.7:
        cases = d.size(3)
        s.data["x"] = d.array(cases, n)
        s.data["y"] = [d.random.randrange(classes) for _ in range(cases)] if numbered else d.one_hot(classes, cases)  # fmt: skip
        s.batched |= {"x", "y"}


def divergence(d: Draw) -> None:
    """How far a softmax is from given probabilities."""
    s, n, classes = d.sheet, d.size(3), d.size(4, 2)
    s.parameters |= {"W": d.array(classes, n), "b": d.array(classes)}
    s.data |= {"x": d.array(n, far=False), "p": d.pick((d.shares(classes), d.one_hot(classes)))}
    s.add("z = W @ x + b", "q = softmax(z)", "L = kl_div(p, q)")


def constants(d: Draw) -> None:
    """Formulas with π and e, in a density, an angle, or a growth."""
    s, n = d.sheet, d.size(3)
    pi = d.pick(("pi", "π"))
    s.parameters |= {"mu": d.array(far=False), "k": d.array(far=False)}
    s.data |= {"x": d.array(n, far=False)}
    s.add(*d.pick((
        (f"p = exp(-(x - mu)**2/2)/sqrt(2*{pi})", "L = -sum(log(p)) + k**2"),
        (f"w = sin(2*{pi}*k*x) + mu", "L = mean(w**2)"),
        ("g = e**(k*x) - mu", "L = mean(g**2)"),
        (f"A = {pi}*k**2 + mu", "B = e*A", "L = sum((B - x)**2)"),
    )))  # fmt: skip


FAMILIES = (
    bent_network,
    prelu,
    held,
    masked,
    robust_loss,
    log_likelihood,
    divergence,
    constants,
)
