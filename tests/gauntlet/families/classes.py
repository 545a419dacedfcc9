"""Classification: softmax, log-sum-exp and cross-entropy, written out the stable and the naive way."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw


def _logits(d: Draw, classes: int) -> str:
    """z = W @ x + b, or a hidden layer before it, or logits that are given; their name."""
    s = d.sheet
    z = d.pick(("z", "logits", "s", "o", "scores", "a"))
    way = d.random.random()
    if way < 0.2:
        s.parameters[z] = d.array(classes, top=3)
        return z
    n = d.size(3)
    s.data["x"] = d.array(n, top=2, far=False)
    if way < 0.7:
        s.parameters["W"] = d.array(classes, n)
        s.add(f"{z} = W @ x")
    else:
        hidden = d.size(3)
        s.parameters |= {"W1": d.array(hidden, n), "b1": d.array(hidden), "W2": d.array(classes, hidden)}  # fmt: skip
        s.add(f"h = {d.activation()}(W1 @ x + b1)", f"{z} = W2 @ h")
    if d.chance(0.5):
        s.parameters["b"] = d.array(classes)
        s.equations[-1] += " + b"
    return z


def softmax_pick(d: Draw) -> None:
    """−log of the right class's probability, picked by its number."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(4, 2)
    z = _logits(d, classes)
    k = d.random.randrange(classes)
    s.add(f"p = softmax({z})", d.pick((f"{loss} = -{d.log()}(p[{k}])", f"{loss} = -1*log(p[{k}])", f"{loss} = log(1/p[{k}])")))  # fmt: skip


def softmax_one_hot(d: Draw) -> None:
    """−Σ y log p with a one-hot target."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(4)
    z, y, log = _logits(d, classes), d.target_name(), d.log()
    s.data[y] = d.one_hot(classes)
    s.add(f"p = softmax({z})")
    s.add(f"{loss} = " + d.pick((f"-sum({y}*{log}(p))", f"-{y} @ {log}(p)", f"-dot({y}, {log}(p))", f"sum(-{y}*{log}(p))", f"cross_entropy(p, {y})", f"-(sum({y} * {log}(p)))")))  # fmt: skip


def softmax_naive(d: Draw) -> None:
    """exp and its sum written out, unshifted."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(4)
    z, y, log = _logits(d, classes), d.target_name(), d.log()
    s.add(*d.pick(((f"e = exp({z})", "p = e/sum(e)"), (f"p = exp({z})/sum(exp({z}))",), (f"ez = exp({z})", "Zsum = sum(ez)", "p = ez/Zsum"))))  # fmt: skip
    if d.chance(0.5):
        s.data[y] = d.one_hot(classes)
        s.add(f"{loss} = -sum({y}*{log}(p))")
    else:
        s.add(f"{loss} = -{log}(p[{d.random.randrange(classes)}])")


def softmax_stable(d: Draw) -> None:
    """The same, shifted by the largest logit."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(4)
    z, y, log = _logits(d, classes), d.target_name(), d.log()
    s.add(*d.pick(((f"m = max({z})", f"e = exp({z} - m)", "p = e/sum(e)"), (f"e = exp({z} - max({z}))", "p = e/sum(e)"), (f"c = max({z})", f"p = exp({z} - c)/sum(exp({z} - c))"))))  # fmt: skip
    if d.chance(0.5):
        s.data[y] = d.one_hot(classes)
        s.add(f"{loss} = {d.pick((f'-sum({y}*{log}(p))', f'cross_entropy(p, {y})', f'-{y}.T @ {log}(p)'))}")  # fmt: skip
    else:
        s.add(f"{loss} = -{log}(p[{d.random.randrange(classes)}])")


def log_sum_exp(d: Draw) -> None:
    """log Σ exp z − z_k, plain or shifted."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(4)
    z, log, k = _logits(d, classes), d.log(), d.random.randrange(classes)
    way = d.random.random()
    if way < 0.3:
        s.add(f"{loss} = {log}(sum(exp({z}))) - {z}[{k}]")
    elif way < 0.5:
        s.add(f"lse = {log}(sum(exp({z})))", f"{loss} = -{z}[{k}] + lse")
    elif way < 0.8:
        s.add(f"m = max({z})", f"lse = m + {log}(sum(exp({z} - m)))", f"{loss} = lse - {z}[{k}]")
    else:
        s.data["y"] = d.one_hot(classes)
        s.add(f"lse = {log}(sum(exp({z})))", f"{loss} = lse - sum(y*{z})")


