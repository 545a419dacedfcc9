"""Feedforward networks: one example, declared cases, batches in rows and in columns."""

from __future__ import annotations

from itertools import pairwise

from tests.gauntlet.families.draw import Draw


def _layers(d: Draw, sizes: list[int], value: str, hidden: str = "") -> tuple[str, bool]:
    """Layers on column vectors up to the last pre-activation; its name, and whether it is a number."""
    names, s = d.layer_names(), d.sheet
    pre, flat = "", False
    for k, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        weights, bias, pre, out = names.of(k)
        last = k == len(sizes) - 1
        flat = last and outputs == 1 and d.chance(0.6)
        s.parameters[weights] = d.array(inputs) if flat else d.array(outputs, inputs)
        product = f"{weights}.T @ {value}" if flat else f"{weights} @ {value}"
        if flat:
            product = d.pick((product, f"dot({weights}, {value})", f"sum({weights}*{value})"))
        if d.chance(0.85):
            s.parameters[bias] = d.array() if flat else d.array(outputs)
            product += f" + {bias}"
        s.add(f"{pre} = {product}")
        if not last:
            s.add(f"{out} = {hidden or d.activation()}({pre})")
            value = out
        elif not flat and outputs == 1 and d.chance(0.5):
            # One number of a vector of one: people index it, or sum it, or leave it.
            s.add(f"score = {pre}[0]")
            pre, flat = "score", True
    return pre, flat


def _sizes(d: Draw, outputs: int = 1) -> list[int]:
    return [d.size(3), *[d.size(3) for _ in range(d.size(2))], outputs]


def mlp(d: Draw) -> None:
    """One example, a sigmoid or a linear output."""
    s, loss, out, y = d.sheet, d.loss_name(), d.output_name(), d.target_name()
    sizes = _sizes(d)
    s.data["x"] = d.array(sizes[0], top=2, far=False)
    pre, scalar = _layers(d, sizes, "x")
    if d.chance(0.5):
        s.add(f"{out} = {d.sigmoid(pre)}", f"{loss} = {d.cross_entropy_of(out, y, scalar)}")
        s.data[y] = d.binary() if scalar else d.binary(1)
        if not scalar and "sum" not in s.equations[-1] and "mean" not in s.equations[-1] and "bce" not in s.equations[-1]:  # fmt: skip
            s.equations[-1] = f"{loss} = sum({s.equations[-1].partition('=')[2].strip()})"
    else:
        s.add(f"{loss} = {d.squared(pre, y)}")
        if "sum" not in s.equations[-1] and "m" not in s.equations[-1].partition("=")[2]:
            s.equations[-1] = f"{loss} = sum({s.equations[-1].partition('=')[2].strip()})"
        s.data[y] = d.array(far=False) if scalar else d.array(1, far=False)


def mlp_cases(d: Draw) -> None:
    """The same equations for declared cases."""
    mlp(d)
    _declare_cases(d, d.size(4))


