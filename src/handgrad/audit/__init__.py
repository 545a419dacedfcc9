"""Gates audited: what fires, what is dead, why, what that silences, and what would revive it."""

from handgrad.audit.audit import Audit as Audit
from handgrad.audit.auditing import gates as gates
from handgrad.audit.box import Box as Box
from handgrad.audit.box import read_box as read_box
from handgrad.audit.structure import Certificate as Certificate
from handgrad.audit.structure import Layer as Layer
from handgrad.audit.structure import Remedy as Remedy
from handgrad.audit.structure import Unit as Unit
from handgrad.audit.structure import Verdict as Verdict
