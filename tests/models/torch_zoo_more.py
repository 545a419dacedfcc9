"""More models, of what people try next: picks and puts, padding, masks that are drawn, and architectures as they are published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812 - as everyone calls it

from tests.models.torch_zoo import CLASS3, TARGET3, XS, X, add, numbers

XT, YT = numbers(2, 5, 8), numbers(2, 3, seed=5)
Forward = Callable[..., Any]


class With(nn.Module):
    """A model of some layers, and what is computed with them."""

    def __init__(self, forward: Forward, **layers: Any) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer() if callable(layer) else layer)
        self.computed = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self.computed(self, x)


def gives(
    name: str, forward: Forward, x: torch.Tensor, *, sweep: bool = False, **layers: Any
) -> None:
    """A specimen that gives its loss."""
    add(name, lambda: With(forward, **layers), x, sweep=sweep)


def linear(outputs: int = 6) -> Any:
    return lambda: nn.Linear(4, outputs).double()


def weights(*shape: int) -> Any:
    return lambda: nn.Parameter(numbers(*shape))


def picks(m: Any, x: torch.Tensor) -> Any:
    z = m.fc(x)
    return (
        z.topk(2, dim=1)[0].mean()
        + (z.sort(dim=1, descending=True)[0] * m.w).mean()
        + z.median(dim=0)[0].sum() * z.median()
        + z.kthvalue(2, dim=1)[0].mean()
        + (z.quantile(0.3) - z.quantile(0.5, dim=1)).square().mean()
        + z.cummax(1)[0].mean() * z[z > 0].sum() + z[x[:, 0] > 0].pow(2).mean()
        + (z.unfold(1, 3, 2).mean(-1) * z.gather(1, z.argmax(1, keepdim=True))).mean()
    )  # fmt: skip


def puts(m: Any, x: torch.Tensor) -> Any:
    z, rows = m.fc(x), torch.tensor([0, 1, 1, 3, 0])
    found = torch.zeros(4, 6).double().index_add(0, rows, z).pow(2).mean()
    found = found + (x @ m.w).index_add(1, torch.tensor([2, 0]), z[:, :2], alpha=0.5).pow(2).mean()
    found = (
        found
        + torch.ones(4, 6).double().scatter_add(0, rows[:, None].expand(5, 6), z).pow(2).mean()
    )
    best, at = torch.softmax(z, -1).topk(2, -1)
    found = found + (torch.zeros(5, 6).double().scatter(1, at, best) * m.v).sum()
    found = found + z.index_put((torch.tensor([0, 2]),), m.v).pow(2).mean()
    found = found + z.index_copy(0, torch.tensor([3, 1]), z[:2] * 2).pow(3).mean()
    z = z.clone()
    z[::2] = m.v
    z[:, 1] = 0.5
    return found + (z.pow(2) * z.scatter(1, at, 2.0)).mean()


gives("picks", picks, X, fc=linear(), w=weights(6))
gives("puts", puts, X, fc=linear(), w=weights(4, 4), v=weights(6))
gives(
    "functions",
    lambda m, x: (lambda z: (z.sinh() + z.cosh() + z.tan() + z.exp2() + z.asinh() + torch.hypot(z, z + 1) + torch.logaddexp(z, -z) + torch.cumprod(z, 1) + torch.logcumsumexp(z, 1) + z.roll(2)).mean() + z.norm(p=3) + torch.cdist(z, m.w).sum())(m.fc(x) / 3),
    X, fc=linear(), w=weights(2, 6),
)  # fmt: skip
gives(
    "square matrices",
    lambda m, x: (lambda a: torch.linalg.inv(a).sum() + torch.logdet(a) + torch.linalg.det(a) + torch.linalg.solve(a, m.w).sum() + a.inverse()[0, 1])(m.w @ m.w.T + 2 * torch.eye(4).double()) + x.sum(),
    X, w=weights(4, 3),
)  # fmt: skip
gives(
    "pads and pools",
    lambda m, x: F.pad(m.c(x), (1, 2, 0, 1), mode="replicate").pow(3).mean() + nn.AvgPool2d(3, 2, 1, count_include_pad=False)(m.c(x)).pow(2).mean() + nn.MaxPool2d(4, 4, ceil_mode=True)(m.d(x)).pow(2).mean()
    + nn.AvgPool2d(4, 3, 1, ceil_mode=True)(m.e(x)).pow(2).mean() + F.avg_pool2d(x * m.s, 2, divisor_override=3).pow(2).mean(),
    XS, c=lambda: nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect").double(), d=lambda: nn.Conv2d(3, 2, 2, padding=1, padding_mode="circular").double(), e=lambda: nn.Conv2d(3, 2, 1).double(), s=weights(3, 1, 1),
)  # fmt: skip
gives(
    "bags and letters",
    lambda m, ids: torch.einsum("...d,ed->...e", torch.stack([m.bag(ids), m.sums(ids)], 1), m.w).pow(2).mean(),
    torch.arange(10).reshape(2, 5) * 3 % 7,
    bag=lambda: nn.EmbeddingBag(7, 4).double(), sums=lambda: nn.EmbeddingBag(7, 4, mode="sum", padding_idx=3).double(), w=weights(3, 4),
)  # fmt: skip
gives(
    "heads that share keys",
    lambda m, x: F.scaled_dot_product_attention(m.q(x).view(2, 5, 4, 2).transpose(1, 2), m.k(x).view(2, 5, 2, 2).transpose(1, 2), m.v(x).view(2, 5, 2, 2).transpose(1, 2), is_causal=True, enable_gqa=True).pow(2).mean(),
    XT, q=lambda: nn.Linear(8, 8), k=lambda: nn.Linear(8, 4), v=lambda: nn.Linear(8, 4),
)  # fmt: skip
gives(
    "contrastive",
    lambda m, x: F.cross_entropy((F.normalize(m.fc(x)) @ F.normalize(m.fc(x)).T / 0.5).masked_fill(torch.eye(5).bool(), -torch.inf), torch.tensor([1, 0, 3, 2, 0])),
    X, fc=linear(), sweep=True,
)  # fmt: skip
for _kind, _more in ((nn.LSTM, {"bidirectional": True}), (nn.GRU, {}), (nn.RNN, {})):
    gives(
        f"{_kind.__name__} with dropout between its layers", lambda m, x: m.net(x)[0].pow(2).mean(), XT,
        net=lambda kind=_kind, more=_more: kind(8, 3, 3, dropout=0.4, batch_first=True, **more), sweep=_kind is not nn.LSTM,
    )  # fmt: skip
gives("lstm with projections", lambda m, x: m.net(x)[0].pow(2).mean(), XT, net=lambda: nn.LSTM(8, 4, proj_size=2), sweep=True)  # fmt: skip
gives("alpha dropout", lambda m, x: nn.AlphaDropout(0.3)(m.fc(x)).pow(2).mean(), X, fc=linear(), sweep=True)  # fmt: skip
gives(
    "folded", lambda m, x: F.fold(m.c(x.mT), (4, 4), 2, stride=2).pow(2).mean(), XT,
    c=lambda: nn.Conv1d(8, 8, 2), sweep=True,
)  # fmt: skip


class VisionTransformer(nn.Module):
    """Patches, a class token, places, an encoder layer with dropout, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 3, 3)
        self.token, self.places = nn.Parameter(numbers(1, 1, 8)), nn.Parameter(numbers(1, 5, 8))
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, 0.1, F.gelu, batch_first=True, norm_first=True)  # fmt: skip
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> Any:
        z = self.patch(x).flatten(2).transpose(1, 2)
        z = torch.cat([self.token.expand(x.shape[0], -1, -1), z], 1) + self.places
        return self.head(self.encoder(z)[:, 0])


