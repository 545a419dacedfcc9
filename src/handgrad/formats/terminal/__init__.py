"""Pages for the terminal: two-dimensional mathematics in Unicode or ASCII."""

from handgrad.formats.terminal.page import render_terminal as render_terminal
