"""Losses between points and distributions, and normalisations."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw


def triplet(d: Draw) -> None:
    """max(0, d(a, p) − d(a, n) + margin)."""
    s, n, k = d.sheet, d.size(3), d.size(2)
    s.parameters["W"] = d.array(k, n)
    s.data |= {"a": d.array(n, far=False), "p": d.array(n, far=False), "n": d.array(n, far=False)}
    s.add("fa = W @ a", "fp = W @ p", "fn = W @ n")
    if d.chance(0.5):
        s.add("dp = sum((fa - fp)**2)", "dn = sum((fa - fn)**2)")
    else:
        s.add("dp = norm(fa - fp)", "dn = norm(fa - fn)")
    margin = d.pick((0.2, 1, 0.5))
    s.add(d.pick((f"L = max(0, dp - dn + {margin})", f"L = relu(dp - dn + {margin})", f"L = max(dp - dn + {margin}, 0)")))  # fmt: skip


def contrastive(d: Draw) -> None:
    """y d² + (1 − y) max(0, m − d)²."""
    s, n = d.sheet, d.size(3)
    s.parameters["W"] = d.array(d.size(2), n)
    s.data |= {"x1": d.array(n, far=False), "x2": d.array(n, far=False), "y": d.binary()}
    s.add("diff = W @ x1 - W @ x2", d.pick(("dist = norm(diff)", "dist = sqrt(sum(diff**2))", "dist = sqrt(sum(diff*diff) + 0.01)")))  # fmt: skip
    s.data["m"] = 1
    s.add(d.pick(("L = y*dist**2 + (1 - y)*max(0, m - dist)**2", "L = y*dist**2 + (1 - y)*max(0, 1 - dist)**2", "L = 0.5*y*dist**2 + 0.5*(1-y)*relu(m - dist)**2")))  # fmt: skip


def info_nce(d: Draw) -> None:
    """A row of similarities through a softmax, the pairs on the diagonal."""
    s, m, k = d.sheet, d.size(3), d.size(2)
    s.parameters |= {"U": d.array(m, k), "V": d.array(m, k)}
    tau = d.pick((1, 0.5, 0.1))
    s.data["I"] = [[int(i == j) for j in range(m)] for i in range(m)]
    s.add(f"S = U @ V.T / {tau}", "P = softmax(S)", d.pick((f"L = -sum(I*log(P))/{m}", "L = cross_entropy(P, I)", "L = -mean(sum(I*log(P), axis=1))")))  # fmt: skip


def cosine(d: Draw) -> None:
    """One minus the cosine of two vectors."""
    s, n, k = d.sheet, d.size(3), d.size(3)
    s.parameters["W"] = d.array(k, n)
    s.data |= {"x": d.array(n, far=False), "t": d.array(k, far=False)}
    s.add("u = W @ x", d.pick(("c = dot(u, t)/(norm(u)*norm(t))", "c = sum(u*t)/(sqrt(sum(u**2))*sqrt(sum(t**2)))", "c = u @ t / (norm(u)*norm(t) + 0.1)")), "L = 1 - c")  # fmt: skip


def class_hinge(d: Draw) -> None:
    """The hinge over the other classes' margins."""
    s, classes, n = d.sheet, d.size(4, 2), d.size(3)
    k = d.random.randrange(classes)
    s.parameters["W"] = d.array(classes, n)
    s.data |= {"x": d.array(n, far=False)}
    s.add("s = W @ x", d.pick((f"margins = max(0, s - s[{k}] + 1)", f"margins = relu(s - s[{k}] + 1)")), "L = sum(margins) - 1")  # fmt: skip


def huber(d: Draw) -> None:
    """Huber's loss by name, or written out with where."""
    s, n, m = d.sheet, d.size(3), d.size(3)
    s.parameters |= {"W": d.array(m, n), "b": d.array(m)}
    s.data |= {"x": d.array(n, far=False), "y": d.array(m, top=2, far=False)}
    s.add("yhat = W @ x + b")
    if d.chance(0.4):
        s.add(d.pick(("L = huber(yhat, y)", "L = huber(yhat, y, delta=0.5)", "L = huber(yhat, y, delta=2)")))  # fmt: skip
    else:
        s.add("r = yhat - y", "a = abs(r)", d.pick(("L = sum(where(a <= 1, 0.5*r**2, a - 0.5))", "L = mean(where(a < 1, r**2/2, a - 1/2))", "L = sum((a <= 1)*0.5*r**2 + (a > 1)*(a - 0.5))")))  # fmt: skip


