#!/usr/bin/env bash
# scikit-learn 1.9.1: MLPRegressor with several outputs.
#
# Expected: _backprop gives the loss that it reports and the gradient of that loss.
# Seen: the squared error is averaged over rows and outputs in the loss (squared_loss ends with .mean()), and over the
# rows alone in the gradient (its delta is ŷ − y). With k outputs the gradient is k times the loss's own, so that loss_,
# loss_curve_ and the share of alpha beside them are not those of what training follows.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q scikit-learn==1.9.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import numpy as np
import sklearn
from sklearn.neural_network import MLPRegressor

print("scikit-learn", sklearn.__version__)
draw = np.random.default_rng(0)
x = draw.normal(size=(8, 3))
for outputs in (1, 2, 5):
    y = draw.normal(size=(8, outputs))
    model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", alpha=0, max_iter=2, random_state=0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y if outputs > 1 else y[:, 0])

    def both():
        layers = len(model.coefs_)
        empty = [np.empty_like(c) for c in model.coefs_], [np.empty_like(b) for b in model.intercepts_]
        loss, weights, _ = model._backprop(x, y, None, [x] + [None] * layers, [None] * layers, *empty)
        return loss, weights[0][1, 2]

    _, gradient = both()
    step, weight = 1e-5, model.coefs_[0]
    weight[1, 2] += step
    above, _ = both()
    weight[1, 2] -= 2 * step
    below, _ = both()
    weight[1, 2] += step
    slope = (above - below) / (2 * step)
    print(f"{outputs} outputs: gradient / slope of the loss = {gradient / slope:.6f}")
    assert abs(gradient / slope - outputs) < 1e-4
print("as recorded")
PYTHON