class UNet(nn.Module):
    """Down, up again, and what was there before beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.up, self.last = nn.ConvTranspose2d(6, 4, 2, 2), nn.Conv2d(8, 3, 6)

    def forward(self, x: torch.Tensor) -> Any:
        a = F.relu(self.one(x))
        b = F.relu(self.two(F.max_pool2d(a, 2)))
        return self.last(torch.cat([a, self.up(b)], 1)).flatten(1)


class Llama(nn.Module):
    """A block with RMS norms, rotary places, heads that share keys, and SwiGLU."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(8, n, False) for n in (8, 4, 4))
        self.o, self.gate, self.into, self.out = nn.Linear(8, 8, False), nn.Linear(8, 12, False), nn.Linear(8, 12, False), nn.Linear(12, 8, False)  # fmt: skip
        self.norm1, self.norm2, self.head = nn.RMSNorm(8), nn.RMSNorm(8), nn.Linear(8, 3)
        angle = torch.arange(5)[:, None] * (10000.0 ** (-torch.arange(0, 4, 2) / 4))
        self.cos = nn.Buffer(torch.cat([angle, angle], -1).cos())
        self.sin = nn.Buffer(torch.cat([angle, angle], -1).sin())

    def turned(self, x: torch.Tensor) -> Any:
        a, b = x.chunk(2, -1)
        return x * self.cos + torch.cat([-b, a], -1) * self.sin

    def forward(self, x: torch.Tensor) -> Any:
        h = self.norm1(x)
        q = self.turned(self.q(h).view(2, 5, 2, 4).transpose(1, 2))
        k = self.turned(self.k(h).view(2, 5, 1, 4).transpose(1, 2)).repeat_interleave(2, 1)
        v = self.v(h).view(2, 5, 1, 4).transpose(1, 2).repeat_interleave(2, 1)
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(h.transpose(1, 2).reshape(2, 5, 8))
        h = self.norm2(x)
        return self.head(x + self.out(F.silu(self.gate(h)) * self.into(h))).mean(1)