def absolute(d: Draw) -> None:
    """Mean absolute error, and the pinball loss."""
    s, m = d.sheet, d.size(4)
    s.parameters |= {"w": d.array(), "b": d.array()}
    s.data |= {"x": d.array(m, far=False), "y": d.array(m, far=False)}
    q = d.pick((0.5, 0.9))
    s.add("r = y - (w*x + b)", d.pick(("MAE = mean(abs(r))", f"L = mean(max({q}*r, ({q} - 1)*r))", "E = sum(abs(r))", "L = max(abs(r))")))  # fmt: skip


def log_cosh(d: Draw) -> None:
    """log cosh of the error, written out in exponentials."""
    s, m = d.sheet, d.size(3)
    s.parameters["w"] = d.array(m)
    s.data["t"] = d.array(m, far=False)
    s.add("e = w - t", d.pick(("L = sum(log((exp(e) + exp(-e))/2))", "L = mean(log(0.5*(exp(e) + exp(-e))))", "L = sum(e + softplus(-2*e) - log(2))")))  # fmt: skip


def gaussian(d: Draw) -> None:
    """A Gaussian's negative log-likelihood, its variance learned."""
    s, m = d.sheet, d.size(3)
    s.parameters |= {"mu": d.array(), "s": d.array()}
    s.data["x"] = d.array(m, far=False)
    s.add(*d.pick((("sigma = exp(s)", "NLL = sum(0.5*((x - mu)/sigma)**2 + log(sigma))"), ("v = exp(s)", "NLL = 0.5*sum((x - mu)**2/v + log(v))"), ("sigma = softplus(s) + 0.1", "NLL = mean(((x - mu)/sigma)**2/2 + ln(sigma))"))))  # fmt: skip


def poisson(d: Draw) -> None:
    """Counts: exp(η) − k η."""
    s, m, n = d.sheet, d.size(3), d.size(2)
    s.parameters["beta"] = d.array(n)
    s.data |= {"X": d.array(m, n, far=False), "k": d._filled((m,), lambda: d.random.randint(0, 4))}
    s.add("eta = X @ beta", d.pick(("L = sum(exp(eta) - k*eta)", "L = mean(exp(eta) - k*eta)")))


def mixture(d: Draw) -> None:
    """Two Gaussians' mixture: −log Σ π N."""
    s = d.sheet
    s.parameters |= {"a": d.array(2), "mu": d.array(2)}
    s.data["x"] = d.array(far=False)
    s.add(
        "pi = softmax(a)", "dens = exp(-0.5*(x - mu)**2)/sqrt(2*3.14159)", "L = -log(sum(pi*dens))"
    )


def vae(d: Draw) -> None:
    """An encoder's mean and variance, a drawn noise, a decoder, and the KL term."""
    s, n, k = d.sheet, d.size(3), d.size(2)
    s.parameters |= {"Wm": d.array(k, n), "Wv": d.array(k, n), "D": d.array(n, k)}
    s.data |= {"x": d.array(n, far=False), "eps": d.array(k, far=False)}
    s.add("mu = Wm @ x", "logvar = Wv @ x", d.pick(("sd = exp(0.5*logvar)", "sd = exp(logvar/2)")), "z = mu + sd*eps", "xhat = D @ z")  # fmt: skip
    s.add(d.pick(("rec = sum((xhat - x)**2)", "rec = 0.5*sum((xhat - x)**2)")), d.pick(("KL = -0.5*sum(1 + logvar - mu**2 - exp(logvar))", "KL = 0.5*sum(mu**2 + exp(logvar) - 1 - logvar)")), d.pick(("L = rec + KL", "L = rec + 0.5*KL", "ELBO = rec + KL")))  # fmt: skip


def dice(d: Draw) -> None:
    """1 − 2 Σ p y / (Σ p + Σ y)."""
    s, n = d.sheet, d.size(4)
    s.parameters["z"] = d.array(n)
    s.data["y"] = d.binary(n)
    s.add("p = sigmoid(z)", d.pick(("L = 1 - 2*sum(p*y)/(sum(p) + sum(y))", "L = 1 - (2*sum(p*y) + 1)/(sum(p) + sum(y) + 1)")))  # fmt: skip