def wide(d: Draw) -> None:
    """More units, or more rows of a batch, than a page names one by one."""
    s, loss, y = d.sheet, d.loss_name(), d.target_name()
    many = 33 + d.size(12)
    if d.chance(0.5):
        s.data["x"] = d.array(2, top=2, far=False)
        s.parameters |= {"W": d.array(many, 2), "b": d.array(many), "v": d.array(many, far=False)}
        s.add("z = W @ x + b", "h = relu(z)", "yhat = v @ h")
        s.data[y] = d.array(far=False)
        s.add(f"{loss} = (yhat - {y})**2")
    else:
        s.data["X"] = d.array(many // 3, 2, top=2, far=False)
        s.parameters |= {"W": d.array(2, 4), "b": d.array(4), "v": d.array(4, far=False)}
        s.add("Z = X @ W + b", "H = relu(Z)", "p = H @ v")
        s.data[y] = d.array(many // 3, far=False)
        s.add(f"{loss} = mean((p - {y})**2)")


def _declare_cases(d: Draw, count: int) -> None:
    s = d.sheet
    x, (y, target) = s.data["x"], list(s.data.items())[1]
    s.data["x"] = [d.array(len(x), top=2, far=False) for _ in range(count)]
    one = target[0] if isinstance(target, list) else target
    binary = one in (0, 1)
    rows = [d.binary() if binary else d.array(far=False) for _ in range(count)]
    s.data[y] = [[r] for r in rows] if isinstance(target, list) else rows
    s.batched |= {"x", y}


def shared_penalty_cases(d: Draw) -> None:
    """Declared cases with a weight penalty in each case's loss."""
    mlp_cases(d)
    s = d.sheet
    loss = s.equations[-1].partition("=")[0].strip()
    weights = d.pick([n for n, v in s.parameters.items() if isinstance(v, list)])
    s.equations[-1] = f"data_{loss} = {s.equations[-1].partition('=')[2].strip()}"
    lam = d.pick(("0.1", "0.01", "lam"))
    if lam == "lam":
        s.data["lam"] = d.pick((0.1, 0.5, 1))
    penalty = d.pick((f"{lam}*sum({weights}**2)", f"{lam}/2*norm({weights})**2", f"{lam}*sum(abs({weights}))", f"0.5*{lam}*sum({weights}*{weights})"))  # fmt: skip
    s.add(f"{loss} = data_{loss} + {penalty}")


def row_batch(d: Draw) -> None:
    """Examples in the rows of X: X @ W + b, the bias added to each row."""
    s, loss, out = d.sheet, d.loss_name(), d.output_name()
    rows, inputs, hidden, outputs = d.size(4), d.size(3), d.size(3), d.pick((1, 1, 2))
    W1, b1, z1, h1 = d.layer_names().of(1)  # noqa: N806
    s.data["X"] = d.array(rows, inputs, top=2, far=False)
    s.parameters[W1] = d.array(inputs, hidden)
    s.parameters[b1] = d.pick((d.array(hidden), d.array(1, hidden)))
    s.parameters["V"] = d.array(hidden, outputs)
    s.add(f"{z1} = X @ {W1} + {b1}", f"{h1} = {d.activation()}({z1})", f"{out} = {h1} @ V")
    if d.chance(0.5):
        s.data["Y"] = d.array(rows, outputs, far=False)
        s.add(f"{loss} = {d.squared(out, 'Y', rows * outputs)}")
        if s.equations[-1].partition("=")[2].strip().startswith(("0.5*(", "(")):
            s.equations[-1] = f"{loss} = sum(({out} - Y)**2)"
    else:
        s.data["Y"] = d.binary(rows, outputs)
        s.add(f"P = {d.sigmoid(out)}", f"{loss} = {d.cross_entropy_of('P', 'Y', False)}")


def column_batch(d: Draw) -> None:
    """Examples in the columns: W1 @ X + b1 with b1 a column, and the cost written out with 1/m."""
    s = d.sheet
    m, inputs, hidden = d.size(4), d.size(3), d.size(3)
    log, J = d.pick(("log", "ln")), d.pick(("J", "cost", "L"))  # noqa: N806
    act = d.pick(("relu", "tanh", "relu", "sigmoid"))
    s.parameters |= {
        "W1": d.array(hidden, inputs),
        "b1": d.array(hidden, 1),
        "W2": d.array(1, hidden),
        "b2": d.array(1, 1),
    }
    s.data["X"] = d.array(inputs, m, top=2, far=False)
    s.data["Y"] = d.binary(1, m)
    over = str(m)
    if d.chance(0.4):
        s.data["m"] = m
        over = "m"
    s.add("Z1 = W1 @ X + b1", f"A1 = {act}(Z1)", "Z2 = W2 @ A1 + b2", f"A2 = {d.sigmoid('Z2')}")
    terms = f"Y*{log}(A2) + (1 - Y)*{log}(1 - A2)"
    s.add(d.pick((f"{J} = -(1/{over})*sum({terms})", f"{J} = -1/{over} * sum({terms})", f"{J} = -sum({terms})/{over}", f"{J} = -mean({terms})", f"{J} = (1/{over})*sum(-({terms}))")))  # fmt: skip


def logistic(d: Draw) -> None:
    """One neuron, in one or two equations, all sizes down to 1."""
    s, loss, y = d.sheet, d.loss_name(), d.target_name()
    if d.chance(0.4):
        s.parameters |= {"w": d.array(), "b": d.array()}
        s.data |= {"x": d.array(top=2, far=False), y: d.binary()}
        pre = d.pick(("w*x + b", "b + w*x"))
    else:
        n = d.size(3)
        s.parameters |= {"w": d.array(n), "b": d.array()}
        s.data |= {"x": d.array(n, top=2, far=False), y: d.binary()}
        pre = d.pick(("w @ x + b", "w.T @ x + b", "dot(w, x) + b", "sum(w*x) + b", "wᵀ @ x + b"))
    if d.chance(0.5):
        s.add(f"z = {pre}", f"p = {d.sigmoid('z')}", f"{loss} = {d.cross_entropy_of('p', y)}")
    elif d.chance(0.5):
        s.add(f"p = sigmoid({pre})", f"{loss} = {d.cross_entropy_of('p', y)}")
    else:
        s.add(f"z = {pre}", d.pick((f"{loss} = log(1 + exp(z)) - {y}*z", f"{loss} = softplus(z) - {y}*z", f"{loss} = bce_with_logits(z, {y})", f"{loss} = max(z, 0) - z*{y} + log(1 + exp(-abs(z)))")))  # fmt: skip


def signed_logistic(d: Draw) -> None:
    """Labels ±1: log(1 + exp(−y w·x))."""
    s, loss = d.sheet, d.loss_name()
    n = d.size(3)
    s.parameters["w"] = d.array(n)
    s.data |= {"x": d.array(n, top=2, far=False), "y": d.signs()}
    s.add(d.pick((f"{loss} = log(1 + exp(-y*dot(w, x)))", f"{loss} = softplus(-y*(w @ x))", f"{loss} = -log(sigmoid(y*(w.T @ x)))")))  # fmt: skip


def linear_regression(d: Draw) -> None:
    """Least squares with a design matrix, as courses write its cost."""
    s = d.sheet
    m, n = d.size(4), d.size(3)
    theta = d.pick(("theta", "w", "beta"))
    s.parameters[theta] = d.array(n)
    s.data |= {"X": d.array(m, n, top=2, far=False), "y": d.array(m, far=False)}
    s.add(f"preds = X @ {theta}", d.pick((f"J = 1/(2*{m})*sum((preds - y)**2)", f"J = (1/{2 * m})*sum((preds - y)**2)", "J = mean((y - preds)**2)", "J = mse(preds, y)", f"J = norm(y - preds)**2/{m}", "J = dot(preds - y, preds - y)")))  # fmt: skip
    if d.chance(0.5):
        lam = d.pick((0.1, 0.5, 1))
        s.equations[-1] += d.pick((f" + {lam}/2*sum({theta}**2)", f" + {lam}*norm({theta})**2", f" + {lam}*sum(abs({theta}))", f" + {lam}*norm({theta})", f" + {lam} * {theta}.T @ {theta}"))  # fmt: skip


def polynomial(d: Draw) -> None:
    """A curve fitted to points: a + b x + c x²."""
    s, n = d.sheet, d.size(4)
    s.parameters |= {"a": d.array(), "b": d.array(), "c": d.array()}
    s.data |= {"x": d.array(n, top=2, far=False), "y": d.array(n, far=False)}
    s.add(d.pick(("f = a + b*x + c*x**2", "f = a + x*(b + c*x)")), "r = y - f")
    s.add(d.pick(("SSE = sum(r**2)", "SSE = r @ r", "E = mean(r*r)/2")))
    if d.chance(0.4):
        s.data |= {"x": d.array(n, top=2, far=False), "y": d.array(n, far=False)}
        s.equations = [*s.equations[:2], "E = r**2"]
        s.batched |= {"x", "y"}


def svm(d: Draw) -> None:
    """A linear machine with the hinge loss, and half the squared length of w."""
    s, n, loss = d.sheet, d.size(3), d.loss_name()
    s.parameters |= {"w": d.array(n), "b": d.array()}
    rows = d.size(4)
    lam = d.pick((0.1, 0.5, 1))
    if d.chance(0.5):
        s.data |= {"X": d.array(rows, n, top=2, far=False), "y": d.signs(rows)}
        s.add("f = X @ w + b", "slack = max(0, 1 - y*f)")
        s.add(f"{loss} = {d.pick((f'sum(slack)/{rows}', 'mean(slack)', 'hinge(f, y)'))} + {lam}/2*{d.pick(('sum(w**2)', 'dot(w, w)', 'norm(w)**2'))}")  # fmt: skip
    else:
        s.data |= {"x": d.array(n, top=2, far=False), "y": d.signs()}
        s.add("f = w @ x + b", f"{loss} = max(0, 1 - y*f) + {lam}*sum(w*w)")


def perceptron(d: Draw) -> None:
    """max(0, −y f), at its kink as often as the grid has it."""
    s, n = d.sheet, d.size(3)
    s.parameters |= {"w": d.array(n, top=0.5), "b": d.array(top=0.5)}
    s.data |= {"x": d.array(n, top=1, far=False), "y": d.signs()}
    s.add("f = w @ x + b", d.pick(("L = relu(-y*f)", "L = max(0, -y*f)", "L = maximum(-y*f, 0)")))


def shut_network(d: Draw) -> None:
    """ReLUs with biases so low that most are off."""
    s = d.sheet
    n, hidden = d.size(3), d.size(4, 2)
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.parameters |= {"W1": d.array(hidden, n), "b1": [d.pick((-3, -1, -0.5, 0, 0.1)) for _ in range(hidden)]}  # fmt: skip
    s.parameters |= {"W2": d.array(2, hidden), "b2": [d.pick((-2, 0, 0.2)), d.pick((-1, 0.5))], "v": d.array(2)}  # fmt: skip
    s.add("z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = W2 @ h1 + b2", "h2 = relu(z2)")
    s.add("out = v @ h2", "L = (out - y)**2")
    if d.chance(0.3):
        s.equations[-2:] = ["out = relu(v @ h2)", "L = 0.5*(out - y)**2"]
    if d.chance(0.4):
        s.data |= {"x": d.array(3, n, far=False), "y": d.array(3, far=False)}
        s.batched |= {"x", "y"}


def inline_network(d: Draw) -> None:
    """A whole network in one equation, or nearly."""
    s, n, hidden = d.sheet, d.size(3), d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.parameters |= {"W": d.array(hidden, n), "v": d.array(hidden)}
    act = d.activation()
    s.add(d.pick((f"L = (v @ {act}(W @ x) - y)**2", f"L = 0.5*(y - dot(v, {act}(W @ x)))**2", f"L = abs(v @ {act}(W @ x) - y)")))  # fmt: skip


def multi_output(d: Draw) -> None:
    """Two heads on one hidden layer, their losses added up."""
    s, n, hidden = d.sheet, d.size(3), d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False), "t": d.binary()}
    s.parameters |= {"W": d.array(hidden, n), "u": d.array(hidden), "v": d.array(hidden)}
    s.add(f"h = {d.activation()}(W @ x)", "reg = u @ h", f"cls = {d.sigmoid('(v @ h)')}")
    s.add("L1 = 0.5*(reg - y)**2", f"L2 = {d.cross_entropy_of('cls', 't')}", d.pick(("L = L1 + L2", "L = L1 + 0.5*L2", "total = 0.7*L1 + 0.3*L2")))  # fmt: skip


