"""Renderers: pure functions of a page, or of a trace where a machine is to read it."""

from handgrad.render.json import to_json as to_json
from handgrad.render.json import verification_object as verification_object
from handgrad.render.terminal import render_terminal as render_terminal
