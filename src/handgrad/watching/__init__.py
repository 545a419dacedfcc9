"""Gates watched in a training or evaluation loop of PyTorch: who fires, who died at which step, and who came back."""

from handgrad.watching.records import DeadUnitsError as DeadUnitsError
from handgrad.watching.records import UnitTurn as UnitTurn
from handgrad.watching.records import WatchedLayer as WatchedLayer
from handgrad.watching.records import WatchedUnit as WatchedUnit
from handgrad.watching.records import ZeroGradient as ZeroGradient
from handgrad.watching.watch import watch as watch
from handgrad.watching.watched import Watched as Watched
