"""Pages as Typst source and as PDF."""

from handgrad.render.typst.page import render_typst as render_typst
from handgrad.render.typst.pdf import render_pdf as render_pdf
