"""Small models whose dead units are known because they were made so: each way of writing a gate, and decoys."""

# mypy: disable-error-code="operator, no-untyped-call, no-any-return, arg-type"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

Unit = tuple[str, tuple[int, ...]]


@dataclass
class Animal:
    """A model, what it is given, and its dead units by weight and place."""

    model: nn.Module
    inputs: tuple[Any, ...]
    dead: set[Unit]
    gates: int
    """How many units have a gate."""
    call: Callable[..., Any] | None = None
    seen: bool = True
    """Whether the gradients at the gates can be seen."""
    starved: set[Unit] | None = field(default_factory=set)
    """Units that no gradient passes in training though they fire; None where that is all of them."""

    def __call__(self) -> Tensor:
        out = (self.call or (lambda m, *x: m(*x)))(self.model, *self.inputs)
        while isinstance(out, tuple):
            out = out[0]
        assert isinstance(out, Tensor)
        return out


ZOO: dict[str, Callable[[], Animal]] = {}


def animal(make: Callable[[], Animal]) -> Callable[[], Animal]:
    """Takes a model into the zoo."""

    def made() -> Animal:
        torch.manual_seed(0)
        return make()

    ZOO[make.__name__.strip("_")] = made
    return made


def kill(layer: Any, *units: int, by: float = -50.0) -> None:
    """Makes units of a layer that never fire, through their biases."""
    with torch.no_grad():
        alive = layer.bias > by
        layer.bias[alive] = layer.bias[alive].clamp(min=0.5)
        for unit in units:
            layer.bias[unit] = by


def rows(name: str, *units: int) -> set[Unit]:
    """Units by their places along one axis."""
    return {(name, (u,)) for u in units}


