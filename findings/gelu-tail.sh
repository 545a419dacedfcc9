#!/usr/bin/env bash
# torch 2.13.0, JAX 0.10.2, CPU: the exact GELU, z Φ(z), far below 0.
#
# Expected: the digits that floats have for z Φ(z), as erfc gives them, and a slope that belongs to the value.
# Seen (torch): Φ(z) as (1 + erf(z/√2))/2 cancels. In float64 the value at −8 is 1.8 % off and from −8.5 on −0; in
# float32 it is 0 at −6. The slope keeps its second term, z φ(z), alone: at −8.5 it is −6.94e-16 (1.4 % off) beside a
# value of 0. JAX (approximate=False) has all digits of both, so that a unit that is 0 in one has a value in the other.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PYTHON'
import math

import jax
import torch

jax.config.update("jax_enable_x64", True)

def on_paper(z):
    below = math.erfc(-z / math.sqrt(2)) / 2
    return z * below, below + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

def in_torch(at, dtype=torch.float64):
    z = torch.tensor(at, dtype=dtype, requires_grad=True)
    value = torch.nn.functional.gelu(z)
    value.backward()
    return value.item(), z.grad.item()

def in_jax(at):
    gelu = lambda z: jax.nn.gelu(z, approximate=False)
    return float(gelu(at)), float(jax.grad(gelu)(at))

print("torch", torch.__version__, "jax", jax.__version__)
for at in (-3.0, -8.0, -8.5, -30.0):
    paper, t, j = on_paper(at), in_torch(at), in_jax(at)
    print(f"z = {at}: on paper {paper}, torch {t}, jax {j}")
    assert all(abs(a - b) <= 1e-9 * abs(b) for a, b in zip(j, paper)), at
off = [abs(t - p) / abs(p) for t, p in zip(in_torch(-8.0), on_paper(-8.0))]
assert 0.01 < off[0] < 0.03 and off[1] < 0.001, off
value, slope = in_torch(-8.5)
assert value == 0 and 0.01 < slope / on_paper(-8.5)[1] - 1 < 0.02, (value, slope)
assert in_torch(-30.0)[0] == 0 and in_torch(-6.0, torch.float32)[0] == 0
print("as recorded")
PYTHON
