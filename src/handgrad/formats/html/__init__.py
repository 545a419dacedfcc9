"""Pages as HTML: one file with its mathematics, its fonts and what it does in the browser."""

from handgrad.formats.html.page import render_html as render_html