class Mlp(nn.Module):
    """Two layers with a gate of any spelling between them."""

    def __init__(self, gate: Callable[[Tensor], Tensor], *dead: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 10), nn.Linear(10, 3)
        self.gate = gate
        kill(self.fc1, *(dead or (2, 5)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(self.gate(self.fc1(x)))
        return out


class HalvedRelu(torch.autograd.Function):
    """A gate with a backward of its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return g * (x > 0) * 0.5


def _masked_set(x: Tensor) -> Tensor:
    x = x.clone()
    x[x < 0] = 0
    return x


def _stacked(x: Tensor) -> Tensor:
    return torch.stack([x, torch.zeros_like(x)]).max(0).values


SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "f_relu": functional.relu,
    "torch_relu": torch.relu,
    "method_relu": lambda x: x.relu(),
    "relu_inplace": lambda x: functional.relu(x, inplace=True),
    "torch_relu_": torch.relu_,
    "method_relu_": lambda x: x.relu_(),
    "module": nn.ReLU(),
    "module_inplace": nn.ReLU(inplace=True),
    "clamp_min_keyword": lambda x: x.clamp(min=0),
    "clamp_positional": lambda x: torch.clamp(x, 0),
    "clamp_inplace": lambda x: x.clamp_(0),
    "clamp_min": lambda x: torch.clamp_min(x, 0.0),
    "clamp_tensor": lambda x: x.clamp(min=torch.zeros(())),
    "clip": lambda x: torch.clip(x, 0),
    "clip_high": lambda x: torch.clip(x, 0.0, 6.0),
    "maximum": lambda x: torch.maximum(x, torch.zeros(())),
    "maximum_turned": lambda x: torch.maximum(torch.zeros_like(x), x),
    "maximum_tensor": lambda x: torch.maximum(x, torch.tensor(0.0)),
    "max_of_two": lambda x: torch.max(x, torch.zeros(1)),
    "max_full": lambda x: torch.max(x, torch.full_like(x, 0.0)),
    "fmax": lambda x: torch.fmax(x, x.new_zeros(())),
    "where": lambda x: torch.where(x > 0, x, 0),
    "where_zeros": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "where_ge": lambda x: torch.where(x.ge(0), x, 0.0),
    "where_turned": lambda x: torch.where(x < 0, 0, x),
    "where_not": lambda x: torch.where(~(x > 0), torch.zeros(()), x),
    "where_method": lambda x: x.where(x > 0, 0.0),
    "mask": lambda x: x * (x > 0),
    "mask_float": lambda x: x * (x > 0).float(),
    "mask_to": lambda x: (x > 0).to(x.dtype) * x,
    "mask_type_as": lambda x: x.mul((x >= 0).type_as(x)),
    "mask_detached": lambda x: x * (x.detach() > 0).float(),
    "mask_inplace": lambda x: x.mul_(x > 0),
    "heaviside": lambda x: x * torch.heaviside(x.detach(), torch.zeros(())),
    "masked_fill": lambda x: x.masked_fill(x < 0, 0.0),
    "masked_set": _masked_set,
    "half_sum": lambda x: (x + x.abs()) / 2,
    "half_sum_turned": lambda x: 0.5 * (torch.abs(x) + x),
    "minus_minimum": lambda x: x - torch.minimum(x, torch.zeros(())),
    "minus_clamp": lambda x: x - x.clamp(max=0),
    "negated_clamp": lambda x: -torch.clamp(-x, max=0),
    "index_put": lambda x: x.index_put((x < 0,), torch.tensor(0.0)),
    "mask_of_the_sign": lambda x: x * (torch.sign(x) > 0),
    "stacked": _stacked,
    "stacked_amax": lambda x: torch.stack((torch.zeros_like(x), x), dim=-1).amax(-1),
    "relu6": functional.relu6,
    "hardtanh": lambda x: functional.hardtanh(x, 0, 6),
    "threshold": lambda x: functional.threshold(x, 0, 0),
    "threshold_module": nn.Threshold(0.1, 0.0),
    "leaky_zero": lambda x: functional.leaky_relu(x, 0.0),
    "elu_zero": lambda x: functional.elu(x, alpha=0.0),
    "squared": lambda x: functional.relu(x) ** 2,
    "function": HalvedRelu.apply,
    "aten": lambda x: torch.ops.aten.relu.default(x),
    "aten_packet": lambda x: torch.ops.aten.relu(x),
    "maximum_of_zero_times": lambda x: torch.maximum(x, 0 * x),
    "relu_twice": lambda x: functional.relu(functional.dropout(functional.relu(x), 0.0)),
    "noisy_half": lambda x: functional.relu(x.double()).float(),
}  # fmt: skip


def _spelled(name: str, gate: Callable[[Tensor], Tensor]) -> None:
    def made() -> Animal:
        torch.manual_seed(0)
        return Animal(Mlp(gate), (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10)

    ZOO[name] = made


for _name, _gate in SPELLINGS.items():
    _spelled(_name, _gate)


# -- decoys: nothing is dead, and what is no gate is none ---------------------------------------------

DECOYS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "silu": functional.silu,
    "leaky": functional.leaky_relu,
    "softplus": functional.softplus,
    "selu": functional.selu,
    "hardswish": functional.hardswish,
    "clamp_both": lambda x: x.clamp(-60, 60),
    "where_leaky": lambda x: torch.where(x > 0, x, 0.1 * x),
    "dropout": lambda x: functional.dropout(x, 0.5),
    "own_dropout": lambda x: x * (torch.rand_like(x) > 0.5),
    "minus_relu_inside": lambda x: x - 1.0,
    "negative": lambda x: -functional.softplus(x),
    "abs": torch.abs,
    "maximum_of_two": lambda x: torch.maximum(x, -x),
}  # fmt: skip


def _decoy(name: str, gate: Callable[[Tensor], Tensor]) -> None:
    def made() -> Animal:
        torch.manual_seed(0)
        return Animal(Mlp(gate), (torch.randn(64, 6),), set(), 0)

    ZOO[f"decoy_{name}"] = made


for _name, _gate in DECOYS.items():
    _decoy(_name, _gate)


class Masked(nn.Module):
    """Padding masks by product, by where and by filling; and output logits that are all negative."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 3)
        kill(self.fc1, 1)
        kill(self.fc2, 0, 1, 2)
        self.register_buffer("mask", torch.tensor([[1.0], [1.0], [0.0], [1.0]]))

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.fc1(x)) * self.mask
        h = torch.where(self.mask > 0, h, 0)
        h = h.masked_fill(self.mask == 0, 0.0)
        out: Tensor = self.fc2(h)
        return out


@animal
def _masks() -> Animal:
    return Animal(Masked(), (torch.randn(5, 4, 6),), rows("fc1.weight", 1), 8)


class Masking(nn.Module):
    """Masks before the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 3)
        kill(self.fc1, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        z = self.fc1(x) * mask
        z = torch.where(mask > 0.5, z, torch.zeros_like(z))
        out: Tensor = self.fc2(z.relu())
        return out


@animal
def _mask_before() -> Animal:
    return Animal(Masking(), (torch.randn(64, 6), (torch.rand(64, 8) > 0.2).float()), rows("fc1.weight", 1), 8)  # fmt: skip


# -- ways of building -------------------------------------------------------------------------------


class Reused(nn.Module):
    """One nn.ReLU at several places of different widths."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 12), nn.Linear(12, 2)
        self.relu = nn.ReLU()
        kill(self.a, 1)
        kill(self.b, 3, 11)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c(self.relu(self.b(self.relu(self.a(x)))))
        return out


@animal
def _reused() -> Animal:
    return Animal(Reused(), (torch.randn(64, 6),), rows("a.weight", 1) | rows("b.weight", 3, 11), 20)  # fmt: skip


class Siamese(nn.Module):
    """The same weights on two inputs: a unit is dead where it is in both."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.out = nn.Linear(1, 4), nn.Linear(4, 2)
        with torch.no_grad():
            self.fc.weight[:] = torch.tensor([[1.0], [-1.0], [0.5], [-0.5]])
            self.fc.bias[:] = torch.tensor([0.0, 0.0, -9.0, -9.0])

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        out: Tensor = self.out(functional.relu(self.fc(a)) + functional.relu(self.fc(b)))
        return out


@animal
def _siamese() -> Animal:
    x = torch.rand(8, 1) + 0.1
    return Animal(Siamese(), (x, -x), rows("fc.weight", 2, 3), 4)


class Recurrent(nn.Module):
    """A recurrence written out."""

    def __init__(self) -> None:
        super().__init__()
        self.wx, self.wh, self.out = nn.Linear(3, 6), nn.Linear(6, 6), nn.Linear(6, 2)
        kill(self.wh, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], 6)
        for t in range(x.shape[1]):
            h = functional.relu(self.wx(x[:, t]) + self.wh(h))
        out: Tensor = self.out(h)
        return out


@animal
def _recurrence() -> Animal:
    return Animal(Recurrent(), (torch.randn(64, 5, 3),), rows("wh.weight", 4), 6)


class Whole(nn.Module):
    """nn.RNN with gates, two layers."""

    def __init__(self, layers: int = 2, both: bool = False) -> None:
        super().__init__()
        self.rnn = nn.RNN(3, 5, layers, nonlinearity="relu", batch_first=True, bidirectional=both)
        self.out = nn.Linear(10 if both else 5, 2)
        with torch.no_grad():
            for name, bias in self.rnn.named_parameters():
                if name.startswith("bias"):
                    bias.fill_(0.5)
            self.rnn.bias_ih_l0[2] = -60.0
            if layers > 1:
                self.rnn.bias_ih_l1[4] = -60.0
            if both:
                self.rnn.bias_ih_l0_reverse[1] = -60.0

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(self.rnn(x)[0][:, -1])
        return out


@animal
def _rnn() -> Animal:
    dead = rows("rnn.weight_ih_l0", 2) | rows("rnn.weight_ih_l1", 4)
    return Animal(Whole(), (torch.randn(64, 4, 3),), dead, 10, seen=False)


@animal
def _rnn_both() -> Animal:
    dead = rows("rnn.weight_ih_l0", 2) | rows("rnn.weight_ih_l0_reverse", 1)
    return Animal(Whole(1, True), (torch.randn(64, 4, 3),), dead, 10, seen=False)


class Cells(nn.Module):
    """nn.RNNCell with gates."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.out = nn.RNNCell(3, 5, nonlinearity="relu"), nn.Linear(5, 2)
        with torch.no_grad():
            self.cell.bias_ih.fill_(0.5)
            self.cell.bias_ih[2] = -60.0

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 5)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        out: Tensor = self.out(h)
        return out