def log_softmax(d: Draw) -> None:
    """The logarithm of the softmax by name, or written out."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(4)
    z, k = _logits(d, classes), d.random.randrange(classes)
    s.add(d.pick((f"lp = log_softmax({z})", f"lp = logsoftmax({z})", f"lp = {z} - log(sum(exp({z})))")))  # fmt: skip
    if d.chance(0.5):
        s.add(f"{loss} = -lp[{k}]")
    else:
        s.data["y"] = d.one_hot(classes)
        s.add(f"{loss} = -sum(y*lp)")


def class_numbers(d: Draw) -> None:
    """The target as a class number, for one example, in cases, or for each row."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(4, 2)
    n, rows = d.size(3), d.size(4)
    way = d.random.random()
    if way < 0.35:
        z = _logits(d, classes)
        s.data["y"] = d.random.randrange(classes)
        s.add(f"p = softmax({z})", f"{loss} = cross_entropy(p, y)")
        return
    numbers = [d.random.randrange(classes) for _ in range(rows)]
    s.data |= {"X": d.array(rows, n, top=2, far=False), "y": numbers}
    if way < 0.7:
        s.parameters |= {"W": d.array(n, classes), "b": d.array(classes)}
        s.add("Z = X @ W + b", "P = softmax(Z)", f"{loss} = cross_entropy(P, y)")
    else:
        s.data["x"] = s.data.pop("X")
        s.parameters |= {"W": d.array(classes, n), "b": d.array(classes)}
        s.add("z = W @ x + b", "p = softmax(z)", f"{loss} = cross_entropy(p, y)")
        s.batched |= {"x", "y"}


def softmax_cases(d: Draw) -> None:
    """A softmax layer on declared cases, one-hot targets."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(3, 2)
    n, rows, log = d.size(3), d.size(4), d.log()
    s.data |= {"x": d.array(rows, n, top=2, far=False), "y": d.one_hot(classes, rows)}
    s.batched |= {"x", "y"}
    s.parameters |= {"W": d.array(classes, n), "b": d.array(classes)}
    s.add("z = W @ x + b", *d.pick((("p = softmax(z)",), ("e = exp(z)", "p = e/sum(e)"), ("e = exp(z - max(z))", "p = e/sum(e)"))))  # fmt: skip
    s.add(f"{loss} = {d.pick((f'-sum(y*{log}(p))', 'cross_entropy(p, y)', f'-y @ {log}(p)'))}")


def softmax_rows(d: Draw) -> None:
    """A batch in rows: P by name or written out along axis 1, the loss with 1/m."""
    s, loss, classes = d.sheet, d.loss_name(), d.size(3, 2)
    n, m, log = d.size(3), d.size(4), d.log()
    s.data |= {"X": d.array(m, n, top=2, far=False), "Y": d.one_hot(classes, m)}
    s.parameters |= {"W": d.array(n, classes), "b": d.array(classes)}
    s.add("Z = X @ W + b")
    axis = d.pick(("1", "-1"))
    s.add(*d.pick((("P = softmax(Z)",), (f"P = softmax(Z, axis={axis})",), ("expZ = exp(Z)", f"P = expZ/sum(expZ, axis={axis}, keepdims=True)"), (f"expZ = exp(Z - max(Z, axis={axis}, keepdims=True))", f"P = expZ/sum(expZ, axis={axis}, keepdims=True)"))))  # fmt: skip
    s.add(f"{loss} = " + d.pick((f"-sum(Y*{log}(P))/{m}", f"-(1/{m})*sum(Y*{log}(P))", f"-mean(sum(Y*{log}(P), axis=1))", f"mean(-sum(Y*{log}(P), axis={axis}))", "cross_entropy(P, Y)", f"-sum(Y*{log}(P))")))  # fmt: skip


def softmax_columns(d: Draw) -> None:
    """A batch in columns: softmax along axis 0."""
    s, classes = d.sheet, d.size(3, 2)
    n, m, log = d.size(3), d.size(4), d.log()
    s.data["X"] = d.array(n, m, top=2, far=False)
    s.data["Y"] = [list(c) for c in zip(*d.one_hot(classes, m), strict=True)]
    s.parameters |= {"W": d.array(classes, n), "b": d.array(classes, 1)}
    s.add("Z = W @ X + b", *d.pick((("A = softmax(Z, axis=0)",), ("T = exp(Z)", "A = T/sum(T, axis=0, keepdims=True)"), ("T = exp(Z)", "A = T/sum(T, axis=0)"))))  # fmt: skip
    s.add(d.pick((f"J = -(1/{m})*sum(Y*{log}(A))", f"J = -sum(Y*{log}(A))/{m}", f"cost = -mean(sum(Y*{log}(A), axis=0))")))  # fmt: skip


def label_smoothing(d: Draw) -> None:
    """A one-hot target mixed with a uniform one."""
    s, classes = d.sheet, d.size(4, 2)
    z, eps = _logits(d, classes), d.pick((0.1, 0.2))
    s.data["y"] = d.one_hot(classes)
    s.add(d.pick((f"ys = (1 - {eps})*y + {eps}/{classes}", f"ys = y*(1-{eps}) + {eps}/{classes}")))
    s.add(*d.pick(((f"p = softmax({z})", "L = -sum(ys*log(p))"), (f"lp = log_softmax({z})", "L = -sum(ys*lp)"))))  # fmt: skip


def focal(d: Draw) -> None:
    """(1 − p)^γ in front of the cross-entropy."""
    s, n = d.sheet, d.size(3)
    gamma = d.pick((2, 1, "gamma"))
    if gamma == "gamma":
        s.data["gamma"] = 2
    s.parameters |= {"w": d.array(n), "b": d.array()}
    s.data |= {"x": d.array(n, far=False)}
    s.add("p = sigmoid(w @ x + b)")
    if d.chance(0.5):
        s.data["y"] = d.binary()
        s.add("pt = y*p + (1 - y)*(1 - p)", f"FL = -(1 - pt)**{gamma}*log(pt)")
    else:
        s.add(f"FL = -0.25*(1 - p)**{gamma}*log(p)")


def distillation(d: Draw) -> None:
    """A student's softmax at a temperature against a teacher's shares."""
    s, classes = d.sheet, d.size(4, 2)
    z, T = _logits(d, classes), d.pick((2, 4, 0.5))  # noqa: N806
    s.data["q"] = d.shares(classes)
    s.add(f"p = softmax({z}/{T})", d.pick(("KL = sum(q*log(q/p))", "KL = sum(q*(log(q) - log(p)))", f"KL = -{T}**2*sum(q*log(p))")))  # fmt: skip


def kl_divergence(d: Draw) -> None:
    """KL of two softmaxes, or of shares given."""
    s, classes = d.sheet, d.size(3, 2)
    s.parameters |= {"a": d.array(classes), "b": d.array(classes)}
    s.add("p = softmax(a)", "q = softmax(b)")
    s.add(d.pick(("KL = sum(p*log(p/q))", "KL = sum(p*(log(p) - log(q)))", "D = sum(p*log_softmax(a)) - sum(p*log(q))")))  # fmt: skip


def entropy_bonus(d: Draw) -> None:
    """A policy gradient's loss: −A log π(k) − β H."""
    s, classes = d.sheet, d.size(3, 2)
    z, k = _logits(d, classes), d.random.randrange(classes)
    s.data["adv"] = d.array(far=False)
    s.add(f"pi = softmax({z})", "H = -sum(pi*log(pi))", f"L = -adv*log(pi[{k}]) - 0.1*H")


