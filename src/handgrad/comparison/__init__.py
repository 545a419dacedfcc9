"""Two worked solutions beside each other: what changed, step by step."""

from handgrad.comparison.comparing import compare as compare
from handgrad.comparison.comparing import turned_gates as turned_gates
from handgrad.comparison.comparison import Comparison as Comparison
from handgrad.comparison.words import gate_text as gate_text
from handgrad.comparison.words import labels as labels
from handgrad.comparison.words import unit_text as unit_text
from handgrad.comparison.words import unit_words as unit_words
