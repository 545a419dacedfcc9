"""What people write elsewhere: PyTorch's, NumPy's, JAX's, TensorFlow's and a textbook's spellings, understood or answered."""

from __future__ import annotations

import re

import numpy as np
import pytest

import handgrad
from handgrad.equations import parse_expression
from handgrad.errors import EquationError
from handgrad.formats.terminal import render_terminal

NUMPY = [
    ("np.exp(z)", "exp(z)"),
    ("np.log(p)", "log(p)"),
    ("np.sqrt(z)", "sqrt(z)"),
    ("np.abs(z)", "abs(z)"),
    ("np.absolute(z)", "abs(z)"),
    ("np.sin(z) + np.cos(z)", "sin(z) + cos(z)"),
    ("np.tanh(z)", "tanh(z)"),
    ("np.maximum(0, z)", "maximum(0, z)"),
    ("np.minimum(z, 1)", "minimum(z, 1)"),
    ("np.sum(z)", "sum(z)"),
    ("np.sum(W, 0)", "sum(W, axis=0)"),
    ("np.sum(W, axis=1, keepdims=True)", "sum(W, axis=1, keepdims=True)"),
    ("np.mean(W, axis=0)", "mean(W, axis=0)"),
    ("np.average(z)", "mean(z)"),
    ("np.max(z)", "max(z)"),
    ("np.amax(W, axis=1)", "max(W, axis=1)"),
    ("np.dot(W, x) + b", "W @ x + b"),
    ("W.dot(x)", "W @ x"),
    ("np.matmul(W, x)", "W @ x"),
    ("np.outer(a, b)", "outer(a, b)"),
    ("np.multiply(a, b)", "a * b"),
    ("np.add(a, b)", "a + b"),
    ("np.subtract(a, b)", "a - b"),
    ("np.divide(a, b)", "a / b"),
    ("np.true_divide(a, b)", "a / b"),
    ("np.power(z, 2)", "z ** 2"),
    ("np.negative(z)", "-z"),
    ("np.where(z > 0, z, 0.1 * z)", "where(z > 0, z, 0.1 * z)"),
    ("np.linalg.norm(w)", "norm(w)"),
    ("np.concatenate((a, b))", "concat(a, b)"),
    ("np.concatenate([a, b], axis=0)", "concat(a, b, axis=0)"),
    ("np.reshape(W, (3, 2))", "reshape(W, shape=(3, 2))"),
    ("W.reshape(3, 2)", "reshape(W, 3, 2)"),
    ("np.transpose(W)", "W.T"),
    ("np.array([1, 2])", "[1, 2]"),
    ("np.greater(a, b)", "a > b"),
    ("scipy.special.expit(z)", "sigmoid(z)"),
    ("scipy.special.logsumexp(z)", "logsumexp(z)"),
    ("math.exp(a)", "exp(a)"),
    ("-np.mean(y*np.log(p) + (1 - y)*np.log(1 - p))", "-mean(y*log(p) + (1 - y)*log(1 - p))"),
    ("z.mean(axis=0)", "mean(z, axis=0)"),
    ("np.var(z)", "var(z)"),
    ("np.var(W, 0)", "var(W, axis=0)"),
    ("np.std(z, ddof=1)", "std(z, ddof=1)"),
    ("z.std(ddof=0)", "std(z, ddof=0)"),
    ("np.prod(z)", "prod(z)"),
    ("np.cumsum(z)", "cumsum(z)"),
    ("W.cumsum(axis=1)", "cumsum(W, axis=1)"),
    ("np.linalg.norm(w, 1)", "norm1(w)"),
    ("np.linalg.norm(w, ord=np.inf)", "norm_inf(w)"),
    ("norm(W, inf, axis=0)", "norm_inf(W, axis=0)"),
    ("norm(w, ord=2)", "norm(w)"),
    ("z[::-1]", "index(z, at=(::-1,))"),
    ("E[ids]", "gather(E, ids)"),
    ("np.linalg.inv(A)", "inv(A)"),
    ("np.linalg.det(A)", "det(A)"),
    ("np.trace(A)", "trace(A)"),
    ("tr(A)", "trace(A)"),
    ("torch.logdet(A)", "logdet(A)"),
    ("np.ravel(W)", "flatten(W)"),
    ("W.flatten()", "flatten(W)"),
    ("np.transpose(A, (0, 2, 1))", "permute(A, 0, 2, 1)"),
    ("transpose(A, 0, 2, 1)", "permute(A, axes=(0, 2, 1))"),
    ("np.transpose(A, axes=(2, 0, 1))", "permute(A, 2, 0, 1)"),
    ("np.swapaxes(A, 0, 1)", "swapaxes(A, axes=(0, 1))"),
    ("np.stack([a, b], axis=1)", "stack(a, b, axis=1)"),
    ("np.expand_dims(a, 1)", "expand_dims(a, axis=1)"),
    ("P[:, y]", "P.T[y].T"),
    ("P[0, y]", "P[0, :][y]"),
    ("(W @ x).sum()", "sum(W @ x)"),
    ("np.square(z)", "z ** 2"),
    ("np.log1p(z)", "log(1 + z)"),
    ("np.expm1(z)", "exp(z) - 1"),
    ("z.log1p()", "log(1 + z)"),
    ("np.clip(z, 0, 1)", "clip(z, low=0, high=1)"),
    ("np.clip(z, None, 1)", "clip(z, low=none, high=1)"),
    ("np.clip(z, a_min=0, a_max=1)", "clip(z, low=0, high=1)"),
    ("np.clip(z, -1, 0.5)", "clip(z, low=-1, high=0.5)"),
    ("scipy.special.erf(z)", "erf(z)"),
    ("np.pi * r**2", "math.pi * r ** 2"),
    ("np.e ** x", "math.e ** x"),
]

