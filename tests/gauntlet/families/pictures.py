"""Convolutions and pooling."""

from __future__ import annotations

import numpy as np

from tests.gauntlet.families.draw import Draw


def conv1d(d: Draw) -> None:
    """A filter along a signal."""
    s, n, k = d.sheet, d.size(6, 4), d.size(3)
    s.parameters |= {"w": d.array(k), "b": d.array()}
    s.data["x"] = d.array(n, far=False)
    options = d.pick(("", "", ", stride=2", ", padding=1"))
    s.add(f"z = conv1d(x, w{options}) + b", f"h = {d.activation()}(z)")
    s.add(*d.pick((("L = sum(h**2)",), ("p = max(h)", "L = (p - 1)**2"), ("g = mean(h)", "L = (g - 0.5)**2"))))  # fmt: skip


def conv_pool(d: Draw) -> None:
    """A picture, a kernel, ReLU, max or mean pooling, one output."""
    s, side, k = d.sheet, d.pick((3, 4, 5)), d.pick((1, 2, 2))
    s.parameters |= {"K": d.array(k, k), "b": d.array()}
    s.data |= {"X": d.array(side, side, far=False), "y": d.array(far=False)}
    out = side - k + 1
    pooled = out // 2
    if pooled == 0:
        pooled = out
        pool = "H"
    else:
        pool = d.pick(("max_pool2d(H)", "max_pool2d(H)", "avg_pool2d(H)", "max_pool2d(H, size=2, stride=2)"))  # fmt: skip
    s.parameters["w"] = d.array(pooled, pooled)
    s.add("Z = conv2d(X, K) + b", f"H = {d.pick(('relu', 'relu', 'tanh'))}(Z)", f"P = {pool}", d.pick(("f = sum(w*P)", "f = sum(P*w)")), "L = 0.5*(f - y)**2")  # fmt: skip


def conv_channels(d: Draw) -> None:
    """Channels in and out, a reshape, a softmax."""
    s, side, inside, channels = d.sheet, d.pick((3, 4)), d.size(2), d.size(2)
    k = 2
    out = side - k + 1
    s.parameters["K"] = d.array(channels, inside, k, k)
    s.data["X"] = d.array(inside, side, side, far=False)
    bias = ""
    if d.chance(0.5):
        s.parameters["b"] = d.array(channels, 1, 1)
        bias = " + b"
    s.add(f"Z = conv2d(X, K){bias}", f"A = {d.pick(('relu', 'relu', 'leaky_relu'))}(Z)")
    pooled = out // 2 if out >= 2 else out
    s.add(f"P = {d.pick(('max_pool2d(A)', 'avg_pool2d(A)'))}")
    count = channels * pooled * pooled
    s.parameters["W"] = d.array(2, count)
    s.add(f"f = reshape(P, shape={d.pick((f'({count},)', '(-1,)', '-1', str(count)))})", "p = softmax(W @ f)", f"L = -log(p[{d.random.randrange(2)}])")  # fmt: skip


def conv_two(d: Draw) -> None:
    """Two layers of convolution, the first with padding."""
    s = d.sheet
    side = d.pick((3, 4))
    s.parameters |= {"K1": d.array(3, 3), "K2": d.array(2, 2)}
    s.data["X"] = d.array(side, side, far=False)
    act = d.pick(("relu", "relu", "sigmoid"))
    s.add(f"A1 = {act}(conv2d(X, K1, padding=1))", f"A2 = {act}(conv2d(A1, K2))", d.pick(("L = sum(A2)", "L = mean(A2**2)", "L = max(A2)")))  # fmt: skip


def global_pool(d: Draw) -> None:
    """Channels' means over their positions."""
    s, side, channels = d.sheet, 3, d.size(3)
    s.parameters |= {"K": d.array(channels, 1, 2, 2), "v": d.array(channels)}
    s.data |= {"X": d.array(1, side, side, far=False), "y": d.binary()}
    s.add("A = relu(conv2d(X, K))", d.pick(("g = mean(A, axis=(1, 2))", "g = max(A, axis=(1, 2))", "g = sum(sum(A, axis=2), axis=1)")), "p = sigmoid(v @ g)", d.pick(("L = -y*log(p) - (1 - y)*log(1 - p)", "L = bce(p, y)")))  # fmt: skip


