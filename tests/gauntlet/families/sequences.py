"""Sequences and tokens: recurrent cells unrolled, attention, embeddings."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw


def rnn(d: Draw) -> None:
    """A recurrent network unrolled, the weights shared by the steps."""
    s, n, hidden, steps = d.sheet, d.size(2), d.size(2), d.size(3, 2)
    Wx, Wh = d.pick((("Wxh", "Whh"), ("U", "W"), ("W_x", "W_h")))  # noqa: N806
    act = d.pick(("tanh", "tanh", "relu"))
    s.parameters |= {Wx: d.array(hidden, n), Wh: d.array(hidden, hidden), "bh": d.array(hidden), "V": d.array(1, hidden)}  # fmt: skip
    state = "h0"
    s.data["h0"] = [0] * hidden
    for k in range(1, steps + 1):
        s.data[f"x{k}"] = d.array(n, far=False)
        s.add(f"h{k} = {act}({Wx} @ x{k} + {Wh} @ {state} + bh)")
        state = f"h{k}"
    s.data["y"] = d.array(1, far=False)
    s.add(f"out = V @ {state}", "L = sum((out - y)**2)")
    if d.chance(0.3):
        s.equations[-2:] = [f"L{k} = 0.5*sum((V @ h{k} - y)**2)" for k in range(1, steps + 1)]
        s.add("loss = " + " + ".join(f"L{k}" for k in range(1, steps + 1)))


def scalar_rnn(d: Draw) -> None:
    """The same with numbers: h_t = tanh(w h + u x + b)."""
    s, steps = d.sheet, d.size(4, 2)
    s.parameters |= {"w": d.array(), "u": d.array(), "b": d.array()}
    s.data["h0"] = 0
    act = d.pick(("tanh", "relu", "sigmoid"))
    for k in range(1, steps + 1):
        s.data[f"x{k}"] = d.array(far=False)
        s.add(f"h{k} = {act}(w*h{k - 1} + u*x{k} + b)")
    s.data["y"] = d.array(far=False)
    s.add(f"E = 0.5*(h{steps} - y)**2")


def gru(d: Draw) -> None:
    """One or two steps of a GRU."""
    s, n, hidden, steps = d.sheet, d.size(2), d.size(2), d.size(2)
    for gate in "zrh":
        s.parameters |= {f"W{gate}": d.array(hidden, n), f"U{gate}": d.array(hidden, hidden)}
    if d.chance(0.5):
        s.parameters |= {f"b{gate}": d.array(hidden) for gate in "zrh"}
    s.data["h0"] = d.array(hidden, top=0.5, far=False)
    bias = {gate: f" + b{gate}" if f"b{gate}" in s.parameters else "" for gate in "zrh"}
    for k in range(1, steps + 1):
        x, h = f"x{k}", f"h{k - 1}"
        s.data[x] = d.array(n, far=False)
        s.add(f"z{k} = sigmoid(Wz @ {x} + Uz @ {h}{bias['z']})")
        s.add(f"r{k} = sigmoid(Wr @ {x} + Ur @ {h}{bias['r']})")
        s.add(f"c{k} = tanh(Wh @ {x} + Uh @ (r{k}*{h}){bias['h']})")
        s.add(d.pick((f"h{k} = (1 - z{k})*{h} + z{k}*c{k}", f"h{k} = z{k}*{h} + (1 - z{k})*c{k}")))
    s.data["y"] = d.array(hidden, far=False)
    s.add(d.pick((f"L = mse(h{steps}, y)", f"L = sum((h{steps} - y)**2)")))


def lstm(d: Draw) -> None:
    """One or two steps of an LSTM, a matrix for each gate."""
    s, n, hidden, steps = d.sheet, d.size(2), d.size(2), d.size(2)
    for gate in "fiog":
        s.parameters |= {f"W{gate}": d.array(hidden, n), f"U{gate}": d.array(hidden, hidden), f"b{gate}": d.array(hidden)}  # fmt: skip
    s.data |= {"h0": [0] * hidden, "c0": d.array(hidden, top=0.5, far=False)}
    for k in range(1, steps + 1):
        s.data[f"x{k}"] = d.array(n, far=False)
        for gate, act in (("f", "sigmoid"), ("i", "sigmoid"), ("o", "σ"), ("g", "tanh")):
            s.add(f"{gate}{k} = {act}(W{gate} @ x{k} + U{gate} @ h{k - 1} + b{gate})")
        s.add(f"c{k} = f{k} * c{k - 1} + i{k} * g{k}", f"h{k} = o{k} * tanh(c{k})")
    s.data["y"] = d.array(hidden, far=False)
    s.add(f"L = 0.5*sum((h{steps} - y)**2)")


def packed_lstm(d: Draw) -> None:
    """One matrix for all gates on [h, x], cut apart by slices."""
    s, n, hidden = d.sheet, d.size(2), d.size(2)
    s.parameters |= {"W": d.array(4 * hidden, n + hidden), "b": d.array(4 * hidden), "v": d.array(hidden)}  # fmt: skip
    s.data |= {"x": d.array(n, far=False), "h0": d.array(hidden, far=False), "c0": d.array(hidden, far=False), "y": d.array(far=False)}  # fmt: skip
    h = hidden
    s.add("hx = concat(h0, x)", "a = W @ hx + b", f"i = sigmoid(a[0:{h}])", f"f = sigmoid(a[{h}:{2 * h}])")  # fmt: skip
    s.add(f"o = sigmoid(a[{2 * h}:{3 * h}])", f"g = tanh(a[{3 * h}:])", "c = f*c0 + i*g", "hnew = o*tanh(c)")  # fmt: skip
    s.add("L = (v @ hnew - y)**2")


def attention(d: Draw) -> None:
    """Scaled dot-product attention over a few tokens."""
    s, tokens, width, k = d.sheet, d.size(3), d.size(3), d.size(2)
    s.data |= {"X": d.array(tokens, width, far=False), "Y": d.array(tokens, k, far=False)}
    s.parameters |= {"Wq": d.array(width, k), "Wk": d.array(width, k), "Wv": d.array(width, k)}
    s.add("Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", f"S = Q @ K.T / {d.pick((f'sqrt({k})', f'{k}**0.5'))}")  # fmt: skip
    s.add(d.pick(("A = softmax(S)", "A = softmax(S, axis=-1)", "A = softmax(S, axis=1)")), "O = A @ V", d.pick(("L = mean((O - Y)**2)", "L = sum((O - Y)**2)", "L = mse(O, Y)")))  # fmt: skip


def causal_attention(d: Draw) -> None:
    """The same with a mask: far numbers added, or where()."""
    attention(d)
    s = d.sheet
    tokens = len(s.data["X"])
    mask = [[int(j <= i) for j in range(tokens)] for i in range(tokens)]
    at = next(k for k, e in enumerate(s.equations) if e.startswith("A ="))
    way = d.random.random()
    if way < 0.35:
        s.data["M"] = mask
        s.equations.insert(at, f"Sm = where(M, S, {d.pick(('-1000', '-1e9'))})")
    elif way < 0.7:
        s.data["M"] = [[0 if e else -1000 for e in row] for row in mask]
        s.equations.insert(at, "Sm = S + M")
    else:
        s.data["M"] = mask
        s.equations.insert(at, "Sm = S*M - 10000*(1 - M)")
    s.equations[at + 1] = s.equations[at + 1].replace("(S", "(Sm")


def attention_heads(d: Draw) -> None:
    """Two heads, joined, and an output matrix."""
    s, tokens, width = d.sheet, d.size(3), d.size(3)
    s.data |= {"X": d.array(tokens, width, far=False), "Y": d.array(tokens, width, far=False)}
    for h in (1, 2):
        s.parameters |= {f"Q{h}": d.array(width, 1), f"K{h}": d.array(width, 1), f"V{h}": d.array(width, 1)}  # fmt: skip
        s.add(f"A{h} = softmax((X @ Q{h}) @ (X @ K{h}).T)", f"H{h} = A{h} @ (X @ V{h})")
    s.parameters["Wo"] = d.array(2, width)
    s.add("H = concat(H1, H2, axis=1)", "Out = H @ Wo", d.pick(("L = mse(Out, Y)", "L = 0.5*sum((Out - Y)**2)", "L = mse(X + Out, Y)")))  # fmt: skip


def stacked_heads(d: Draw) -> None:
    """The heads of attention in one stack of matrices, with @ or by letters."""
    s, heads, tokens, width, k = d.sheet, 2, d.size(3, 2), d.size(2), d.size(2)
    s.data |= {"X": d.array(tokens, width, far=False), "Y": d.array(tokens, k, far=False)}
    s.parameters |= {f"W{name}": d.array(heads, width, k) for name in "qkv"}
    if d.chance(0.6):
        s.add("Q = X @ Wq", "K = X @ Wk", "V = X @ Wv", f"S = Q @ K.mT / sqrt({k})")
        s.add("A = softmax(S)", d.pick(("H = A @ V", "H = bmm(A, V)")))
    else:
        s.add(*(f'{name.upper()} = einsum("td,hdk->htk", X, W{name})' for name in "qkv"))
        s.add('S = einsum("htk,hsk->hts", Q, K)', "A = softmax(S, axis=-1)", 'H = einsum("hts,hsk->htk", A, V)')  # fmt: skip
    mixing = d.random.random()
    if mixing < 0.4:
        s.add("O = sum(H, axis=0)")
    elif mixing < 0.7:
        s.parameters["Wo"] = d.array(heads, k, k)
        s.add(d.pick(("O = sum(H @ Wo, axis=0)", 'O = einsum("htk,hkm->tm", H, Wo)')))
    else:
        s.parameters["Wo"] = d.array(k, k)
        s.add("O = mean(H @ Wo, axis=0)")
    s.add(d.pick(("L = mse(O, Y)", "L = 0.5*sum((O - Y)**2)", "L = mean((O - Y)**2)")))


def one_query(d: Draw) -> None:
    """A query on a few keys; additive or by dot products."""
    s, tokens, width = d.sheet, d.size(3), d.size(3)
    s.data |= {"K": d.array(tokens, width, far=False), "V": d.array(tokens, width, far=False), "y": d.array(width, far=False)}  # fmt: skip
    if d.chance(0.6):
        s.parameters["q"] = d.array(width)
        s.add("e = K @ q")
    else:
        s.parameters |= {"W": d.array(width, width), "v": d.array(width)}
        s.add("e = tanh(K @ W) @ v")
    s.add("alpha = softmax(e)", d.pick(("c = alpha @ V", "c = V.T @ alpha")), "L = sum((c - y)**2)")


def embedding(d: Draw) -> None:
    """Rows of an embedding picked by number, a row twice at times."""
    s, words, width, classes = d.sheet, d.size(4, 2), d.size(2), d.size(3, 2)
    i, j = d.random.randrange(words), d.random.randrange(words)
    s.parameters |= {"E": d.array(words, width), "U": d.array(classes, width)}
    s.add(d.pick((f"e = E[{i}] + E[{j}]", f"e = (E[{i}, :] + E[{j}, :])/2", f"e = E[{i}]*E[{j}]")), "z = U @ e", "p = softmax(z)", f"L = -log(p[{d.random.randrange(classes)}])")  # fmt: skip


def one_hot_embedding(d: Draw) -> None:
    """A word as a one-hot vector times the embedding (word2vec's CBOW)."""
    s, words, width = d.sheet, d.size(4, 2), d.size(2)
    s.parameters |= {"W_in": d.array(words, width), "W_out": d.array(width, words)}
    s.data |= {"x": d.one_hot(words), "y": d.one_hot(words)}
    s.add(d.pick(("h = x @ W_in", "h = W_in.T @ x")), d.pick(("u = h @ W_out", "u = W_out.T @ h")), "yhat = softmax(u)", d.pick(("L = -sum(y*log(yhat))", "L = cross_entropy(yhat, y)", "L = -log(sum(y*yhat))")))  # fmt: skip


def skip_gram(d: Draw) -> None:
    """Negative sampling: −log σ(u·v) − Σ log σ(−u·n)."""
    s, width = d.sheet, d.size(3)
    s.parameters |= {"v": d.array(width), "u": d.array(width), "n1": d.array(width), "n2": d.array(width)}  # fmt: skip
    log = d.log()
    s.add(d.pick((f"L = -{log}(sigmoid(u @ v)) - {log}(sigmoid(-n1 @ v)) - {log}(sigmoid(-n2 @ v))", f"L = -{log}(σ(dot(u, v))) - {log}(1 - σ(dot(n1, v))) - {log}(1 - σ(dot(n2, v)))")))  # fmt: skip


def transformer_block(d: Draw) -> None:
    """Attention, a residual, a norm, a feedforward layer."""
    s, tokens, width = d.sheet, d.size(2), d.size(2, 2)
    s.data |= {"X": d.array(tokens, width, far=False), "Y": d.array(tokens, width, far=False)}
    s.parameters |= {"Wq": d.array(width, width), "Wk": d.array(width, width), "Wv": d.array(width, width), "W1": d.array(width, 2), "W2": d.array(2, width)}  # fmt: skip
    s.add(
        "A = softmax((X @ Wq) @ (X @ Wk).T / sqrt(2))", "R = X + A @ (X @ Wv)", "N = layernorm(R)"
    )
    s.add(f"F = {d.pick(('relu', 'gelu'))}(N @ W1) @ W2", "out = N + F", "L = mse(out, Y)")


def linear_chain(d: Draw) -> None:
    """A product of matrices, deep and linear."""
    s, n = d.sheet, d.size(2)
    depth = d.size(4, 2)
    s.parameters |= {f"W{k}": d.array(n, n) for k in range(1, depth + 1)}
    s.data |= {"x": d.array(n, far=False), "y": d.array(n, far=False)}
    s.add("f = " + " @ ".join([f"W{k}" for k in range(depth, 0, -1)] + ["x"]), "L = sum((f - y)**2)/2")  # fmt: skip


FAMILIES = (
    rnn,
    scalar_rnn,
    gru,
    lstm,
    packed_lstm,
    attention,
    causal_attention,
    attention_heads,
    stacked_heads,
    one_query,
    embedding,
    one_hot_embedding,
    skip_gram,
    transformer_block,
    linear_chain,
)
