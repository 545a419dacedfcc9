"""Renderers: pure functions of a page, or of a trace where a machine is to read it."""

from handgrad.formats.terminal import render_terminal as render_terminal
