"""Models of PyTorch of every common kind, each with its inputs and its loss: small, and in double precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812 - as everyone calls it


@dataclass(frozen=True)
class Specimen:
    """A model with what it is run on.

    Arguments:
        model: makes it.
        x: its inputs: one tensor, several, or by name.
        y: what the loss compares with.
        loss: of the output and y; None for a model that gives its loss.
        train: whether it is in training mode.
        close: how near PyTorch's own numbers are.
        sweep: whether the sweep alone asks it.
    """

    model: Callable[[], nn.Module]
    x: Any
    y: torch.Tensor | None
    loss: Callable[..., torch.Tensor] | None
    train: bool = True
    close: float = 1e-10
    sweep: bool = False


ZOO: dict[str, Specimen] = {}


def add(
    name: str,
    model: Callable[[], nn.Module],
    x: Any,
    y: torch.Tensor | None = None,
    loss: Callable[..., torch.Tensor] | None = None,
    *,
    train: bool = True,
    close: float = 1e-10,
    sweep: bool = False,
) -> None:
    """Puts a specimen into the zoo."""
    assert name not in ZOO
    ZOO[name] = Specimen(model, x, y, loss, train, close, sweep)


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    """Normal numbers in double precision."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def shares(*shape: int) -> torch.Tensor:
    """Rows that add up to 1."""
    return torch.softmax(numbers(*shape, seed=7), -1)


def classes(count: int, *shape: int) -> torch.Tensor:
    """Class numbers."""
    return torch.arange(math.prod(shape)).reshape(shape) * 7 % count


X, XS = numbers(5, 4), numbers(2, 3, 6, 6)
CLASS3, TARGET3 = classes(3, 5), numbers(5, 3, seed=1)


# -- multilayer perceptrons --------------------------------------------------------------------------


def mlp(activation: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(4, 6), activation, nn.Linear(6, 3))


ACTIVATIONS = (
    nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(0.2), nn.ELU(), nn.CELU(1.5), nn.SELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(),
    nn.Mish(), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softplus(2.0, 1.0), nn.Softsign(), nn.LogSigmoid(), nn.Hardtanh(), nn.Hardtanh(-0.3, 0.7),
    nn.ReLU6(), nn.Hardswish(), nn.Tanhshrink(), nn.Softshrink(0.2), nn.Hardshrink(0.3), nn.Threshold(0.1, 0.5),
    nn.PReLU(), nn.PReLU(6), nn.Softmax(-1), nn.LogSoftmax(-1), nn.Identity(), nn.RReLU(),
)  # fmt: skip
for _activation in ACTIVATIONS:
    add(
        f"mlp of {_activation}",
        mlp(_activation),
        X,
        TARGET3,
        F.mse_loss,
        train=not isinstance(_activation, nn.RReLU),
    )

# PyTorch's slope is a sixth in single precision: docs/frameworks.md.
add("mlp of Hardsigmoid()", mlp(nn.Hardsigmoid()), X, TARGET3, F.mse_loss, close=1e-8)