def multi_label(d: Draw) -> None:
    """A sigmoid for each label, their cross-entropies added up."""
    s, labels, n, log = d.sheet, d.size(3), d.size(3), d.log()
    s.parameters |= {"W": d.array(labels, n), "b": d.array(labels)}
    s.data |= {"x": d.array(n, top=2, far=False), "y": d.binary(labels)}
    s.add("z = W @ x + b", f"p = {d.sigmoid('z')}")
    s.add(f"L = {d.pick((f'-sum(y*{log}(p) + (1 - y)*{log}(1 - p))', f'-mean(y*{log}(p) + (1-y)*{log}(1-p))', 'bce(p, y)', f'sum(-y*{log}(p) - (1 - y)*{log}(1 - p))'))}")  # fmt: skip


def softmax_squared(d: Draw) -> None:
    """A squared error behind a softmax: its whole Jacobian is needed."""
    s, classes = d.sheet, d.size(4, 2)
    z = _logits(d, classes)
    s.data["y"] = d.pick((d.one_hot(classes), d.shares(classes)))
    s.add(f"p = softmax({z})", d.pick(("L = sum((p - y)**2)", "L = 0.5*norm(p - y)**2", "L = mse(p, y)", "L = sum(abs(p - y))")))  # fmt: skip


def far_logits(d: Draw) -> None:
    """Logits of ±100 and ±1000, every usual loss on them."""
    s, classes = d.sheet, d.size(4, 2)
    s.parameters["z"] = [d.pick((-1000, -100, 0, 0.1, 100, 100, 1000)) for _ in range(classes)]
    k = d.random.randrange(classes)
    s.data["y"] = [int(i == k) for i in range(classes)]
    s.add(*d.pick((("p = softmax(z)", "L = cross_entropy(p, y)"), ("p = softmax(z)", f"L = -log(p[{k}])"), ("m = max(z)", f"L = m + log(sum(exp(z - m))) - z[{k}]"), (f"L = -log_softmax(z)[{k}]",), ("p = sigmoid(z)", "L = bce(p, y)"), ("p = sigmoid(z)", "L = -sum(y*log(p) + (1 - y)*log(1 - p))"), ("L = sum(softplus(z) - y*z)",), ("L = bce_with_logits(z, y)",), ("p = softmax(z)", "L = sum((p - y)**2)"), ("h = tanh(z)", "L = sum((h - y)**2)"), ("p = softmax(z)", "L = -sum(y*log(p))"))))  # fmt: skip


FAMILIES = (
    softmax_pick,
    softmax_one_hot,
    softmax_naive,
    softmax_stable,
    log_sum_exp,
    log_softmax,
    class_numbers,
    softmax_cases,
    softmax_rows,
    softmax_columns,
    label_smoothing,
    focal,
    distillation,
    kl_divergence,
    entropy_bonus,
    multi_label,
    softmax_squared,
    far_logits,
)
