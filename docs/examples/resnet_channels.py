"""The dead channels of torchvision's ResNet-18: which die while it trains, and one of them worked out.

pip install 'handgrad[torch]' torchvision scikit-learn
python docs/examples/resnet_channels.py channel.html
"""

from __future__ import annotations

import sys
from collections import Counter

import torch
from sklearn.datasets import load_digits
from torch.nn import functional
from torchvision.models import resnet18

import handgrad


def main(file: str) -> None:
    """Trains on handwritten digits, with a rate that is too high in the first steps; saves the page of a dead channel."""
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    x = functional.interpolate(images, size=32, mode="bilinear").repeat(1, 3, 1, 1)
    y = torch.tensor(digits.target)
    model = resnet18(num_classes=10)
    optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    with handgrad.watch(model) as gates:
        for number in range(300):
            if number == 8:
                optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
            batch = torch.randint(1500, (64,))
            optimizer.zero_grad()
            functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (model(x[1500:]).argmax(1) == y[1500:]).float().mean()
    report = gates.report()
    print(f"{100 * right:.1f} % right of the 297 digits that it has not seen; {report}")
    dead = [u for u in report.units if u.dead]
    for weight, count in Counter(u.weight for u in dead).items():
        print(f"{weight}: {count} dead")

    problem = handgrad.from_torch(model, x[1500:1508], y[1500:1508], functional.cross_entropy)
    channel = next(u for u in dead if u.weight.startswith("layer1"))
    entry = f"{channel.weight}[{','.join(map(str, channel.unit))},0,0,0]"
    handgrad.solve_unit(problem, entry, top=3).save(file, force=True)


if __name__ == "__main__":
    main(sys.argv[1])
