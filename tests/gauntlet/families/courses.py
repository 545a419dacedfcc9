"""Networks that later chapters of courses work out: graphs, policies, adapters, experts, ordered classes."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw


def graph_convolution(d: Draw) -> None:
    """Two rounds of neighbours' means over a small graph, and a softmax of each node."""
    s, nodes, n, k = d.sheet, d.size(4, 2), d.size(2), d.size(3, 2)
    s.parameters |= {"W0": d.array(n, k), "W1": d.array(k, 2)}
    edges = [[int(i == j or d.chance(0.4)) for j in range(nodes)] for i in range(nodes)]
    s.data |= {"X": d.array(nodes, n, far=False), "Y": d.one_hot(2, nodes)}
    if d.chance(0.5):
        s.data["A"] = [[round(a / sum(row), 2) for a in row] for row in edges]
        mean = "A @ X"
        again = "A @ H"
    else:
        s.data["A"] = edges
        s.add("deg = sum(A, axis=1, keepdims=True)")
        mean, again = "A @ X / deg", "(A @ H) / deg"
    s.add(f"H = relu({mean} @ W0)" if "/" not in mean else f"H = relu(({mean}) @ W0)")
    s.add(f"Z = {again} @ W1", "P = softmax(Z, axis=1)")
    s.add(d.pick((f"L = -sum(Y*log(P))/{nodes}", "L = cross_entropy(P, Y)", "L = -mean(sum(Y*log(P), axis=1))")))  # fmt: skip


def policy(d: Draw) -> None:
    """−log π(a) times an advantage, with an entropy bonus or a clipped ratio."""
    s, n, k = d.sheet, d.size(3), d.size(3, 2)
    a = d.random.randrange(k)
    s.parameters |= {"W": d.array(k, n), "b": d.array(k)}
    s.data |= {"s": d.array(n, far=False), "adv": d.array(far=False)}
    s.add("z = W @ s + b", "p = softmax(z)")
    match d.pick(("plain", "entropy", "clipped")):
        case "plain":
            s.add(d.pick((f"L = -log(p[{a}])*adv", f"L = -adv*(z[{a}] - logsumexp(z))")))
        case "entropy":
            s.add("H = -sum(p*log(p))", f"L = -adv*log(p[{a}]) - 0.1*H")
        case _:
            s.data["old"] = d.pick((0.2, 0.5, 0.3))
            s.add(f"r = p[{a}]/old", "L = -min(r*adv, clip(r, 0.8, 1.2)*adv)")


def q_learning(d: Draw) -> None:
    """The squared error of r + γ max Q(s′) against Q(s)[a]; one network twice."""
    s, n, k = d.sheet, d.size(2), d.size(3, 2)
    a = d.random.randrange(k)
    s.parameters |= {"W": d.array(k, n), "b": d.array(k)}
    s.data |= {"s0": d.array(n, far=False), "s1": d.array(n, far=False), "r": d.array(far=False)}
    gamma = d.pick((0.9, 0.99, 1))
    s.add("q0 = W @ s0 + b", "q1 = W @ s1 + b", f"td = r + {gamma}*max(q1) - q0[{a}]")
    s.add(d.pick(("L = 0.5*td**2", "L = td**2", "L = where(abs(td) < 1, 0.5*td**2, abs(td) - 0.5)")))  # fmt: skip


def dueling(d: Draw) -> None:
    """Q = V + A − mean(A) on one hidden layer."""
    s, n, h, k = d.sheet, d.size(3), d.size(3), d.size(3, 2)
    a = d.random.randrange(k)
    s.parameters |= {"W": d.array(h, n), "v": d.array(h), "U": d.array(k, h)}
    s.data |= {"x": d.array(n, far=False), "t": d.array(far=False)}
    s.add("h = relu(W @ x)", "V = dot(v, h)", "A = U @ h", "Q = V + (A - mean(A))")
    s.add(f"L = (Q[{a}] - t)**2")


def low_rank(d: Draw) -> None:
    """A frozen matrix and an adapter of low rank beside it."""
    s, n, m, r = d.sheet, d.size(3), d.size(3), d.size(2)
    s.parameters |= {"A": d.array(r, n), "B": d.array(m, r)}
    s.data |= {"W": d.array(m, n, far=False), "x": d.array(n, far=False), "y": d.array(m, far=False)}  # fmt: skip
    scale = d.pick(("", " * 2", f" / {r}"))
    s.add(d.pick((f"h = W @ x + (B @ (A @ x)){scale}", f"h = (W + (B @ A){scale}) @ x")))
    s.add(
        "o = relu(h)" if d.chance(0.5) else "o = tanh(h)", "L = " + d.squared("o", "y", max(m, 2))
    )