PYTORCH = [
    ("torch.relu(z)", "relu(z)"),
    ("F.relu(z)", "relu(z)"),
    ("torch.nn.functional.relu(z)", "relu(z)"),
    ("z.relu()", "relu(z)"),
    ("torch.sigmoid(z)", "sigmoid(z)"),
    ("z.sigmoid()", "sigmoid(z)"),
    ("F.softmax(z, dim=0)", "softmax(z, axis=0)"),
    ("F.softmax(z, -1)", "softmax(z, axis=-1)"),
    ("z.softmax(dim=1)", "softmax(z, axis=1)"),
    ("F.log_softmax(z, dim=-1)", "log_softmax(z, axis=-1)"),
    ("torch.logsumexp(z, dim=0)", "logsumexp(z, axis=0)"),
    ("F.leaky_relu(z, 0.2)", "leaky_relu(z, alpha=0.2)"),
    ("F.leaky_relu(z, negative_slope=0.2)", "leaky_relu(z, alpha=0.2)"),
    ("leaky_relu(z, 0.1)", "leaky_relu(z, alpha=0.1)"),
    ("F.elu(z, 1.5)", "elu(z, alpha=1.5)"),
    ("F.silu(z)", "silu(z)"),
    ("F.gelu(z)", "gelu(z)"),
    ("F.softplus(z)", "softplus(z)"),
    ("F.mse_loss(a, b)", "mse(a, b)"),
    ("F.binary_cross_entropy(p, y)", "bce(p, y)"),
    ("F.binary_cross_entropy_with_logits(z, y)", "bce_with_logits(z, y)"),
    ("F.huber_loss(a, b, delta=0.5)", "huber(a, b, delta=0.5)"),
    ("huber(a, b, 0.5)", "huber(a, b, delta=0.5)"),
    ("torch.mm(A, B)", "A @ B"),
    ("torch.mv(W, x)", "W @ x"),
    ("torch.matmul(W, x)", "W @ x"),
    ("W.matmul(x)", "W @ x"),
    ("W.t() @ x", "W.T @ x"),
    ("torch.sum(z)", "sum(z)"),
    ("z.sum(dim=0, keepdim=True)", "sum(z, axis=0, keepdims=True)"),
    ("torch.mean(W, 0)", "mean(W, axis=0)"),
    ("torch.var(z)", "var(z, ddof=1)"),
    ("torch.std(W, dim=1)", "std(W, axis=1, ddof=1)"),
    ("torch.var(z, unbiased=False)", "var(z, ddof=0)"),
    ("torch.std(z, correction=0)", "std(z, ddof=0)"),
    ("torch.norm(w, p=1)", "norm1(w)"),
    ("torch.cumsum(W, dim=0)", "cumsum(W, axis=0)"),
    ("torch.prod(z)", "prod(z)"),
    ("z.max()", "max(z)"),
    ("torch.cat([a, b])", "concat(a, b)"),
    ("torch.cat((a, b), dim=0)", "concat(a, b, axis=0)"),
    ("F.max_pool2d(h, 2)", "max_pool2d(h, size=2)"),
    ("F.max_pool2d(h, kernel_size=2, stride=1)", "max_pool2d(h, size=2, stride=1)"),
    ("F.avg_pool2d(h, 2, 1)", "avg_pool2d(h, size=2, stride=1)"),
    ("F.conv2d(X, K, stride=2, padding=1)", "conv2d(X, K, stride=2, padding=1)"),
    ("conv1d(x, w, 2)", "conv1d(x, w, stride=2)"),
    ("F.conv2d(X, K, b, 2, 1)", "conv2d(X, K, b, stride=2, padding=1)"),
    ("F.conv2d(X, K, None, 2)", "conv2d(X, K, stride=2)"),
    ("F.conv2d(X, K, bias=b)", "conv2d(X, K, b)"),
    (
        "F.conv2d(X, K, b, (2, 1), 'same', 1, 2)",
        'conv2d(X, K, b, stride=(2, 1), padding="same", dilation=1, groups=2)',
    ),
    ("F.max_pool2d(h, (2, 1), None, 1)", "max_pool2d(h, size=(2, 1), stride=none, padding=1)"),
    ("torch.bmm(A, B)", "A @ B"),
    ("torch.einsum('ij,jk->ik', A, B)", 'einsum("ij,jk->ik", A, B)'),
    ("torch.einsum('ij,jk->ik', [A, B])", 'einsum("ij,jk->ik", A, B)'),
    ("K.mT", "mT(K)"),
    ("torch.pow(z, 3)", "z ** 3"),
    ("z.pow(2).sum()", "sum(z ** 2)"),
    ("z.exp()", "exp(z)"),
    ("z.log()", "log(z)"),
    ("z.abs().mean()", "mean(abs(z))"),
    ("z.view(2, 3)", "reshape(z, 2, 3)"),
    ("z.view(-1)", "reshape(z, -1)"),
    ("torch.tensor([1, 2])", "[1, 2]"),
    ("F.layer_norm(x)", "layernorm(x)"),
    ("a.mul(b)", "a * b"),
    ("z.neg()", "-z"),
    ("F.sum()", "sum(F)"),
    ("torch.clamp(z, 0, 1)", "clip(z, low=0, high=1)"),
    ("torch.clamp(z, min=0)", "clip(z, low=0)"),
    ("z.clamp(max=1)", "clip(z, high=1)"),
    ("z.square()", "z ** 2"),
    ("F.relu6(z)", "relu6(z)"),
    ("F.hardswish(z)", "hardswish(z)"),
    ("F.logsigmoid(z)", "log_sigmoid(z)"),
    ("F.celu(z, 0.5)", "celu(z, alpha=0.5)"),
    ("F.prelu(z, a)", "prelu(z, a)"),
    ("F.l1_loss(a, b)", "mae(a, b)"),
    ("F.smooth_l1_loss(a, b, beta=0.5)", "smooth_l1(a, b, beta=0.5)"),
    ("F.nll_loss(l, y)", "nll(l, y)"),
    ("torch.erf(z)", "erf(z)"),
    ("torch.pi * z", "math.pi * z"),
    ("F.embedding(ids, E)", "E[ids]"),
    ("F.group_norm(A, num_groups=2)", "groupnorm(A, 2)"),
    ("rms_norm(x, eps=0.1)", "rmsnorm(x, eps=0.1)"),
    ("softmax(z, temperature=t)", "softmax(z / t)"),
    ("softmax(S, mask=M, axis=0)", "masked_softmax(S, M, axis=0)"),
    ("softmax(S, M)", "masked_softmax(S, M)"),
    ("A.permute(2, 0, 1)", "permute(A, 2, 0, 1)"),
    ("torch.stack((a, b))", "stack(a, b)"),
    ("a.unsqueeze(-1)", "expand_dims(a, axis=-1)"),
    ("A.squeeze(0)", "squeeze(A, axis=0)"),
    ("A.squeeze()", "squeeze(A)"),
    ("torch.flatten(A)", "flatten(A)"),
    ("A.transpose()", "A.T"),
    ("embedding(E, ids)", "E[ids]"),
]

