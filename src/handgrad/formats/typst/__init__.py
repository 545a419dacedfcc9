"""Pages as Typst source and as PDF."""

from handgrad.formats.typst.page import render_typst as render_typst
from handgrad.formats.typst.pdf import render_pdf as render_pdf
