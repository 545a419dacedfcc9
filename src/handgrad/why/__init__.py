"""Why an entry is what it is: a gradient as a sum over paths, a value as a sum of terms."""

from handgrad.why.asking import ask_why as ask_why
from handgrad.why.structure import Blame as Blame
from handgrad.why.structure import Entry as Entry
from handgrad.why.structure import Factor as Factor
from handgrad.why.structure import Path as Path
from handgrad.why.structure import Term as Term
from handgrad.why.structure import WhyGradient as WhyGradient
from handgrad.why.structure import WhyValue as WhyValue