OTHERS = [
    ("jnp.exp(z)", "exp(z)"),
    ("jax.nn.relu(z)", "relu(z)"),
    ("jax.nn.hard_tanh(z)", "hardtanh(z)"),
    ("jax.nn.log_sigmoid(z)", "log_sigmoid(z)"),
    ("jnp.dot(W, x)", "W @ x"),
    ("tf.nn.relu(z)", "relu(z)"),
    ("tf.reduce_sum(z)", "sum(z)"),
    ("tf.reduce_mean(z)", "mean(z)"),
    ("tf.math.reduce_variance(z)", "var(z)"),
    ("jnp.std(z)", "std(z)"),
    ("tf.gather(E, ids)", "E[ids]"),
    ("tf.nn.embedding_lookup(E, ids)", "E[ids]"),
    ("tf.math.log(p)", "log(p)"),
    ("tf.matmul(A, B)", "A @ B"),
    ("mx.nn.gelu(z)", "gelu(z)"),
    ("swish(z)", "silu(z)"),
    ("logistic(z)", "sigmoid(z)"),
    ("lrelu(z, 0.3)", "leaky_relu(z, alpha=0.3)"),
]

TEXTBOOK = [
    ("σ(z)", "sigmoid(z)"),
    ("sigma(z)", "sigmoid(z)"),
    ("ReLU(z)", "relu(z)"),
    ("ŷ − y", "yhat - y"),
    ("(ŷ − y)²", "(yhat - y) ** 2"),
    ("x³", "x ** 3"),
    ("x⁻¹", "x ** -1"),
    ("z⁽²⁾²", "z2 ** 2"),
    ("½ * (a - b)²", "0.5 * (a - b) ** 2"),
    ("¼·a", "0.25 * a"),
    ("Σ(z)", "sum(z)"),
    ("Wᵀ @ x", "W.T @ x"),
    ("W⊤ @ x", "W.T @ x"),
    ("ln(x)", "log(x)"),
    ("max(0, z)", "maximum(0, z)"),
    ("a ⊙ b ⊘ c", "a * b / c"),
    ("x * (x ≤ 1)", "x * (x <= 1)"),
    ("−y·ln(p)", "-y * log(p)"),
]