@animal
def _rnn_cell() -> Animal:
    return Animal(Cells(), (torch.randn(64, 4, 3),), rows("cell.weight_ih", 2), 5, seen=False)


def _convolutional(dimensions: int) -> Animal:
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dimensions - 1]
    pool = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[dimensions - 1]
    model = nn.Sequential(conv(2, 5, 3), nn.ReLU(), conv(5, 4, 1), nn.ReLU(), pool(1), nn.Flatten(), nn.Linear(4, 2))  # fmt: skip
    kill(model[0], 3)
    kill(model[2], 0)
    x = torch.randn(24, 2, *[6] * dimensions)
    return Animal(model, (x,), rows("0.weight", 3) | rows("2.weight", 0), 9)


@animal
def _conv1d() -> Animal:
    return _convolutional(1)


@animal
def _conv2d() -> Animal:
    return _convolutional(2)


@animal
def _conv3d() -> Animal:
    return _convolutional(3)


@animal
def _conv_unbatched() -> Animal:
    made = _convolutional(2)
    made.inputs = (made.inputs[0][0],)
    made.model[5] = nn.Flatten(0)
    return made


@animal
def _conv_transposed() -> Animal:
    model = nn.Sequential(nn.ConvTranspose2d(3, 5, 3, stride=2), nn.ReLU(), nn.Conv2d(5, 1, 3))
    kill(model[0], 1)
    return Animal(model, (torch.randn(2, 3, 4, 4),), rows("0.weight", 1), 5)