def rotary(d: Draw) -> None:
    """Queries and keys turned by their positions before they meet."""
    s, m = d.sheet, d.size(3, 2)
    s.parameters |= {"Q": d.array(m, 2), "K": d.array(m, 2)}
    s.data |= {"pos": [[i] for i in range(m)], "V": d.array(m, far=False), "t": d.array(m, far=False)}  # fmt: skip
    s.add("c = cos(pos)", "s = sin(pos)")
    for name in "QK":
        s.add(f"{name}r = concat({name}[:, 0:1]*c - {name}[:, 1:2]*s, {name}[:, 0:1]*s + {name}[:, 1:2]*c, axis=1)")  # fmt: skip
    s.add("A = softmax(Qr @ Kr.T, axis=1)", "o = A @ V", "L = " + d.squared("o", "t", m))


def maxout(d: Draw) -> None:
    """The larger of two affine maps, unit by unit."""
    s, n, m = d.sheet, d.size(3), d.size(3)
    s.parameters |= {"W1": d.array(m, n), "b1": d.array(m), "W2": d.array(m, n), "b2": d.array(m), "v": d.array(m)}  # fmt: skip
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.add("h = max(W1 @ x + b1, W2 @ x + b2)" if d.chance(0.5) else "h = maximum(W1 @ x + b1, W2 @ x + b2)")  # fmt: skip
    s.add("o = v @ h", "L = " + d.squared("o", "y"))


def radial(d: Draw) -> None:
    """Gaussians around centres that are learnt."""
    s, n, m = d.sheet, d.size(2), d.size(3)
    s.parameters |= {"C": d.array(m, n), "w": d.array(m)}
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    width = d.pick(("0.5", "1", "2"))
    s.add("D = C - x", f"phi = exp(-{width}*sum(D**2, axis=1))", "o = sum(w*phi)", "L = " + d.squared("o", "y"))  # fmt: skip


def normalised_weights(d: Draw) -> None:
    """A weight's direction and its length apart."""
    s, n, m = d.sheet, d.size(3, 2), d.size(3)
    s.parameters |= {"V": d.array(m, n), "g": d.array(m)}
    s.data |= {"x": d.array(n, far=False), "y": d.array(m, far=False)}
    s.add("len = sqrt(sum(V**2, axis=1) + 0.01)", "h = g * (V @ x) / len")
    s.add(d.pick(("o = relu(h)", "o = h", "o = σ(h)")), "L = " + d.squared("o", "y", max(m, 2)))


def squeeze_and_excite(d: Draw) -> None:
    """Channels' means, through a small network, scale the channels."""
    s, c, n = d.sheet, d.size(3, 2), d.size(3, 2)
    s.parameters |= {"X": d.array(c, n), "W1": d.array(1, c), "W2": d.array(c, 1)}
    s.data["T"] = d.array(c, n, far=False)
    s.add("m = mean(X, axis=1)", "e = relu(W1 @ m)", "g = sigmoid(W2 @ e)")
    s.add(d.pick(("O = X * expand_dims(g, axis=1)", "O = X * reshape(g, shape=(-1, 1))", "O = (X.T * g).T")))  # fmt: skip
    s.add("L = mse(O, T)")


def ordered_classes(d: Draw) -> None:
    """Cumulative logits: a score below thresholds."""
    s, n, k = d.sheet, d.size(3), d.size(3, 2)
    s.parameters |= {"w": d.array(n), "theta": sorted(d.array(k, far=False))}
    s.data |= {"x": d.array(n, far=False), "y": d.binary(k)}
    s.add("f = w @ x", "p = sigmoid(theta - f)")
    s.add(d.pick(("L = -sum(y*log(p) + (1 - y)*log(1 - p))", "L = bce(p, y)", "L = -mean(y*ln(p) + (1-y)*ln(1-p))")))  # fmt: skip


def quantile(d: Draw) -> None:
    """The pinball loss of a line."""
    s, n, q = d.sheet, d.size(3), d.pick((0.1, 0.5, 0.9))
    s.parameters |= {"w": d.array(n), "b": d.array()}
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.add("r = y - (dot(w, x) + b)")
    s.add(d.pick((f"L = max({q}*r, ({q} - 1)*r)", f"L = {q}*relu(r) + (1 - {q})*relu(-r)", f"L = where(r > 0, {q}*r, ({q} - 1)*r)")))  # fmt: skip