def factorisation(d: Draw) -> None:
    """Ratings by two thin matrices, only some of them known."""
    s, users, items, k = d.sheet, d.size(3), d.size(3), d.size(2)
    s.parameters |= {"U": d.array(users, k), "V": d.array(items, k)}
    s.data |= {"R": d.array(users, items, far=False), "M": d.binary(users, items)}
    s.add("P = U @ V.T", "E = M*(R - P)", d.pick(("J = sum(E**2)", "J = 0.5*sum(E*E) + 0.1*(sum(U**2) + sum(V**2))", "J = norm(E)**2 + 0.05*norm(U)**2")))  # fmt: skip


def layer_norm(d: Draw) -> None:
    """Layer normalisation by name, and written out."""
    s, n = d.sheet, d.size(4)
    s.parameters |= {"W": d.array(n, 2), "gamma": d.array(n), "beta": d.array(n)}
    s.data |= {"x": d.array(2, far=False), "y": d.array(n, far=False)}
    s.add("a = W @ x")
    if d.chance(0.4):
        s.add(d.pick(("xhat = layernorm(a)", "xhat = layernorm(a, eps=0.01)")))
    else:
        s.add(d.pick(("mu = mean(a)", f"mu = sum(a)/{n}")), d.pick(("var = mean((a - mu)**2)", f"var = sum((a - mu)**2)/{n}")), "xhat = (a - mu)/sqrt(var + 0.01)")  # fmt: skip
    s.add("o = gamma*xhat + beta", "L = sum((o - y)**2)")


def batch_norm(d: Draw) -> None:
    """Batch normalisation over rows, by name and written out."""
    s, m, n, k = d.sheet, d.size(4), d.size(2), d.size(2)
    s.parameters |= {"W": d.array(n, k), "gamma": d.array(k), "beta": d.array(k)}
    s.data |= {"X": d.array(m, n, far=False), "Y": d.array(m, k, far=False)}
    s.add("A = X @ W")
    if d.chance(0.5):
        s.add("N = batchnorm(A)")
    else:
        s.add("mu = mean(A, axis=0)", d.pick(("var = mean((A - mu)**2, axis=0)", f"var = sum((A - mu)**2, axis=0)/{m}")), "N = (A - mu)/sqrt(var + 0.001)")  # fmt: skip
    s.add("B = gamma*N + beta", f"H = {d.pick(('relu', 'relu', 'sigmoid'))}(B)", d.pick(("L = mse(H, Y)", "L = sum((H - Y)**2)")))  # fmt: skip


def rms_norm(d: Draw) -> None:
    """Root-mean-square normalisation, written out."""
    s, n = d.sheet, d.size(4)
    s.parameters |= {"a": d.array(n), "g": d.array(n)}
    s.data["y"] = d.array(n, far=False)
    s.add(d.pick(("rms = sqrt(mean(a**2) + 0.01)", "rms = sqrt(mean(a*a) + 1e-6)", "rms = (mean(a**2) + 0.1)**0.5")), "o = g*a/rms", "L = sum((o - y)**2)")  # fmt: skip


def normalised_vector(d: Draw) -> None:
    """x / ‖x‖, a standardised vector, a softmax over squares."""
    s, n = d.sheet, d.size(3, 2)
    s.parameters["w"] = d.array(n)
    s.data["t"] = d.array(n, far=False)
    s.add(d.pick(("u = w/norm(w)", "u = w/sqrt(sum(w**2))", "u = w/(sum(abs(w)) + 0.1)", "u = (w - mean(w))/(max(w) - min(w) + 0.1)", "u = w**2/(sum(w**2) + 0.1)")), d.pick(("L = sum((u - t)**2)", "L = dot(u, t)")))  # fmt: skip


FAMILIES = (
    triplet,
    contrastive,
    info_nce,
    cosine,
    class_hinge,
    huber,
    absolute,
    log_cosh,
    gaussian,
    poisson,
    mixture,
    vae,
    dice,
    factorisation,
    layer_norm,
    batch_norm,
    rms_norm,
    normalised_vector,
)
