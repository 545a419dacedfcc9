"""Pages for the terminal: two-dimensional mathematics in Unicode or ASCII."""

from handgrad.render.terminal.page import render_terminal as render_terminal
