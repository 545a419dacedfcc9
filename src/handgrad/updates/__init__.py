"""How parameters are updated: the rules, and what goes before one: gradients clipped, the rate of each parameter."""

from handgrad.updates.clipping import CLIPS as CLIPS
from handgrad.updates.lines import Assignment as Assignment
from handgrad.updates.lines import UpdateLine as UpdateLine
from handgrad.updates.lines import own as own
from handgrad.updates.rules import RULES as RULES
from handgrad.updates.schedules import SCHEDULES as SCHEDULES
from handgrad.updates.settings import SETTINGS as SETTINGS
from handgrad.updates.settings import UNTOLD as UNTOLD
from handgrad.updates.settings import names as names
from handgrad.updates.update import Update as Update
from handgrad.updates.update import check_settings as check_settings
