"""The words of a worked solution: titles, reasons and notes, in plain sentences."""

from handgrad.explain.notes import always_off as always_off
from handgrad.explain.notes import entry_of as entry_of
from handgrad.explain.notes import gated_cases_text as gated_cases_text
from handgrad.explain.notes import gated_entries_text as gated_entries_text
from handgrad.explain.notes import note_text as note_text
from handgrad.explain.notes import zeroed_text as zeroed_text
from handgrad.explain.reviving import layers_text as layers_text
from handgrad.explain.reviving import revivers_text as revivers_text
from handgrad.explain.steps import reason as reason
from handgrad.explain.steps import title as title
from handgrad.explain.text import Inline as Inline
from handgrad.explain.text import Text as Text
from handgrad.explain.text import joined as joined
from handgrad.explain.text import listed as listed
from handgrad.explain.text import ordinal as ordinal
from handgrad.explain.text import plain_text as plain_text