def tied_autoencoder(d: Draw) -> None:
    """The decoder is the encoder's transpose."""
    s, n, hidden, loss = d.sheet, d.size(3), d.size(2), d.loss_name()
    s.data["x"] = d.array(n, far=False)
    s.parameters |= {"W": d.array(hidden, n), "b": d.array(hidden), "c": d.array(n)}
    s.add(f"h = {d.activation()}(W @ x + b)", d.pick(("r = W.T @ h + c", "r = Wᵀ @ h + c")))
    s.add(f"{loss} = {d.pick(('sum((r - x)**2)', 'mse(r, x)', '0.5*norm(x - r)**2'))}")


def shared_weights(d: Draw) -> None:
    """One weight matrix used twice, or one weight in several places."""
    s, n = d.sheet, d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.parameters |= {"W": d.array(n, n), "v": d.array(n)}
    act = d.activation()
    s.add(f"h1 = {act}(W @ x)", f"h2 = {act}(W @ h1)", "f = v @ h2 + v @ h1", "L = (f - y)**2")


def dropout(d: Draw) -> None:
    """A mask that is given, and inverted dropout's division."""
    s, n, hidden = d.sheet, d.size(3), d.size(4, 2)
    keep = d.pick((0.5, 0.8))
    s.data |= {"x": d.array(n, far=False), "mask": d.binary(hidden), "y": d.array(far=False)}
    s.parameters |= {"W": d.array(hidden, n), "b": d.array(hidden), "v": d.array(hidden)}
    s.add(f"h = {d.pick(('relu', 'relu', 'tanh'))}(W @ x + b)", d.pick((f"hd = h*mask/{keep}", "hd = mask ⊙ h", f"hd = (h*mask)/{keep}")))  # fmt: skip
    s.add("yhat = v @ hd", "L = (yhat - y)**2")
    if d.chance(0.4):
        m = d.size(3)
        s.data |= {"x": d.array(m, n, far=False), "y": d.array(m, far=False), "mask": d.binary(m, hidden)}  # fmt: skip
        s.batched |= {"x", "y", "mask"}


