"""Pages as LaTeX documents."""

from handgrad.render.tex.page import render_tex as render_tex
