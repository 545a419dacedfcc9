#!/usr/bin/env bash
# torch 2.13.0, torch.onnx.export of a model in double precision.
#
# Expected: a number of the model's code, such as the 1/√2 by which attention scales its queries, stands in the file in the
# model's precision.
# Seen: it stands there in single precision and is cast to double, so that results differ from the model's from the ninth
# digit on; what it was is kept in the metadata of the cast alone.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import math
import warnings

import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

warnings.simplefilter("ignore")

class Scaled(nn.Module):
    def forward(self, x):
        return x * (1 / math.sqrt(2))

print("torch", torch.__version__)
x = torch.ones(1, dtype=torch.float64)
program = torch.onnx.export(Scaled(), (x,), dynamo=True, verbose=False, optimize=False)
file = program.model_proto
held = [numpy_helper.to_array(a.t) for n in file.graph.node if n.op_type == "Constant" for a in n.attribute if a.name == "value"]
print("the file's number:", [(a.dtype, float(a)) for a in held])
assert [a.dtype for a in held] == ["float32"]
session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
(result,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
off = float(result[0]) - 1 / math.sqrt(2)
print("onnxruntime, in double precision, is off by", off)
assert 1e-9 < abs(off) < 1e-7
print("as recorded")
PYTHON