def residual(d: Draw) -> None:
    """h = x + F(x), once or twice."""
    s, n = d.sheet, d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(n, far=False)}
    s.parameters |= {"W1": d.array(n, n), "W2": d.array(n, n)}
    act = d.activation()
    s.add(f"f = W2 @ {act}(W1 @ x)", "h = x + f")
    if d.chance(0.4):
        s.add(f"h2 = {act}(h) + x")
        s.add("L = mse(h2, y)")
    else:
        s.add(d.pick(("L = sum((h - y)**2)", "L = mean(abs(h - y))", "L = huber(h, y)")))


def highway(d: Draw) -> None:
    """t ⊙ h + (1 − t) ⊙ x."""
    s, n = d.sheet, d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(n, far=False)}
    s.parameters |= {"Wh": d.array(n, n), "Wt": d.array(n, n), "bt": d.array(n)}
    s.add(f"h = {d.activation()}(Wh @ x)", "t = sigmoid(Wt @ x + bt)", d.pick(("o = t*h + (1 - t)*x", "o = t ⊙ h + (1 − t) ⊙ x")), "L = 0.5*sum((o - y)**2)")  # fmt: skip


def gated_unit(d: Draw) -> None:
    """GLU and SwiGLU: a gate times a value."""
    s, n, hidden = d.sheet, d.size(3), d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(n, far=False)}
    s.parameters |= {"Wg": d.array(hidden, n), "Wu": d.array(hidden, n), "Wd": d.array(n, hidden)}
    gate = d.pick(("sigmoid", "silu", "gelu", "relu"))
    s.add(f"g = {gate}(Wg @ x)", "u = Wu @ x", "out = Wd @ (g*u)", "L = mse(out, y)")