LOSSES: dict[str, tuple[Callable[..., torch.Tensor], torch.Tensor]] = {
    "cross_entropy": (F.cross_entropy, CLASS3),
    "cross_entropy, sum": (nn.CrossEntropyLoss(reduction="sum"), CLASS3),
    "cross_entropy, smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), CLASS3),
    "cross_entropy, weighted": (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]).double()), CLASS3),
    "cross_entropy, some ignored": (nn.CrossEntropyLoss(ignore_index=1), CLASS3),
    "cross_entropy of shares": (F.cross_entropy, shares(5, 3)),
    "nll": (lambda z, y: F.nll_loss(F.log_softmax(z, -1), y), CLASS3),
    "mse": (nn.MSELoss(), TARGET3),
    "mse, sum": (nn.MSELoss(reduction="sum"), TARGET3),
    "l1": (nn.L1Loss(), TARGET3),
    "l1, sum": (nn.L1Loss(reduction="sum"), TARGET3),
    "smooth_l1": (nn.SmoothL1Loss(beta=0.5), TARGET3),
    "smooth_l1, sum": (nn.SmoothL1Loss(reduction="sum"), TARGET3),
    "huber": (nn.HuberLoss(delta=0.7), TARGET3),
    "huber, none": (lambda z, y: F.huber_loss(z, y, reduction="none").mean(1).sum(), TARGET3),
    "bce": (lambda z, y: F.binary_cross_entropy(torch.sigmoid(z), y), shares(5, 3)),
    "bce, sum": (lambda z, y: F.binary_cross_entropy(torch.sigmoid(z), y, reduction="sum"), shares(5, 3)),
    "bce_with_logits": (nn.BCEWithLogitsLoss(), shares(5, 3)),
    "bce_with_logits, weighted": (nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0]).double()), shares(5, 3)),
    "kl_div": (lambda z, y: F.kl_div(F.log_softmax(z, -1), y, reduction="batchmean"), shares(5, 3)),
    "soft_margin": (nn.SoftMarginLoss(), TARGET3.sign()),
    "hinge_embedding": (nn.HingeEmbeddingLoss(), TARGET3.sign()),
    "poisson_nll": (nn.PoissonNLLLoss(), TARGET3.abs().round()),
    "gaussian_nll": (lambda z, y: (0.5 * (z[:, 1] + (z[:, 0] - y[:, 0]) ** 2 / z[:, 1].exp())).mean(), TARGET3),
    "cosine_embedding": (lambda z, y: F.cosine_embedding_loss(z, y, torch.ones(5).double()), TARGET3),
    "triplet_margin": (lambda z, y: F.triplet_margin_loss(z, y, y.flip(0)), TARGET3),
    "margin_ranking": (lambda z, y: F.margin_ranking_loss(z[:, 0], z[:, 1], y[:, 0].sign()), TARGET3),
    "multi_margin": (nn.MultiMarginLoss(), CLASS3),
    "multilabel_soft_margin": (nn.MultiLabelSoftMarginLoss(), (TARGET3 > 0).double()),
    "by hand": (lambda z, y: ((z - y).pow(2).sum(1) + 1e-3).sqrt().mean() + z.abs().max(), TARGET3),
    "logsumexp by hand": (lambda z, y: (z.logsumexp(1) - z[torch.arange(5), y]).mean(), CLASS3),
}  # fmt: skip
for _name, (_loss, _y) in LOSSES.items():
    add(f"loss {_name}", mlp(nn.Tanh()), X, _y, _loss)


class Tied(nn.Module):
    """An autoencoder whose decoder is the encoder's transpose, and a head that shares its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(4, 3, bias=False)
        self.again = nn.Linear(4, 3)
        self.again.weight = self.encode.weight

    def forward(self, x: torch.Tensor) -> Any:
        h = torch.tanh(self.encode(x))
        return self.again(F.linear(h, self.encode.weight.t())) + h


add("tied weights", Tied, X, TARGET3, F.mse_loss)


class InPlace(nn.Module):
    """Operations that write to what they are given, views among them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> Any:
        h = self.fc1(x)
        h += 0.5
        h = h.clone()
        h.mul_(2).clamp_(min=-1.0)
        h[:, 0] = 0
        h[1:3, 2:] *= 3
        h[:, 1] += x[:, 0]
        return self.fc2(F.relu_(h))


add("in place", InPlace, X, TARGET3, F.mse_loss)


class Stopped(nn.Module):
    """What no gradient passes: no_grad, detach, a straight-through step, a parameter that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 6), nn.Linear(6, 3)
        self.fc1.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> Any:
        h = self.fc1(x)
        with torch.no_grad():
            centre = h.mean(0) * 2
        q = h + (h.round() - h).detach()
        return self.fc2(q - centre)


add("no_grad, detach and frozen", Stopped, X, TARGET3, F.mse_loss)


class GivesLoss(nn.Module):
    """A model that computes its loss itself, from inputs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> Any:
        return F.cross_entropy(self.fc(inputs), labels) + 0.01 * self.fc.weight.square().sum()


add("gives its loss", GivesLoss, {"inputs": X, "labels": CLASS3})
add("two inputs", lambda: nn.Bilinear(4, 3, 3), (X, TARGET3), TARGET3, F.mse_loss)
add("a vector", mlp(nn.ReLU()), X[0], TARGET3[0], F.mse_loss)
add(
    "dropout in training",
    lambda: nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.3), nn.Linear(6, 3), nn.Dropout(0.5)),
    X,
    TARGET3,
    F.mse_loss,
)
add(
    "dropout in eval",
    lambda: nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.3), nn.Linear(6, 3)),
    X,
    TARGET3,
    F.mse_loss,
    train=False,
)
for mode in ("training", "eval"):
    add(
        f"dropout in place in {mode}",
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Dropout2d(0.4, inplace=True),
            nn.Flatten(), nn.Dropout(0.3, inplace=True), nn.Linear(64, 3), nn.AlphaDropout(0.2, inplace=True),
        ),
        numbers(2, 3, 6, 6),
        CLASS3[:2],
        F.cross_entropy,
        train=mode == "training",
    )  # fmt: skip


