"""From a problem to its computational graph, with the backward pass as formulas."""

from handgrad.graph.activations import Activation as Activation
from handgrad.graph.activations import activations as activations
from handgrad.graph.building import build as build
from handgrad.graph.structure import Gradient as Gradient
from handgrad.graph.structure import Graph as Graph
from handgrad.graph.structure import Let as Let
from handgrad.graph.structure import Line as Line
from handgrad.graph.structure import Node as Node
from handgrad.graph.structure import Shortcut as Shortcut
