#!/usr/bin/env bash
# torch 2.13.0, torch.onnx.export of nn.LSTM with proj_size.
#
# Expected: a file that computes what the model computes, or an error: ONNX's LSTM has no projection.
# Seen: the exporter takes the length of the projected state for hidden_size. Each gate then has the first rows of the
# input gate's weights, the projection is left out, and the first cell state keeps the length that the specification
# does not allow with this hidden_size; onnxruntime 1.32.0 refuses to run the file, torch says nothing.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import onnxruntime
import torch
from torch import nn

warnings.simplefilter("ignore")
print("torch", torch.__version__, "onnxruntime", onnxruntime.__version__)
torch.manual_seed(0)
model, x = nn.LSTM(3, 4, proj_size=2), torch.randn(5, 1, 3)
program = torch.onnx.export(model.eval(), (x,), dynamo=True, verbose=False)
file = program.model_proto
(node,) = [n for n in file.graph.node if n.op_type == "LSTM"]
size = next(a.i for a in node.attribute if a.name == "hidden_size")
print("hidden_size in the model:", model.hidden_size, "in the file:", size)
assert (model.hidden_size, size) == (4, 2)
names = {i.name for i in file.graph.initializer}
print("the projection weight_hr_l0 is in the file:", any("weight_hr" in n for n in names))
assert not any("weight_hr" in n for n in names)
try:
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    session.run(None, {session.get_inputs()[0].name: x.numpy()})
except Exception as error:
    print("onnxruntime:", str(error)[:200])
else:
    raise SystemExit("onnxruntime runs it")
print("as recorded")
PYTHON
