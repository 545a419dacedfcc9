"""ONNX models as problems: each node of their graph by the formula of its operator."""

from handgrad.models.onnx.reading import from_onnx as from_onnx
from handgrad.models.onnx.reading import read as read
