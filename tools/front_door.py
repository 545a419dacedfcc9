"""Writes the typed stub of the front door from its one list: `python -m tools.front_door`."""

from __future__ import annotations

from pathlib import Path

import handgrad

STUB = Path(handgrad.__file__).with_suffix(".pyi")


def stub() -> str:
    """What type checkers and editors read of the package."""
    imports = [
        f"from handgrad.{room} import {name} as {name}"
        for room, names in sorted(handgrad.CONTENTS.items())
        for name in sorted(names.split())
    ]
    listed = "".join(f'    "{name}",\n' for name in sorted(handgrad.__all__))
    return "\n".join(
        [
            "# Written by `python -m tools.front_door` from the list in `__init__.py`.",
            "",
            *imports,
            "",
            f"__all__ = [\n{listed}]",
            "__version__: str",
            "CONTENTS: dict[str, str]",
            "",
        ]
    )


if __name__ == "__main__":
    STUB.write_text(stub(), "utf-8")