ANSWERED = [
    ("a^2", "write ** for a power"),
    ("sum(a^2)", "write ** for a power"),
    ("W^T @ x", "write .T for the transpose"),
    ("W' @ x", "write .T for the transpose"),
    ("|x|", "write abs"),
    ("‖w‖", "write norm"),
    ("√x", "write sqrt"),
    ("∑ z", "write sum"),
    ("max{0, z}", "round brackets"),
    (r"\sigma(z)", "without TeX"),
    ("a .* b", "entry by entry"),
    ("a ./ b", "entry by entry"),
    ("a.^2", "entry by entry"),
    ("F.cross_entropy(z, y)", "cross_entropy(softmax(z), y)"),
    ("np.max(z, 0)", "maximum(a, 0)"),
    ("torch.max(W, 1)", "axis=0"),
    ("jax.nn.gelu(z)", "gelu_tanh"),
    ("tf.nn.leaky_relu(z)", "leaky_relu(z, 0.2)"),
    ("binary_crossentropy(y, p)", "bce(prediction, target)"),
    ("nn.Linear(3, 2)", "W @ x + b"),
    ("np.linalg.solve(A, b)", "inv(A) @ b"),
    ("z.item()", "name alone"),
    ("z.detach()", "given as data"),
    ("F.dropout(h, 0.5)", "dropout(h, mask, 0.5)"),
    ("L.backward()", "forward pass"),
    ("z.shape", "attributes"),
    ("F.kl_div(logq, p)", "kl_div(p, q) of the probabilities"),
    ("nn.KLDivLoss(logq, p)", "kl_div(p, q)"),
    ("dropout(h, p=0.5)", "dropout(h, mask, 0.5)"),
    ("F.hardtanh(z, -2, 2)", "clip(z, low, high)"),
    ("relu7(z)", "did you mean relu"),
    ('"W" @ x', "names without quotes"),
    ('sum("ij", W)', "names without quotes"),
    ('einsum("ij; rm -> i", W)', "letters alone"),
    ("einsum(`ij`, W)", "letters alone"),
    (f'einsum("{"i" * 61}", W)', "60 characters"),
    ('einsum("ij->i", W', "missing after the arguments"),
    ('einsum("ij->i" W)', "missing after the text"),
    ("z.var()", "var(a, ddof=1) as torch has it"),
    ("norm(w, 3)", "1, 2 or inf"),
    ("∏ z", "write prod"),
    ("F.rms_norm(x)", "rmsnorm(x, eps="),
    ("torch.transpose(A, 0, 1)", "swapaxes(A, 0, 1)"),
    ("A.transpose(0, 1)", "swapaxes(A, 0, 1)"),
    ("np.vstack(a, b)", "stack(a, b)"),
    ("torch.gather(P, 1, y)", "sum(P * Y, axis=1)"),
    ("np.take(E, ids)", "write E[ids]"),
    ("nn.Embedding(10, 3)", "write E[ids]"),
    ("P[r, y]", "one-hot rows"),
    ("A[0, :, y]", "A[0][:, y]"),
    ("a[y:]", "whole numbers"),
]


