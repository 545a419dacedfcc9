"""A block of GPT-2's form by hand: heads of causal attention, layer norms, GELU and residual sums, small enough to read.

python docs/examples/gpt2_block.py gpt2.html
"""

from __future__ import annotations

import sys

import torch
from torch import nn
from torch.nn import functional

import handgrad


class Block(nn.Module):
    """Norms first; two heads of two numbers each; an MLP twice as wide."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(4), nn.LayerNorm(4)
        self.c_attn, self.c_proj = nn.Linear(4, 12), nn.Linear(4, 4)
        self.c_fc, self.c_out = nn.Linear(4, 8), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = len(x)
        q, k, v = (
            part.view(tokens, 2, 2).transpose(0, 1)
            for part in self.c_attn(self.ln_1(x)).split(4, dim=1)
        )
        heads = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(heads.transpose(0, 1).reshape(tokens, 4))
        h = functional.gelu(self.c_fc(self.ln_2(x)), approximate="tanh")
        return x + self.c_out(h)


class Gpt(nn.Module):
    """Three tokens of five, and the token that follows each: the scores are products with the embedding itself."""

    def __init__(self) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(5, 4), nn.Embedding(3, 4)
        self.h, self.ln_f = Block(), nn.LayerNorm(4)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.wte(ids) + self.wpe(torch.arange(len(ids)))
        return self.ln_f(self.h(x)) @ self.wte.weight.T


def main(file: str) -> None:
    """Works the block through, holds every gradient against PyTorch's, and saves the page."""
    torch.manual_seed(0)
    model = Gpt().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.round(decimals=1))
    ids, following = torch.tensor([3, 1, 4]), torch.tensor([1, 4, 0])
    problem = handgrad.from_torch(model, ids, following, functional.cross_entropy)
    trace = handgrad.solve(problem)
    functional.cross_entropy(model(ids), following).backward()
    differences = [
        abs(trace.gradient(path) - parameter.grad.numpy()).max()
        for path, parameter in model.named_parameters()
    ]
    print(
        f"loss {trace.loss:.4f}; from PyTorch's gradients no entry differs by more than {max(differences):.0e}"
    )
    trace.save(file, force=True)


if __name__ == "__main__":
    main(sys.argv[1])