def critics(d: Draw) -> None:
    """A critic's scores of what is real and what is generated, or the logistic loss of both."""
    s, n, h = d.sheet, d.size(2), d.size(3)
    s.parameters |= {"W": d.array(h, n), "a": d.array(h), "G": d.array(n, 2)}
    s.data |= {"real": d.array(n, far=False), "z": d.array(2, far=False)}
    s.add("fake = tanh(G @ z)", "dr = a @ relu(W @ real)", "df = a @ relu(W @ fake)")
    s.add(d.pick(("L = df - dr", "L = -log(sigmoid(dr)) - log(1 - sigmoid(df))", "L = softplus(-dr) + softplus(df)", "L = relu(1 - dr) + relu(1 + df)")))  # fmt: skip


def euler_steps(d: Draw) -> None:
    """A state carried on by small steps of one rate of change."""
    s, n, steps = d.sheet, d.size(2), d.size(3)
    s.parameters |= {"W": d.array(n, n), "h0": d.array(n, far=False)}
    s.data["y"] = d.array(n, far=False)
    dt = d.pick(("0.1", "0.5", "1"))
    act = d.pick(("tanh", "relu", "sin"))
    for k in range(1, steps + 1):
        s.add(f"h{k} = h{k - 1} + {dt}*{act}(W @ h{k - 1})")
    s.add("L = " + d.squared(f"h{steps}", "y", max(n, 2)))


def bilinear(d: Draw) -> None:
    """xᵀ W y as a score of a pair."""
    s, n, m = d.sheet, d.size(3), d.size(3)
    s.parameters["W"] = d.array(n, m)
    s.data |= {"x": d.array(n, far=False), "y": d.array(m, far=False), "t": d.binary()}
    s.add(d.pick(("s = x @ W @ y", "s = dot(x, W @ y)", "s = sum(outer(x, y)*W)", "s = x.T @ (W @ y)")))  # fmt: skip
    s.add("p = " + d.sigmoid("s"), "L = " + d.cross_entropy_of("p", "t"))


def energy(d: Draw) -> None:
    """A Hopfield network's energy, of a state that is learnt."""
    s, n = d.sheet, d.size(3, 2)
    s.parameters["v"] = d.array(n)
    s.data |= {"W": [[0 if i == j else 1 - 2 * ((i + j) % 2) for j in range(n)] for i in range(n)], "b": d.array(n, far=False)}  # fmt: skip
    s.add("u = tanh(v)", d.pick(("E = -0.5*u @ W @ u - b @ u", "E = -1/2 * dot(u, W @ u) - sum(b*u)")))  # fmt: skip


def grouped_penalty(d: Draw) -> None:
    """A squared error and the lengths of the weights' rows."""
    s, n, m = d.sheet, d.size(3), d.size(3)
    s.parameters["W"] = d.array(m, n)
    s.data |= {"x": d.array(n, far=False), "y": d.array(m, far=False)}
    lam = d.pick((0.1, 0.01, 1))
    s.add("o = W @ x", d.pick((f"L = 0.5*sum((o - y)**2) + {lam}*sum(norm(W, axis=1))", f"L = mse(o, y) + {lam}*sum(sqrt(sum(W**2, axis=1)))")))  # fmt: skip


def inference_statistics(d: Draw) -> None:
    """Batch normalisation by running statistics that are given."""
    s, n, m = d.sheet, d.size(3), d.size(3)
    s.parameters |= {"W": d.array(m, n), "gamma": d.array(m), "beta": d.array(m)}
    s.data |= {"x": d.array(n, far=False), "mu": d.array(m, far=False), "v": d.positive(m), "y": d.array(m, far=False)}  # fmt: skip
    s.add("z = W @ x", f"zn = (z - mu)/sqrt(v + {d.pick((0.00001, 0.1))})", "a = gamma*zn + beta")
    s.add("h = relu(a)", "L = " + d.squared("h", "y", max(m, 2)))


FAMILIES = (
    graph_convolution,
    policy,
    q_learning,
    dueling,
    low_rank,
    rotary,
    maxout,
    radial,
    normalised_weights,
    squeeze_and_excite,
    ordered_classes,
    quantile,
    critics,
    euler_steps,
    bilinear,
    energy,
    grouped_penalty,
    inference_statistics,
)