# -- normalisation ----------------------------------------------------------------------------------


def normed(norm: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    )


YS = numbers(2, 3, seed=3)
for _train in (True, False):
    _mode = "training" if _train else "eval"
    add(
        f"batch norm in {_mode}",
        lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)),
        X,
        TARGET3,
        F.mse_loss,
        train=_train,
    )
    add(
        f"batch norm of images in {_mode}",
        normed(nn.BatchNorm2d(4)),
        XS,
        YS,
        F.mse_loss,
        train=_train,
    )
add("group norm", normed(nn.GroupNorm(2, 4)), XS, YS, F.mse_loss)
add("instance norm", normed(nn.InstanceNorm2d(4, affine=True)), XS, YS, F.mse_loss)
add("layer norm of images", normed(nn.LayerNorm((4, 4, 4))), XS, YS, F.mse_loss)
add(
    "layer norm",
    lambda: nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 3)),
    X,
    TARGET3,
    F.mse_loss,
)
add(
    "rms norm",
    lambda: nn.Sequential(nn.Linear(4, 6), nn.RMSNorm(6), nn.SiLU(), nn.Linear(6, 3)),
    X,
    TARGET3,
    F.mse_loss,
)
add(
    "weight norm",
    lambda: nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 6)), nn.Tanh(), nn.Linear(6, 3)
    ),
    X,
    TARGET3,
    F.mse_loss,
)
add("normalized rows", lambda: nn.Sequential(nn.Linear(4, 3), Unit()), X, TARGET3, F.mse_loss)


class Unit(nn.Module):
    """Rows of length 1."""

    def forward(self, x: torch.Tensor) -> Any:
        return F.normalize(x, dim=-1)


# -- convolutions -----------------------------------------------------------------------------------

add(
    "cnn",
    lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 2, 2, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2, 3),
    ),
    XS,
    classes(3, 2),
    F.cross_entropy,
)
add(
    "groups and dilation",
    lambda: nn.Sequential(
        nn.Conv2d(3, 6, 3, groups=3, padding=2, dilation=2),
        nn.SiLU(),
        nn.Conv2d(6, 3, 1),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(27, 3),
    ),
    XS,
    YS,
    F.mse_loss,
)
add(
    "padding same",
    lambda: nn.Sequential(
        nn.Conv2d(3, 2, 3, padding="same"),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2, 3),
    ),
    XS,
    YS,
    F.mse_loss,
)
add(
    "adaptive pools",
    lambda: nn.Sequential(
        nn.Conv2d(3, 2, 2),
        nn.AdaptiveAvgPool2d((3, 2)),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(2, 3),
    ),
    XS,
    YS,
    F.mse_loss,
)
add(
    "conv1d",
    lambda: nn.Sequential(
        nn.Conv1d(3, 4, 3, stride=2), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.LazyLinear(3)
    ),
    numbers(2, 3, 11),
    YS,
    F.mse_loss,
)
add(
    "one image, no batch",
    lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Flatten(0), nn.Linear(32, 3)),
    XS[0],
    YS[0],
    F.mse_loss,
)
add(
    "overlapping pools",
    lambda: nn.Sequential(
        nn.Conv2d(3, 2, 3, padding=1),
        nn.MaxPool2d(3, 2, 1),
        nn.AvgPool2d(3, 1, 1),
        nn.Flatten(),
        nn.Linear(18, 3),
    ),
    XS,
    YS,
    F.mse_loss,
)


