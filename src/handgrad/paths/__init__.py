"""Why an entry is what it is: a gradient as a sum over paths, a value as a sum of terms."""

from handgrad.paths.answer import WhyGradient as WhyGradient
from handgrad.paths.answer import WhyValue as WhyValue
from handgrad.paths.asking import why as why
from handgrad.paths.cause import Cause as Cause
from handgrad.paths.reaching import reaching as reaching
from handgrad.paths.stepwise import Followed as Followed
from handgrad.paths.stepwise import WhyStepwise as WhyStepwise
from handgrad.paths.structure import Blame as Blame
from handgrad.paths.structure import Entry as Entry
from handgrad.paths.structure import Factor as Factor
from handgrad.paths.structure import Path as Path
from handgrad.paths.structure import Term as Term
from handgrad.paths.structure import ZeroGroup as ZeroGroup
from handgrad.paths.whole import WhyWhole as WhyWhole