@animal
def _conv_groups() -> Animal:
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3, groups=4, dilation=2), nn.ReLU(), nn.Conv2d(8, 8, 1, groups=8), nn.ReLU6(), nn.Conv2d(8, 1, 1)
    )  # fmt: skip
    kill(model[0], 7)
    kill(model[2], 2)
    return Animal(model, (torch.randn(32, 4, 8, 8),), rows("0.weight", 7) | rows("2.weight", 2), 16, starved=rows("0.weight", 2))  # fmt: skip


class Normed(nn.Module):
    """Batch normalisation between a convolution and its gate."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6)
        self.fc = nn.Linear(6 * 16, 2)
        kill(self.bn, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(functional.relu(self.bn(self.conv(x))).flatten(1))
        return out


@animal
def _batch_norm() -> Animal:
    return Animal(Normed(), (torch.randn(5, 3, 6, 6),), rows("conv.weight", 4), 6)


@animal
def _layer_norm() -> Animal:
    model = nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.ReLU(), nn.Linear(7, 2))
    kill(model[1], 6)
    return Animal(model, (torch.randn(64, 5),), rows("0.weight", 6), 7)


@animal
def _group_norm() -> Animal:
    model = nn.Sequential(nn.Conv1d(3, 6, 3), nn.GroupNorm(2, 6), nn.ReLU(), nn.Conv1d(6, 2, 1))
    kill(model[1], 1)
    return Animal(model, (torch.randn(4, 3, 9),), rows("0.weight", 1), 6)


class Block(nn.Module):
    """A residual block: the sum is gated."""

    def __init__(self, down: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(4, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Conv2d(4, 4, 1) if down else None
        self.fc = nn.Linear(4, 2)
        kill(self.bn1, 2)
        kill(self.bn2, 3)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.down is not None:
            identity = self.down(x)
        out += identity
        out = self.relu(out)
        found: Tensor = self.fc(out.mean((2, 3)))
        return found


@animal
def _residual() -> Animal:
    return Animal(Block(False), (torch.randn(3, 4, 5, 5),), rows("conv1.weight", 2) | rows("conv2.weight", 3), 10)  # fmt: skip


@animal
def _residual_down() -> Animal:
    return Animal(Block(True), (torch.randn(3, 4, 5, 5),), rows("conv1.weight", 2) | rows("conv2.weight", 3), 10)  # fmt: skip


class ReGlu(nn.Module):
    """A gated linear unit with relu: one matrix, cut in two."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(5, 12), nn.Linear(6, 2)
        kill(self.up, 2, 8)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.up(x).chunk(2, dim=-1)
        out: Tensor = self.down(value * functional.relu(gate))
        return out


@animal
def _reglu() -> Animal:
    return Animal(ReGlu(), (torch.randn(64, 5),), rows("up.weight", 8), 6)