@pytest.mark.parametrize(("written", "ours"), [*NUMPY, *PYTORCH, *OTHERS, *TEXTBOOK])
def test_spellings_that_are_understood(written: str, ours: str) -> None:
    assert parse_expression(written) == parse_expression(ours)


@pytest.mark.parametrize(("written", "mend"), ANSWERED)
def test_spellings_that_are_answered(written: str, mend: str) -> None:
    with pytest.raises(EquationError, match=re.escape(mend)):
        parse_expression(written)


def test_there_are_many() -> None:
    assert len({w for w, _ in (*NUMPY, *PYTORCH, *OTHERS, *TEXTBOOK, *ANSWERED)}) >= 120


def test_two_names_run_together_are_answered_with_both_products() -> None:
    with pytest.raises(EquationError, match=r"write W @ x, or W \* x entry by entry"):
        handgrad.solve(handgrad.Problem("L = sum(Wx)", {"W": [[1, 2]], "x": [1, 2]}))


def test_a_greek_letter_is_a_key_without_quotes() -> None:
    text = """
        equations = \"\"\"
        ŷ = w * x
        L = (ŷ − y)² + λ*w²
        \"\"\"
        [parameters]
        w = 0.5
        [data]
        x = 2
        y = 1
        λ = 0.01
    """
    trace = handgrad.solve(handgrad.loads(text))
    assert float(trace.values["L"]) == pytest.approx(0.0025)
    with pytest.raises(handgrad.ProblemError, match="not valid TOML"):
        handgrad.loads("λ = = 3")


def test_a_problem_s_own_e_and_pi_win() -> None:
    """π and e are numbers only where the problem has no number of that name."""
    own = handgrad.Problem("L = e*x + pi", {"x": 1.0, "e": 2.0})
    assert float(handgrad.solve(own).run.loss) == pytest.approx(2 + np.pi, rel=1e-15)
    computed = handgrad.Problem(["e = 3*x", "L = e + np.e"], {"x": 1.0})
    trace = handgrad.solve(computed)
    assert float(trace.run.loss) == pytest.approx(3 + np.e, rel=1e-15)
    assert computed.with_swap({}).equations == computed.equations
    swapped = handgrad.Problem(["e = relu(x)", "L = np.e*relu(e)"], {"x": 2.0}).with_swap(
        {"relu": "tanh"}
    )
    loss = float(handgrad.solve(swapped).run.loss)
    assert loss == pytest.approx(np.e * np.tanh(np.tanh(2)), rel=1e-15)