add(
    "decoder",
    lambda: nn.Sequential(
        nn.Linear(4, 12),
        nn.ReLU(),
        nn.Unflatten(1, (3, 2, 2)),
        nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 2, (2, 1), stride=(3, 2), groups=2, bias=False),
        nn.Sigmoid(),
    ),
    numbers(2, 4),
    numbers(2, 2, 11, 7, seed=8),
    F.mse_loss,
)
add(
    "decoder of a signal",
    lambda: nn.Sequential(
        nn.ConvTranspose1d(3, 4, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose1d(4, 1, 2, dilation=2),
        nn.Tanh(),
    ),
    numbers(2, 3, 4),
    numbers(2, 1, 10, seed=8),
    F.mse_loss,
)
add(
    "volumes",
    lambda: nn.Sequential(
        nn.Conv3d(2, 3, 2, padding=(1, 0, 1)),
        nn.BatchNorm3d(3),
        nn.ReLU(),
        nn.MaxPool3d((2, 1, 2)),
        nn.ConvTranspose3d(3, 2, 2, stride=(1, 2, 1)),
        nn.AvgPool3d(2, 1),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(2, 3),
    ),
    numbers(2, 2, 3, 4, 3),
    YS,
    F.mse_loss,
)


class Separable(nn.Module):
    """A depthwise separable block with a squeeze and excitation, and a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False)
        self.bn = nn.BatchNorm2d(3)
        self.squeeze = nn.Conv2d(3, 2, 1)
        self.excite = nn.Conv2d(2, 3, 1)
        self.point = nn.Conv2d(3, 3, 1)

    def forward(self, x: torch.Tensor) -> Any:
        h = F.relu6(self.bn(self.depth(x)))
        s = h.mean((2, 3), keepdim=True)
        h = h * torch.sigmoid(self.excite(F.relu(self.squeeze(s))))
        return (self.point(h) + x).flatten(1).sum(1, keepdim=True).tanh()


add("separable", Separable, XS, numbers(2, 1, seed=4), F.mse_loss)


class Residual(nn.Module):
    """A residual block as residual networks have it, with one ReLU at two places."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = (
            nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))
            if stride > 1 or into != out
            else None
        )

    def forward(self, x: torch.Tensor) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """A residual network of four stages of two blocks; with 64 channels it is ResNet-18."""

    def __init__(self, width: int = 64, classes: int = 1000, blocks: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        stages, into = [], width
        for k in range(4):
            out = width * 2**k
            stages.append(
                nn.Sequential(
                    *[
                        Residual(into if b == 0 else out, out, 2 if k and b == 0 else 1)
                        for b in range(blocks)
                    ]
                )
            )
            into = out
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(into, classes)

    def forward(self, x: torch.Tensor) -> Any:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


add(
    "resnet of four channels",
    lambda: ResNet(4, 3, 1),
    numbers(2, 3, 32, 32),
    classes(3, 2),
    F.cross_entropy,
)
add(
    "resnet of four channels in eval",
    lambda: ResNet(4, 3, 1),
    numbers(2, 3, 32, 32),
    classes(3, 2),
    F.cross_entropy,
    train=False,
)


# -- sequences --------------------------------------------------------------------------------------

SEQUENCE = numbers(2, 5, 4)


class Recurrent(nn.Module):
    """A recurrent layer whose last output is read."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.rnn = layer
        self.fc = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> Any:
        output, _ = self.rnn(x)
        return self.fc(output[:, -1])


add("rnn", lambda: Recurrent(nn.RNN(4, 3, batch_first=True), 3), SEQUENCE, YS, F.mse_loss)
add(
    "rnn of relu",
    lambda: Recurrent(nn.RNN(4, 3, 2, nonlinearity="relu", batch_first=True), 3),
    SEQUENCE,
    YS,
    F.mse_loss,
)
add("lstm", lambda: Recurrent(nn.LSTM(4, 3, batch_first=True), 3), SEQUENCE, YS, F.mse_loss)
add(
    "lstm both ways",
    lambda: Recurrent(nn.LSTM(4, 3, 2, bidirectional=True, batch_first=True), 6),
    SEQUENCE,
    YS,
    F.mse_loss,
)
add(
    "gru",
    lambda: Recurrent(nn.GRU(4, 3, batch_first=True, bias=False), 3),
    SEQUENCE,
    YS,
    F.mse_loss,
)


class Cells(nn.Module):
    """Cells in a loop, and the final states of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(4, 3)
        self.gru = nn.GRU(3, 3)

    def forward(self, x: torch.Tensor) -> Any:
        h = c = x.new_zeros(2, 3)
        found = []
        for t in range(3):
            h, c = self.cell(x[:, t], (h, c))
            found.append(h)
        _, last = self.gru(torch.stack(found))
        return last.squeeze(0) + c


add("cells in a loop", Cells, SEQUENCE, YS, F.mse_loss)
add(
    "encoder layer",
    lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True),
    SEQUENCE,
    numbers(2, 5, 4, seed=5),
    F.mse_loss,
)
add(
    "encoder layer in eval, norm first",
    lambda: nn.TransformerEncoderLayer(
        4, 2, 8, batch_first=True, norm_first=True, activation="gelu"
    ),
    SEQUENCE,
    numbers(2, 5, 4, seed=5),
    F.mse_loss,
    train=False,
)
add(
    "encoder layer with dropout",
    lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.2),
    SEQUENCE,
    numbers(2, 5, 4, seed=5),
    F.mse_loss,
)