class Split(nn.Module):
    """Halves of one layer, gated by turns; joined again."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(5, 8), nn.Linear(8, 2)
        kill(self.up, 1)

    def forward(self, x: Tensor) -> Tensor:
        z = self.up(x)
        joined = torch.cat([z[:, :4].relu(), torch.tanh(z[:, 4:])], dim=1)
        out: Tensor = self.down(joined)
        return out


@animal
def _half_gated() -> Animal:
    return Animal(Split(), (torch.randn(64, 5),), rows("up.weight", 1), 4)


class Concatenated(nn.Module):
    """Two layers side by side, gated together."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(7, 1, 1)  # fmt: skip
        kill(self.a, 0)
        kill(self.b, 2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(functional.relu(torch.cat((self.a(x), self.b(x)), 1)))
        return out


@animal
def _concatenated() -> Animal:
    return Animal(Concatenated(), (torch.randn(3, 2, 5, 5),), rows("a.weight", 0) | rows("b.weight", 2), 7)  # fmt: skip


class Crelu(nn.Module):
    """A layer's positive and its negative part, both kept."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.out = nn.Linear(4, 3), nn.Linear(6, 2)
        kill(self.a, 0)
        with torch.no_grad():
            self.a.bias[1:] = 0.0

    def forward(self, x: Tensor) -> Tensor:
        z = self.a(x)
        out: Tensor = self.out(torch.cat([functional.relu(z), functional.relu(-z)], 1))
        return out


@animal
def _crelu() -> Animal:
    return Animal(Crelu(), (torch.randn(64, 4),), rows("a.weight", 0), 6)


class Raw(nn.Module):
    """Weights that stand on either side of a product, and in an einsum."""

    def __init__(
        self, product: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, int], wide: int
    ) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(*shape))
        self.b = nn.Parameter(torch.zeros(wide))
        self.out = nn.Linear(wide, 2)
        self.product = product
        kill_bias(self.b, 1)

    def forward(self, x: Tensor) -> Tensor:
        z = self.product(x, self.w) + self.b
        out: Tensor = self.out(z.relu())
        return out


def kill_bias(bias: nn.Parameter, unit: int) -> None:
    """Makes a unit that never fires."""
    with torch.no_grad():
        bias[unit] = -70.0


@animal
def _raw_right() -> Animal:
    return Animal(Raw(lambda x, w: x @ w, (4, 6), 6), (torch.randn(64, 4),), rows("w", 1), 6)


@animal
def _raw_turned() -> Animal:
    return Animal(Raw(lambda x, w: x @ w.t(), (6, 4), 6), (torch.randn(64, 4),), rows("w", 1), 6)


@animal
def _raw_mt() -> Animal:
    return Animal(Raw(lambda x, w: torch.matmul(x, w.mT), (6, 4), 6), (torch.randn(3, 5, 4),), rows("w", 1), 6)  # fmt: skip


@animal
def _raw_einsum() -> Animal:
    return Animal(Raw(lambda x, w: torch.einsum("bi,oi->bo", x, w), (6, 4), 6), (torch.randn(64, 4),), rows("w", 1), 6)  # fmt: skip


@animal
def _raw_einsum_dots() -> Animal:
    return Animal(Raw(lambda x, w: torch.einsum("...i,io->...o", x, w), (4, 6), 6), (torch.randn(3, 5, 4),), rows("w", 1), 6)  # fmt: skip


@animal
def _raw_tensordot() -> Animal:
    return Animal(Raw(lambda x, w: torch.tensordot(x, w, dims=([1], [1])), (6, 4), 6), (torch.randn(64, 4),), rows("w", 1), 6)  # fmt: skip


@animal
def _raw_broadcast() -> Animal:
    return Animal(Raw(lambda x, w: (x[:, None, :] * w).sum(-1), (6, 4), 6), (torch.randn(64, 4),), rows("w", 1), 6)  # fmt: skip


@animal
def _raw_functional() -> Animal:
    return Animal(
        Raw(lambda x, w: functional.linear(x, w), (6, 4), 6), (torch.randn(64, 4),), rows("w", 1), 6
    )


class AddMm(nn.Module):
    """addmm, with the bias in the product."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(4, 6)), nn.Parameter(torch.zeros(6))
        self.out = nn.Linear(6, 2)
        kill_bias(self.b, 5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(torch.addmm(self.b, x, self.w).relu())
        return out


@animal
def _addmm() -> Animal:
    return Animal(AddMm(), (torch.randn(64, 4),), rows("w", 5), 6)


class Columns(nn.Module):
    """Examples in the columns: W @ X."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(6, 4)), nn.Parameter(torch.zeros(6, 1))
        self.v = nn.Parameter(torch.randn(2, 6))
        with torch.no_grad():
            self.b[3] = -70.0

    def forward(self, x: Tensor) -> Tensor:
        return self.v @ functional.relu(self.w @ x + self.b)


@animal
def _columns() -> Animal:
    return Animal(Columns(), (torch.randn(4, 64),), rows("w", 3), 6)


class Experts(nn.Module):
    """A matrix for each expert, in one product."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(3, 4, 5)), nn.Parameter(torch.zeros(3, 1, 5))
        self.v = nn.Parameter(torch.randn(3, 5, 2))
        with torch.no_grad():
            self.b[1, 0, 2] = -70.0

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(functional.relu(torch.baddbmm(self.b, x, self.w)), self.v)


@animal
def _experts() -> Animal:
    return Animal(Experts(), (torch.randn(3, 64, 4),), {("w", (1, 2))}, 15)


class Embedded(nn.Module):
    """An embedding, a layer, a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.fc, self.out = nn.Embedding(11, 4), nn.Linear(4, 6), nn.Linear(6, 2)
        kill(self.fc, 0)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(functional.relu(self.fc(self.table(x))).mean(1))
        return out


@animal
def _embedding() -> Animal:
    return Animal(Embedded(), (torch.randint(0, 11, (5, 7)),), rows("fc.weight", 0), 6)


class Tied(nn.Module):
    """One weight as encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.Linear(6, 5)
        self.bias = nn.Parameter(torch.zeros(6))
        kill(self.enc, 3)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(functional.relu(self.enc(x)), self.enc.weight.t(), self.bias)


@animal
def _tied() -> Animal:
    return Animal(Tied(), (torch.randn(64, 6),), rows("enc.weight", 3), 5)


def _normed_weight(wrap: Callable[[nn.Module], nn.Module]) -> Animal:
    layer = nn.Linear(6, 8)
    kill(layer, 4)
    model = nn.Sequential(wrap(layer), nn.ReLU(), nn.Linear(8, 2))
    return Animal(model, (torch.randn(64, 6),), rows("0.weight", 4), 8)


@animal
def _weight_norm() -> Animal:
    return _normed_weight(parametrizations.weight_norm)


@animal
def _spectral_norm() -> Animal:
    return _normed_weight(parametrizations.spectral_norm)


@animal
def _lazy() -> Animal:
    model = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(2))
    model(torch.zeros(1, 6))
    kill(model[0], 4)
    return Animal(model, (torch.randn(64, 6),), rows("0.weight", 4), 8)


@animal
def _unbatched() -> Animal:
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(1.0)
    kill(model[0], 4)
    return Animal(model, (torch.randn(6),), rows("0.weight", 4), 8)


@animal
def _direct_forward() -> Animal:
    return Animal(Mlp(functional.relu), (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, call=lambda m, x: m.forward(x))  # fmt: skip


@animal
def _functional_call() -> Animal:
    def call(model: nn.Module, x: Tensor) -> Tensor:
        values = {n: p * 1.0 for n, p in model.named_parameters()}
        out: Tensor = torch.func.functional_call(model, values, (x,))
        return out

    return Animal(
        Mlp(functional.relu), (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, call=call
    )


@animal
def _vmapped() -> Animal:
    def call(model: nn.Module, x: Tensor) -> Tensor:
        out: Tensor = torch.func.vmap(model)(x)
        return out

    return Animal(Mlp(functional.relu), (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, call=call, seen=False)  # fmt: skip


@animal
def _vmapped_relu() -> Animal:
    model = Mlp(lambda x: torch.func.vmap(torch.relu)(x))
    return Animal(model, (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, seen=False)


@animal
def _no_forward() -> Animal:
    def call(model: Any, x: Tensor) -> Tensor:
        out: Tensor = model.fc2(functional.relu(model.fc1(x)))
        return out

    return Animal(
        Mlp(functional.relu), (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, call=call
    )


class Shuffled(nn.Module):
    """Sub-pixel convolution: channels become pixels before the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(2, 8, 3, padding=1), nn.Conv2d(2, 1, 3)
        kill(self.conv, 5)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(functional.relu(functional.pixel_shuffle(self.conv(x), 2)))
        return out


@animal
def _pixel_shuffle() -> Animal:
    return Animal(Shuffled(), (torch.randn(2, 2, 6, 6),), rows("conv.weight", 5), 8)


class Flattened(nn.Module):
    """Channels flattened before the gate; tokens folded into the batch; heads split off."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc, self.heads = nn.Conv2d(2, 4, 3), nn.Linear(4 * 16, 6), nn.Linear(6, 12)
        self.out = nn.Linear(12, 2)
        kill(self.conv, 1)
        kill(self.heads, 7)

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(torch.flatten(self.conv(x), 1))
        h = self.heads(self.fc(h)).view(-1, 3, 4).transpose(1, 2)
        h = functional.relu(h).transpose(1, 2).reshape(-1, 12)
        out: Tensor = self.out(h)
        return out


@animal
def _flattened() -> Animal:
    return Animal(Flattened(), (torch.randn(64, 2, 6, 6),), rows("conv.weight", 1) | rows("heads.weight", 7), 16)  # fmt: skip


class ChannelsLast(nn.Module):
    """Channels moved to the end before the gate, as image models with linear layers do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(2, 5, 3), nn.Linear(5, 2)
        kill(self.conv, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x).permute(0, 2, 3, 1)
        out: Tensor = self.out(h.relu()).mean((1, 2))
        return out


@animal
def _channels_last() -> Animal:
    return Animal(ChannelsLast(), (torch.randn(64, 2, 6, 6),), rows("conv.weight", 2), 5)


@animal
def _memory_format() -> Animal:
    made = _convolutional(2)
    made.model = made.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    made.inputs = (made.inputs[0].contiguous(memory_format=torch.channels_last),)
    return made


class Encoder(nn.Module):
    """A transformer encoder, whose activation is a function."""

    def __init__(self, layers: int, first: bool = False) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            8, 2, 12, dropout=0.1, batch_first=True, norm_first=first
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=not first)
        self.head = nn.Linear(8, 2)
        for k, one in enumerate(self.encoder.layers):
            kill(one.linear1, k + 1)

    def forward(self, x: Tensor, pad: Tensor | None = None) -> Tensor:
        out: Tensor = self.head(self.encoder(x, src_key_padding_mask=pad).mean(1))
        return out


@animal
def _encoder() -> Animal:
    dead = rows("encoder.layers.0.linear1.weight", 1) | rows("encoder.layers.1.linear1.weight", 2)
    return Animal(Encoder(2), (torch.randn(3, 5, 8),), dead, 24)


@animal
def _encoder_first() -> Animal:
    return Animal(Encoder(1, True), (torch.randn(3, 5, 8),), rows("encoder.layers.0.linear1.weight", 1), 12)  # fmt: skip


@animal
def _encoder_padded() -> Animal:
    pad = torch.zeros(3, 5, dtype=torch.bool)
    pad[1, 3:] = True
    return Animal(Encoder(1), (torch.randn(3, 5, 8), pad), rows("encoder.layers.0.linear1.weight", 1), 12)  # fmt: skip


@animal
def _encoder_layer_alone() -> Animal:
    model = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
    kill(model.linear1, 3)
    return Animal(model, (torch.randn(3, 5, 8),), rows("linear1.weight", 3), 12)


class Gpt(nn.Module):
    """A block with causal attention and a gated feed-forward."""

    def __init__(self) -> None:
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)
        self.up, self.down, self.head = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 5)
        kill(self.up, 9)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.ln1(x)).split(8, dim=-1)
        q, k, v = (t.view(*t.shape[:2], 2, 4).transpose(1, 2) for t in (q, k, v))
        h = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(h.transpose(1, 2).reshape(x.shape))
        x = x + self.down(functional.relu(self.up(self.ln2(x))).square())
        out: Tensor = self.head(x)
        return out


@animal
def _gpt() -> Animal:
    return Animal(Gpt(), (torch.randn(3, 6, 8),), rows("up.weight", 9), 16)


class Checkpointed(nn.Module):
    """The gates within a checkpoint, by a function and by modules."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.reentrant = reentrant
        kill(self.a, 1)
        kill(self.b, 3)

    def _inside(self, x: Tensor) -> Tensor:
        return self.b(functional.relu(self.a(x))).relu()

    def forward(self, x: Tensor) -> Tensor:
        x = x.clone().requires_grad_() if torch.is_grad_enabled() else x
        h = checkpoint(self._inside, x, use_reentrant=self.reentrant)
        out: Tensor = self.c(h)
        return out


@animal
def _checkpoint_reentrant() -> Animal:
    return Animal(Checkpointed(True), (torch.randn(64, 6),), rows("a.weight", 1) | rows("b.weight", 3), 16)  # fmt: skip


@animal
def _checkpoint() -> Animal:
    return Animal(Checkpointed(False), (torch.randn(64, 6),), rows("a.weight", 1) | rows("b.weight", 3), 16)  # fmt: skip


@animal
def _checkpoint_sequential() -> Animal:
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    kill(model[0], 1)
    kill(model[2], 3)

    def call(m: nn.Module, x: Tensor) -> Tensor:
        x = x.clone().requires_grad_() if torch.is_grad_enabled() else x
        out: Tensor = checkpoint_sequential(m, 2, x, use_reentrant=False)
        return out

    return Animal(model, (torch.randn(64, 6),), rows("0.weight", 1) | rows("2.weight", 3), 16, call=call)  # fmt: skip


class Loss(nn.Module):
    """A model that returns its hinge loss: the hinge is no unit's gate."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 1)
        kill(self.fc1, 2)
        with torch.no_grad():
            self.fc2.bias.fill_(90.0)

    def forward(self, x: Tensor) -> Tensor:
        score = self.fc2(functional.relu(self.fc1(x)))
        target = torch.ones_like(score)
        return functional.relu(1 - target * score).mean() + 0 * score.mean()


@animal
def _hinge_inside() -> Animal:
    return Animal(Loss(), (torch.randn(64, 6),), rows("fc1.weight", 2), 8, starved=None)


@animal
def _hinge_outside() -> Animal:
    model = Mlp(functional.relu)
    with torch.no_grad():
        model.fc2.bias.fill_(90.0)
    return Animal(model, (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, call=lambda m, x: functional.relu(1 - m(x)).mean() + 0 * m(x).mean(), starved=None)  # fmt: skip


class Film(nn.Module):
    """Scale and shift made by another network, with a gate of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.cond, self.film = nn.Linear(3, 5), nn.Linear(5, 16)
        self.fc, self.out = nn.Linear(6, 8), nn.Linear(8, 2)
        kill(self.cond, 4)
        with torch.no_grad():
            self.film.bias[8 + 6] = -90.0

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        scale, shift = self.film(functional.relu(self.cond(c))).chunk(2, -1)
        out: Tensor = self.out(functional.relu(self.fc(x) * scale + shift))
        return out


@animal
def _film() -> Animal:
    return Animal(Film(), (torch.randn(64, 6), torch.randn(64, 3)), rows("cond.weight", 4) | rows("film.weight", 14), 13)  # fmt: skip


@dataclass
class Other:
    """Another model beside the watched one: a teacher whose gates are its own."""

    model: nn.Module = field(default_factory=lambda: Mlp(functional.relu, 0, 1, 2))


@animal
def _teacher() -> Animal:
    model, other = Mlp(functional.relu), Other()

    def call(m: nn.Module, x: Tensor) -> Tensor:
        with torch.no_grad():
            theirs = other.model(x)
        out: Tensor = m(x) - theirs
        return out

    return Animal(model, (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, call=call)


@animal
def _bfloat16() -> Animal:
    def call(m: nn.Module, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            out: Tensor = m(x)
        return out.float()

    return Animal(
        Mlp(functional.relu), (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, call=call
    )


@animal
def _frozen() -> Animal:
    model = Mlp(functional.relu)
    model.fc1.requires_grad_(False)
    return Animal(model, (torch.randn(64, 6),), rows("fc1.weight", 2, 5), 10, seen=False)


class Buffered(nn.Module):
    """Random features: the first layer is a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("w", torch.randn(8, 6))
        self.register_buffer("b", torch.zeros(8))
        self.out = nn.Linear(8, 2)
        self.get_buffer("b")[6] = -70.0

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(
            functional.relu(functional.linear(x, self.get_buffer("w"), self.get_buffer("b")))
        )
        return out


@animal
def _random_features() -> Animal:
    return Animal(Buffered(), (torch.randn(64, 6),), rows("w", 6), 8, seen=False)


class Sliced(nn.Module):
    """Rows of a weight, columns of another, and rows with a bias of their own: units are counted through the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = nn.Linear(6, 12)
        self.turned = nn.Parameter(torch.randn(6, 9))
        self.bias = nn.Parameter(torch.full((4,), 0.5))
        self.out = nn.Linear(13, 2)
        with torch.no_grad():
            kill(self.whole, 3, 7)
            self.turned[:, 5] = 0.0
            self.bias[1] = -60.0

    def forward(self, x: Tensor) -> Tensor:
        rows = functional.linear(x, self.whole.weight[2:8][1:], self.whole.bias[2:8][1:])
        own = functional.linear(x, self.whole.weight[8:], self.bias)
        columns = x @ self.turned[:, 4:8]
        gated = [functional.relu(z) for z in (rows, own, columns)]
        out: Tensor = self.out(torch.cat(gated, 1))
        return out


@animal
def _parts_of_weights() -> Animal:
    dead = rows("whole.weight", 3, 7, 9) | rows("turned", 5)
    return Animal(Sliced(), (torch.randn(64, 6),), dead, 13)