@pytest.mark.parametrize(
    "written", ["2*pi*r", "2*π*r", "2*np.pi*r", "2*math.pi*r", "2 * torch.pi * r"]
)
def test_pi_is_shown_as_its_letter_and_exact_in_symbols(written: str) -> None:
    problem = handgrad.Problem(f"L = {written}", {"r": 3.0})
    page = handgrad.solve(problem).page()
    assert "π" in render_terminal(page, width=80, colour=False, unicode=True)
    symbols = handgrad.run_symbols(problem)
    assert str(symbols.value("L")[()]) == "2*pi*r"
    assert str(symbols.gradient("r")[()]) == "2*pi"
    held = handgrad.run_intervals(problem).value("L")
    assert held.lower <= 6 * np.pi <= held.upper
    assert held.lower < held.upper
    assert held.upper - held.lower < 1e-13
    exact = handgrad.run_exact(problem).value("L")[()]
    assert str(exact).startswith("≈18.8495559215387594")


def test_a_power_of_e_is_its_own_derivative() -> None:
    problem = handgrad.Problem("L = e**(2*x)", {"x": 0.5})
    trace = handgrad.solve(problem)
    assert float(trace.run.loss) == pytest.approx(np.e, rel=1e-15)
    assert float(trace.run.gradient("x")) == pytest.approx(2 * np.e, rel=1e-15)


@pytest.mark.parametrize(
    ("dotted", "plain"),
    [
        ("s = 2·(w·x) + b\nL = (s − 1)²", "s = 2*(w @ x) + b\nL = (s - 1)**2"),
        ("h = relu(V @ x)\nL = (w·h)·b", "h = relu(V @ x)\nL = (w @ h)*b"),
        ("L = w·h\nh = V @ x", "L = w @ h\nh = V @ x"),
        ("h = b·x\nL = sum(w·V[0]·x)", "h = b*x\nL = sum((w @ V[0])*x)"),
        ("z = V·x\nL = sum(z)", "z = V*x\nL = sum(z)"),
        ("def unit(w, b) = tanh(w·x + b)\nL = unit(w, b)²", "L = tanh(w @ x + b)**2"),
        ("def unit(v, b) = tanh(v·x + b)\nL = unit(V[1], b)²", "L = tanh(V[1] @ x + b)**2"),
        ("def both(a, c) = (a)·(c)\nL = both(V[1], x)² * b", "L = (V[1] @ x)**2 * b"),
    ],
)
def test_the_dot_of_two_vectors_is_their_scalar_product(dotted: str, plain: str) -> None:
    parameters = {"w": [1.0, -2.0], "b": 0.5, "V": [[0.5, -0.3], [0.2, 0.7]]}
    ours = handgrad.Problem(dotted, parameters, {"x": [0.3, 0.4]}, loss="L")
    theirs = handgrad.Problem(plain, parameters, {"x": [0.3, 0.4]}, loss="L")
    one, other = handgrad.solve(ours), handgrad.solve(theirs)
    assert one.loss == pytest.approx(other.loss)
    for name in parameters:
        np.testing.assert_allclose(one.gradients[name], other.gradients[name])
    assert handgrad.loads(ours.to_toml()) == ours


def test_the_dot_of_cases_is_one_of_each_case() -> None:
    data = {"x": {"cases": [[0.3, 0.4], [1.0, -1.0]]}}
    found = handgrad.solve(handgrad.Problem("s = w·x\nL = s²", {"w": [1.0, -2.0]}, data))
    np.testing.assert_allclose(found.values["s"], [-0.5, 3.0])


def test_a_leaky_relu_may_learn_its_slope() -> None:
    found = handgrad.solve(
        handgrad.Problem("h = leaky_relu(z, a)\nL = sum(h)", {"z": [1.0, -2.0], "a": 0.1}, {})
    )
    assert found.loss == pytest.approx(0.8)
    assert float(found.gradients["a"]) == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("written", "mend"),
    [
        ("elu(z, a)", "its alpha is a number that is written out"),
        ("elu(z, alpha=a)", "write it out, as in alpha=0.1"),
    ],
)
def test_an_option_that_is_a_quantity_is_answered(written: str, mend: str) -> None:
    with pytest.raises(EquationError, match=mend):
        handgrad.Problem(f"L = sum({written})", {"z": [1.0, -2.0], "a": 0.1}, {})
