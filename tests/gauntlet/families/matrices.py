"""Embeddings, likelihoods of matrices, and what is picked, stacked and normalised by name."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw


def embedded_words(d: Draw) -> None:
    """Rows of a table for words, a mean or a recurrent step over them, and the class that comes next."""
    s, words, n, long = d.sheet, d.size(4, 2), d.size(2), d.size(3)
    s.parameters |= {"E": d.array(words, n), "U": d.array(words, n)}
    s.data["ids"] = [d.random.randrange(words) for _ in range(long)]
    s.data["y"] = d.random.randrange(words)
    s.add("X = E[ids]")
    s.add(
        d.pick(
            (
                "h = mean(X, axis=0)",
                "h = tanh(sum(X, axis=0))",
                "h = X[0] + X[-1]",
                "h = max(X, axis=0)",
            )
        )
    )
    s.add("p = softmax(U @ h)", d.pick(("L = -log(p[y])", "L = -ln(p[y])", "L = cross_entropy(p, y)", "L = 1 - p[y]")))  # fmt: skip


def picked_class(d: Draw) -> None:
    """The score of the given class, one for each case, beside the others' log-sum-exp."""
    s, classes, n = d.sheet, d.size(4, 2), d.size(3)
    s.parameters |= {"W": d.array(classes, n), "b": d.array(classes)}
    many = d.size(3, 2)
    if d.chance(0.5):
        s.data |= {
            "x": d.array(many, n, far=False),
            "y": [d.random.randrange(classes) for _ in range(many)],
        }
        s.batched |= {"x", "y"}
    else:
        s.data |= {"x": d.array(n, far=False), "y": d.random.randrange(classes)}
    s.add("z = W @ x + b", d.pick(("L = logsumexp(z) - z[y]", "L = sum(max(0, z - z[y] + 1)) - 1", "L = -log_softmax(z)[y]")))  # fmt: skip


def likelihood(d: Draw) -> None:
    """A Gaussian of several dimensions: ln det Σ + (x − μ)ᵀ Σ⁻¹ (x − μ), and the trace of a scatter matrix."""
    s, n = d.sheet, d.size(3)
    low = [[d.array(far=False) if j < i else 0 for j in range(n)] for i in range(n)]
    for i in range(n):
        low[i][i] = d.pick((1, 2, 1.5))
    s.parameters |= {"A": low, "mu": d.array(n, far=False)}
    s.data["x"] = d.array(n, far=False)
    s.add("S = A @ A.T", "r = x - mu")
    s.add(*d.pick((("q = r @ inv(S) @ r", "L = 0.5*(logdet(S) + q)"), ("P = inv(S)", "L = 0.5*logdet(S) + 0.5*trace(P @ outer(r, r))"), ("v = inv(S) @ r", "L = log(det(S))/2 + dot(r, v)/2"))))  # fmt: skip


def normalised(d: Draw) -> None:
    """Root-mean-square and group normalisation by name, and standard scores."""
    s, n = d.sheet, 4  # PyTorch refuses groups of one entry
    s.parameters |= {"W": d.array(n, 2), "g": d.array(n)}
    s.data |= {"x": d.array(2, far=False), "y": d.array(n, far=False)}
    s.add("a = W @ x", d.pick(("r = rmsnorm(a)", "r = rmsnorm(a, eps=0.01)", "r = groupnorm(a, groups=2, eps=0.1)", "r = (a - mean(a))/(std(a) + 0.1)", "r = (a - mean(a))/sqrt(var(a, ddof=1) + 0.01)")), "o = g*r", d.pick(("L = sum((o - y)**2)", "L = norm1(o - y)", "L = norm_inf(o - y)", "L = var(o - y) + mean(o - y)**2")))  # fmt: skip


def masked_attention(d: Draw) -> None:
    """Attention with a mask: what is left out has no share."""
    s, m, k = d.sheet, d.size(3, 2), d.size(2)
    s.parameters |= {"Q": d.array(m, k), "K": d.array(m, k), "V": d.array(m, k)}
    s.data |= {
        "M": [[int(j <= i) for j in range(m)] for i in range(m)],
        "T": d.array(m, k, far=False),
    }
    s.add(d.pick(("S = Q @ K.T", f"S = Q @ K.T / {k}")), d.pick(("A = masked_softmax(S, M)", "A = softmax(S + (M - 1)*1000)")), "H = A @ V", d.pick(("L = mse(H, T)", "L = sum((H - T)**2)")))  # fmt: skip


def running(d: Draw) -> None:
    """Returns so far, products of factors, and arrays stacked, turned round and flattened."""
    s, n = d.sheet, d.size(3, 2)
    s.parameters |= {"r": d.array(n), "f": d.array(n)}
    s.data["t"] = d.array(n, far=False)
    s.add(*d.pick((("c = cumsum(r)", "L = sum((c - t)**2) + prod(f)"), ("S = stack(r, f, axis=0)", "v = flatten(S.T)", "L = prod(v) + sum((r - t)**2)"), ("S = stack(r, f, axis=1)", "c = cumsum(S, axis=0)", "L = sum(prod(c, axis=1)) + sum(abs(r - t))"), ("P = stack(r, f, axis=1)", "L = norm1(P[:, 0] - t) + var(P[:, 1])"))))  # fmt: skip


def extended(d: Draw) -> None:
    """A padded array under windows, and a value repeated to a shape."""
    s, m, n = d.sheet, d.size(3, 2), d.size(3, 2)
    s.parameters |= {"K": d.array(2, 2), "b": d.array(n + 1)}
    s.data |= {"X": d.array(m, n, far=False), "T": d.array(m + 1, n + 1, far=False)}
    edge = d.pick(("before=1, after=1", "before=(1, 1), after=(1, 1), value=0.5", "after=2"))
    s.add(f"P = pad(X, {edge})", "C = conv2d(P, K)", d.pick((f"B = broadcast_to(b, shape=({m + 1}, {n + 1}))", f"B = broadcast_to(b[0], shape=({m + 1}, {n + 1}))", f"B = pad(expand_dims(b, axis=0), after=({m}, 0), value=1)")), d.pick(("H = relu(C) + B", "H = C*B", "H = tanh(C) + B")), d.pick(("L = mse(H, T)", "L = sum((H - T)**2)", "L = sum(H*T)")))  # fmt: skip


FAMILIES = (
    embedded_words,
    picked_class,
    likelihood,
    normalised,
    masked_attention,
    running,
    extended,
)
