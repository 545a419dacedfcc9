"""The command line with every command imported, as the documents describe it."""

from __future__ import annotations

import click

from handgrad.cli.commands import commands as group

_context = click.Context(group)

commands = click.Group(
    "handgrad",
    commands={name: group.get_command(_context, name) for name in group.list_commands(_context)},  # type: ignore[misc]
    params=group.params,
    help=group.help,
    epilog=group.epilog,
)
