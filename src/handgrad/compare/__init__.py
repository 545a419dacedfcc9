"""Two worked solutions beside each other: what changed, step by step."""

from handgrad.compare.comparing import compare as compare
from handgrad.compare.structure import Comparison as Comparison
from handgrad.compare.words import gate_text as gate_text
from handgrad.compare.words import labels as labels
