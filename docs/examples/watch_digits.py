"""A training run on handwritten digits in which a third of the first layer dies, watched.

python docs/examples/watch_digits.py watched.html
"""

from __future__ import annotations

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import handgrad


def main(file: str) -> None:
    """Trains with a rate that is too high for four passes over the data and a fitting one from then on; saves the report."""
    torch.manual_seed(0)
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32) / 16
    y = torch.tensor(digits.target)
    model = nn.Sequential()
    for name, module in {
        "fc1": nn.Linear(64, 96), "relu1": nn.ReLU(), "fc2": nn.Linear(96, 32), "relu2": nn.ReLU(),
        "out": nn.Linear(32, 10),
    }.items():  # fmt: skip
        model.add_module(name, module)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.04)
    with handgrad.watch(model) as gates:
        for number in range(30):
            if number == 4:
                optimizer.param_groups[0]["lr"] = 0.002
            for batch in torch.randperm(len(x)).split(128):
                optimizer.zero_grad()
                functional.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean()
    print(f"{100 * right:.1f} % right; {gates.report()}")
    gates.report().save(file, force=True)


if __name__ == "__main__":
    main(sys.argv[1])