def conv_residual(d: Draw) -> None:
    """A convolution of the same size, added to what it is of."""
    s, n = d.sheet, d.size(5, 3)
    s.parameters |= {"w": d.array(3), "v": d.array(n)}
    s.data |= {"x": d.array(n, far=False), "y": d.array(far=False)}
    s.add("r = relu(x + conv1d(x, w, padding=1))", "f = v @ r", "L = (f - y)**2")


def pooled_signal(d: Draw) -> None:
    """Pools that overlap, with ties on the grid."""
    s, n = d.sheet, d.size(6, 4)
    s.parameters["a"] = d.array(n, top=0.5)
    size, stride = d.pick(((2, 2), (2, 1), (3, 1), (3, 2)))
    count = (n - size) // stride + 1
    s.data["c"] = d.array(count, far=False)
    s.add(f"p = {d.pick(('max_pool1d', 'max_pool1d', 'avg_pool1d'))}(a, size={size}, stride={stride})", "L = sum(c*p)")  # fmt: skip


def first_of_ties(d: Draw) -> None:
    """Extremes of which the first of several entries that tie has all of the gradient, as models read from PyTorch have it."""
    s, rows, columns = d.sheet, d.size(3, 2), d.size(4, 2)
    s.parameters["A"] = d.array(rows, columns, top=0.5)
    name = d.pick(("max", "min"))
    axis = d.pick((None, 0, 1, (0, 1)))
    if d.chance(0.5):
        size = d.pick((2, (1, 2), (2, 1)))
        high, wide = size if isinstance(size, tuple) else (size, size)
        stride = d.pick((1, size))
        steps = stride if isinstance(stride, tuple) else (stride, stride)
        shape: tuple[int, ...] = ((rows - high) // steps[0] + 1, (columns - wide) // steps[1] + 1)
        s.add(
            f"p = max_pool2d({d.pick(('A', 'relu(A)'))}, size={size}, stride={stride}, first=True)"
        )
    else:
        shape = tuple(n for k, n in enumerate((rows, columns)) if axis not in (None, k, (0, 1)))
        s.add(
            f"p = {name}({d.pick(('A', 'A', 'abs(A)'))}{f', axis={axis}' * (axis is not None)}, first=True)"
        )
    s.data["c"] = d.array(*shape, far=False)
    s.add(d.pick(("L = sum(c*p)", "L = sum((p - c)**2)")))


def conv_classifier(d: Draw) -> None:
    """A batch of pictures: a convolution with groups or dilation and a bias, a pool, a linear layer, a softmax."""
    s, side = d.sheet, d.pick((3, 4))
    batch, inside, outs, classes = 2, d.pick((1, 2)), 2, 2
    groups = d.pick((1, inside))
    dilation = d.pick((1, 1, 2)) if side == 4 else 1
    padding = d.pick((0, 0, 1, (1, 0)))
    s.parameters |= {"K": d.array(outs, inside // groups, 2, 2), "b": d.array(outs)}
    s.data["X"] = d.array(batch, inside, side, side, far=False)
    options = (("padding", padding, 0), ("dilation", dilation, 1), ("groups", groups, 1))
    told = "".join(f", {name}={value}" for name, value, usual in options if value != usual)
    high, wide = (side + 2 * p - dilation for p in (padding if isinstance(padding, tuple) else (padding,) * 2))  # fmt: skip
    s.add(f"Z = conv2d(X, K, b{told})", f"H = {d.pick(('relu', 'relu', 'relu', 'tanh'))}(Z)")
    pool, size = d.pick(("max_pool2d", "max_pool2d", "avg_pool2d")), d.pick((2, (2, 1), (1, 2)))
    sizes = size if isinstance(size, tuple) else (size, size)
    border = d.chance(0.3) and size == 2
    if not border and (sizes[0] > high or sizes[1] > wide):
        size, sizes = 1, (1, 1)
    edge = 2 * border
    count = outs * ((high + edge) // sizes[0]) * ((wide + edge) // sizes[1])
    s.add(f"P = {pool}(H, size={size}{', padding=1' * border})")
    s.parameters |= {"W": d.array(count, classes), "c": d.array(classes)}
    s.data["y"] = [d.one_hot(classes) for _ in range(batch)]
    s.add(f"f = reshape(P, shape=({batch}, {d.pick((-1, count))}))", "z = f @ W + c", "p = softmax(z)", d.pick(("L = cross_entropy(p, y)", f"L = -sum(y*log(p))/{batch}")))  # fmt: skip


def depthwise(d: Draw) -> None:
    """A filter for each channel of a signal, at times in cases; then the channels' means."""
    s, channels, n = d.sheet, d.size(3, 2), d.size(5, 3)
    s.parameters |= {"w": d.array(channels, 1, 2), "v": d.array(channels)}
    if d.chance(0.4):
        s.data["x"], s.data["y"] = d.array(2, channels, n, far=False), d.array(2, far=False)
        s.batched |= {"x", "y"}
    else:
        s.data |= {"x": d.array(channels, n, far=False), "y": d.array(far=False)}
    options = d.pick(("", ', padding="same"', ", stride=2", ", dilation=2"))
    s.add(f"z = conv1d(x, w, groups={channels}{options})", f"h = {d.activation()}(z)")
    s.add("g = mean(h, axis=1)", "f = v @ g", "L = 0.5*(f - y)**2")


def decoder(d: Draw) -> None:
    """A code spread out again: a transposed convolution after ReLU, some of its entries in a stride's gap, and ReLU at times."""
    s, inside, outs = d.sheet, d.size(2), d.size(2)
    rank = d.pick((1, 1, 2))
    places = tuple(d.size(2) for _ in range(rank))
    size = tuple(d.size(3 if rank == 1 else 2) for _ in range(rank))
    count = inside * int(np.prod(places))
    groups = d.pick((1, 1, inside))
    stride, dilation = d.pick((1, 2, 2, 3)), d.pick((1, 1, 1, 2))
    reach = [(n - 1) * stride + dilation * (k - 1) + 1 for n, k in zip(places, size, strict=True)]
    padding = d.pick((0, 0, 1)) if min(reach) > 2 else 0
    extra = d.pick((0, 1)) if stride > 1 else 0
    s.parameters |= {"W": d.array(count, 2), "K": d.array(inside, outs, *size)}
    s.data["x"] = d.array(2, far=False)
    bias = d.pick(("", ", c", ", c"))
    if bias:
        s.parameters["c"] = d.array(outs * groups)
    options = (("stride", stride, 1), ("padding", padding, 0), ("output_padding", extra, 0), ("groups", groups, 1), ("dilation", dilation, 1))  # fmt: skip
    told = "".join(f", {name}={value}" for name, value, usual in options if value != usual)
    over = [n - 2 * padding + extra for n in reach]
    s.data["y"] = d.array(outs * groups, *over, far=False)
    s.add(
        f"h = {d.pick(('relu', 'relu', 'tanh'))}(W @ x)",
        f"H = reshape(h, shape={(inside, *places)})",
    )
    s.add(
        f"Z = conv_transpose{rank}d(H, K{bias}{told})",
        f"R = {d.pick(('relu', 'relu', 'sigmoid'))}(Z)",
    )
    s.add(d.pick(("L = mean((R - y)**2)", "L = sum((R - y)**2)", "L = mse(R, y)")))


FAMILIES = (
    conv1d,
    conv_pool,
    conv_channels,
    conv_two,
    global_pool,
    conv_residual,
    pooled_signal,
    first_of_ties,
    conv_classifier,
    depthwise,
    decoder,
)
