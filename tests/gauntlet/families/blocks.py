"""Problems written with definitions and repeats: recurrences and stacks of layers."""

from __future__ import annotations

from tests.gauntlet.families.draw import Draw


def repeated_recurrence(d: Draw) -> None:
    """A recurrent network, a GRU or an LSTM, its steps in a repeat; a loss at the end or at each step."""
    s, n, hidden, steps = d.sheet, d.size(2), d.size(2), d.size(3)
    t = d.pick(("t", "k", "step"))
    below = d.pick(("_", ""))
    count = d.pick(("T", str(steps)))
    if count == "T":
        s.data["T"] = steps
    rows = d.chance(0.6)
    if rows:
        s.data["X"] = d.array(steps, n, far=False)
    else:
        s.data |= {f"x{below}{k}": d.array(n, far=False) for k in range(1, steps + 1)}
    x = f"X[{t}-1]" if rows else f"x{below}{{{t}}}"
    h, before = f"h{below}{{{t}}}", f"h{below}{{{t}-1}}"
    s.data[f"h{below}0"] = d.array(hidden, top=0.5, far=False)
    kind = d.pick(("rnn", "gru", "lstm"))
    gates = {"rnn": "s", "gru": "rzn", "lstm": "ifgo"}[kind]
    for gate in gates:
        s.parameters |= {f"W{gate}": d.array(hidden, n), f"U{gate}": d.array(hidden, hidden), f"b{gate}": d.array(hidden)}  # fmt: skip
    if kind == "rnn":
        act = d.pick(("tanh", "relu"))
        s.add("def cell(x, h):", f"    s = {d.pick(('Ws @ x + Us @ h + bs', 'Us @ h + Ws @ x + bs'))}", d.pick((f"    return {act}(s)", f"    a = {act}(s)")))  # fmt: skip
        repeated = [f"{h} = cell({x}, {before})"]
    elif kind == "gru":
        s.add("def gate(x, h, W, U, b) = sigmoid(W @ x + U @ h + b)")
        r, z, new = (f"{name}{below}{{{t}}}" for name in ("r", "z", "n"))
        repeated = [f"{r} = gate({x}, {before}, Wr, Ur, br)", f"{z} = gate({x}, {before}, Wz, Uz, bz)"]  # fmt: skip
        repeated += [f"{new} = tanh(Wn @ {x} + Un @ ({r}*{before}) + bn)", f"{h} = (1 - {z})*{new} + {z}*{before}"]  # fmt: skip
    else:
        s.data[f"c{below}0"] = d.array(hidden, far=False)
        s.add("def lstm(x, h, c):")
        s.add(*(f"    {g} = {'tanh' if g == 'g' else 'sigmoid'}(W{g} @ x + U{g} @ h + b{g})" for g in gates))  # fmt: skip
        s.add("    cell = f*c + i*g", "    return o*tanh(cell), cell")
        repeated = [f"{h}, c{below}{{{t}}} = lstm({x}, {before}, c{below}{{{t}-1}})"]
    s.parameters["v"] = d.array(hidden)
    each = d.chance(0.5)
    if each:
        s.data["y"] = d.array(steps, far=False)
        repeated.append(f"e{below}{{{t}}} = (v @ {h} - y[{t}-1])**2")
    s.add(f"for {t} in 1..{count}:", *(f"    {line}" for line in repeated))
    if each:
        s.add(f"L = {d.pick(('sum', 'mean'))}(e{below}{{1..{count}}})")
    else:
        s.data["y"] = d.array(far=False)
        s.add(f"yhat = v @ h{below}{{{count}}}", "L = 0.5*(yhat - y)**2")


def repeated_layers(d: Draw) -> None:
    """A stack of layers by a definition: its pre-activations named or not, a residual at times."""
    s, width, depth = d.sheet, d.size(3), d.size(4, 2)
    s.data |= {"h0": d.array(width, top=2, far=False), "y": d.array(width, far=False)}
    act, k = d.activation(), d.pick(("k", "l"))
    for layer in range(1, depth + 1):
        s.parameters |= {f"W{layer}": d.array(width, width), f"b{layer}": d.array(width)}
    residual = d.pick(("", "", "x + "))
    if d.chance(0.5):
        s.add("def layer(x, W, b):", "    z = W @ x + b", f"    return {residual}{act}(z)")
    else:
        s.add(f"def layer(x, W, b) = {residual}{act}(W @ x + b)")
    if d.chance(0.5):
        s.add("def loss_of(a, b) = 0.5*sum((a - b)**2)")
        last = f"L = loss_of(h{depth}, y)"
    else:
        last = d.pick((f"L = mse(h{depth}, y)", f"L = sum((h{depth} - y)**2)"))
    s.add(f"for {k} in 1..{depth}:", f"    h{{{k}}} = layer(h{{{k}-1}}, W{{{k}}}, b{{{k}}})", last)


FAMILIES = (repeated_recurrence, repeated_layers)
