"""Gates audited: what fires, what is dead, why, what that silences, and what would revive it."""

from handgrad.gates.auditing import audit_gates as audit_gates
from handgrad.gates.box import Box as Box
from handgrad.gates.box import read_box as read_box
from handgrad.gates.structure import Audit as Audit
from handgrad.gates.structure import Certificate as Certificate
from handgrad.gates.structure import Layer as Layer
from handgrad.gates.structure import Remedy as Remedy
from handgrad.gates.structure import Unit as Unit
from handgrad.gates.structure import Verdict as Verdict