class Attends(nn.Module):
    """Multi-head attention with its weights, and a causal mask of −∞."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> Any:
        mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=x.dtype)
        output, weights = self.attention(x, x, x, attn_mask=mask)
        return output + weights.mean()


add("multi-head attention", Attends, SEQUENCE, numbers(2, 5, 4, seed=5), F.mse_loss)


class GptBlock(nn.Module):
    """A block of GPT-2's form: norms first, heads side by side, a mask that is a buffer."""

    mask: torch.Tensor

    def __init__(self, width: int, heads: int, longest: int, written_out: bool) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.ModuleDict(
            {
                "c_fc": nn.Linear(width, 4 * width),
                "act": nn.GELU("tanh"),
                "c_proj": nn.Linear(4 * width, width),
            }
        )
        self.heads, self.written_out = heads, written_out
        self.register_buffer(
            "mask", torch.tril(torch.ones(longest, longest)).view(1, 1, longest, longest)
        )

    def forward(self, x: torch.Tensor) -> Any:
        b, t, d = x.shape
        q, k, v = (
            part.view(b, t, self.heads, d // self.heads).transpose(1, 2)
            for part in self.c_attn(self.ln_1(x)).split(d, dim=2)
        )
        if self.written_out:
            scores = q @ k.transpose(-2, -1) * (1.0 / math.sqrt(k.size(-1)))
            scores = scores.masked_fill(self.mask[:, :, :t, :t] == 0, float("-inf"))
            y = F.softmax(scores, dim=-1) @ v
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).contiguous().view(b, t, d))
        m: Any = self.mlp
        return x + m["c_proj"](m["act"](m["c_fc"](self.ln_2(x))))


class Gpt(nn.Module):
    """Embeddings of tokens and places, one block, and a head that is tied to the embedding."""

    def __init__(self, written_out: bool) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(7, 4), nn.Embedding(6, 4)
        self.h = nn.ModuleList([GptBlock(4, 2, 6, written_out)])
        self.ln_f = nn.LayerNorm(4)
        self.lm_head = nn.Linear(4, 7, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, idx: torch.Tensor, targets: torch.Tensor) -> Any:
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        for block in self.h:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


IDS = (classes(7, 2, 5), classes(7, 2, 5).flip(1))
add("gpt-2 block, attention written out", lambda: Gpt(True), IDS)
add("gpt-2 block, attention fused", lambda: Gpt(False), IDS)


class Words(nn.Module):
    """An embedding with a padding row, averaged over the words."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 4, padding_idx=0)
        self.fc = nn.Linear(4, 3)

    def forward(self, ids: torch.Tensor) -> Any:
        e = self.embed(ids)
        real = (ids != 0).unsqueeze(-1)
        return self.fc((e * real).sum(1) / real.sum(1))


add("words", Words, torch.tensor([[1, 2, 0], [3, 3, 5]]), classes(3, 2), F.cross_entropy)


class Rearranged(nn.Module):
    """Joins, pieces, shifts, turns and picks."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 6)
        self.token = nn.Parameter(torch.randn(1, 6))

    def forward(self, x: torch.Tensor) -> Any:
        h = self.fc(x)
        a, b = h.chunk(2, dim=1)
        c = torch.cat([a * b, b.flip(0)], dim=1).roll(1, 0)
        d = torch.cat([self.token.expand(2, -1), c[[0, 2, 1]], F.pad(c, (1, 2, 0, 1))[:, 1:7]])
        e = torch.einsum("ij,kj->ik", d, h)
        first, *_ = e.unbind(1)
        m = torch.where(e > 0, e, e * 0.1).max(dim=1).values
        return (
            (m * first).sum()
            + torch.stack([a, b]).var()
            + d.index_select(1, torch.tensor([0, 3])).std(0).sum()
            + e.cumsum(1).mean()
        )


add("rearranged", Rearranged, X)
