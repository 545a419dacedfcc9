"""handgrad lab: the live page, served on this machine."""

from __future__ import annotations

import click


@click.command(epilog="Example: handgrad lab lab9")
@click.argument("problem", required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="The port; a free one by default."
)
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def lab(problem: str | None, port: int, no_browser: bool) -> None:
    """Open PROBLEM (a bundled name, a file, or a link of the lab) in the browser: change a number, and every line follows."""
    from handgrad.lab.serving import serve

    serve(problem, port, not no_browser, click.echo)
