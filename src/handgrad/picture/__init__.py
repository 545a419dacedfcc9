"""Pictures of a worked solution, laid out as shapes; a renderer only draws them."""

from handgrad.picture.drawing import Arrow as Arrow
from handgrad.picture.drawing import Circle as Circle
from handgrad.picture.drawing import Drawing as Drawing
from handgrad.picture.drawing import Label as Label
from handgrad.picture.drawing import Outline as Outline
from handgrad.picture.drawing import Rectangle as Rectangle
from handgrad.picture.drawing import Role as Role
from handgrad.picture.drawing import Shape as Shape