def elastic_net(d: Draw) -> None:
    """L1 and L2 penalties, with weights that are exactly 0 among them."""
    s, n, hidden = d.sheet, d.size(3), d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(hidden, far=False), "l1": d.pick((0.1, 0.01)), "l2": d.pick((0.1, 0.5))}  # fmt: skip
    s.parameters |= {"W": d.array(hidden, n, top=0.5), "b": d.array(hidden)}
    s.add("out = W @ x + b", "fit = mean((out - y)**2)")
    s.add(d.pick(("R = l1*sum(abs(W)) + 0.5*l2*sum(W**2)", "R = l1*sum(abs(W)) + l2*norm(W)**2", "R = l1*sum(max(W, -W)) + l2/2*sum(W*W)")), "cost = fit + R")  # fmt: skip


def experts(d: Draw) -> None:
    """A mixture of two experts weighed by a softmax."""
    s, n = d.sheet, d.size(3)
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.parameters |= {"G": d.array(2, n), "w1": d.array(n), "w2": d.array(n)}
    s.add("g = softmax(G @ x)", "e1 = w1 @ x", "e2 = relu(w2 @ x)", "yhat = g[0]*e1 + g[1]*e2", "E = (yhat - y)**2")  # fmt: skip


FAMILIES = (
    mlp,
    mlp_cases,
    shared_penalty_cases,
    row_batch,
    column_batch,
    logistic,
    signed_logistic,
    linear_regression,
    polynomial,
    svm,
    perceptron,
    shut_network,
    inline_network,
    multi_output,
    tied_autoencoder,
    shared_weights,
    dropout,
    residual,
    highway,
    gated_unit,
    elastic_net,
    experts,
    wide,
)