class Autoencoder(nn.Module):
    """A variational autoencoder: its noise is drawn in the forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.mean, self.log = nn.Linear(4, 5), nn.Linear(5, 2), nn.Linear(5, 2)
        self.out = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 4))

    def forward(self, x: torch.Tensor) -> Any:
        h = F.relu(self.into(x))
        m, v = self.mean(h), self.log(h)
        z = m + torch.randn_like(v) * (0.5 * v).exp()
        return F.mse_loss(self.out(z), x) - 0.5 * (1 + v - m**2 - v.exp()).sum(1).mean()


class GraphAttention(nn.Module):
    """Nodes that look at their neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.a = nn.Linear(4, 3, False), nn.Linear(6, 1, False)

    def forward(self, x: torch.Tensor) -> Any:
        h, n = self.w(x), len(x)
        pairs = torch.cat([h.repeat_interleave(n, 0), h.repeat(n, 1)], 1)
        scores = F.leaky_relu(self.a(pairs)).view(n, n)
        near = (torch.arange(n * n).reshape(n, n) % 3 > 0) | torch.eye(n).bool()
        return F.elu(torch.softmax(scores.masked_fill(~near, -1e9), 1) @ h)


class WaveNet(nn.Module):
    """A dilated convolution that looks back alone, gated."""

    def __init__(self) -> None:
        super().__init__()
        self.f, self.g = nn.Conv1d(5, 4, 2, dilation=2), nn.Conv1d(5, 4, 2, dilation=2)
        self.r = nn.Conv1d(4, 5, 1)

    def forward(self, x: torch.Tensor) -> Any:
        p = F.pad(x, (2, 0))
        return (x + self.r(torch.tanh(self.f(p)) * torch.sigmoid(self.g(p)))).mean(2)[:, :3]


class Words(nn.Module):
    """Words with a padding, an encoder that leaves it out, and a loss that does not count it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.places = nn.Embedding(7, 8, padding_idx=0), nn.Embedding(5, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True)
        self.out = nn.Linear(8, 7)

    def forward(self, ids: torch.Tensor) -> Any:
        z = self.layer(self.embed(ids) + self.places(torch.arange(5)), src_key_padding_mask=ids == 0)  # fmt: skip
        return F.cross_entropy(self.out(z).flatten(0, 1), ids.flatten(), ignore_index=0)


class Experts(nn.Module):
    """Three experts, of which each example asks its two best."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList([nn.Linear(4, 3) for _ in range(3)])
        self.gate = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> Any:
        w, at = torch.softmax(self.gate(x), -1).topk(2, -1)
        w = w / w.sum(-1, keepdim=True)
        full = torch.zeros(len(x), 3).to(x).scatter(1, at, w)
        return (torch.stack([e(x) for e in self.experts], 1) * full[..., None]).sum(1)


add("vision transformer", VisionTransformer, XS, YT, F.mse_loss)
add("u-net", UNet, XS, YT, F.mse_loss, sweep=True)
add("llama block", Llama, XT, YT, F.mse_loss, sweep=True)
add("variational autoencoder", Autoencoder, X)
add("graph attention", GraphAttention, X, CLASS3, F.cross_entropy, sweep=True)
add("wavenet", WaveNet, XT, YT, F.mse_loss, sweep=True)
add("words with padding", Words, torch.arange(10).reshape(2, 5) * 3 % 7, sweep=True)
add("mixture of experts", Experts, X, TARGET3, F.mse_loss, sweep=True)
add(
    "encoder of two layers, causal, with dropout",
    lambda: With(
        lambda m, x: m.net(x, mask=nn.Transformer.generate_square_subsequent_mask(5).double(), is_causal=True)[:, 0, :3],
        net=lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12, 0.1, batch_first=True), 2),
    ),
    XT, YT, F.mse_loss, sweep=True,
)  # fmt: skip
add(
    "decoder layer",
    lambda: With(lambda m, x: m.net(x, 2 * x)[:, 0, :3], net=lambda: nn.TransformerDecoderLayer(8, 2, 12, 0.1, batch_first=True)),
    XT, YT, F.mse_loss, sweep=True,
)  # fmt: skip
