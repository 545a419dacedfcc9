"""Pages as LaTeX documents."""

from handgrad.formats.tex.page import render_tex as render_tex
