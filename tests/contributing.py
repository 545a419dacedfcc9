"""The worked examples of CONTRIBUTING.md, followed in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Example:
    """A section: the new file that it names first, its code, and the lines that go elsewhere."""

    file: str
    code: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, title: str) -> Example:
        """The section with this title."""
        text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        section = re.search(rf"^## {title}$(.*?)^## ", text, re.DOTALL | re.MULTILINE)
        assert section is not None, title
        code, *lines = re.findall(r"```(?:python|text)\n(.*?)```", section[1], re.DOTALL)
        file = re.search(r"^The file is `src/(handgrad/\S+\.py)`:$", section[1], re.MULTILINE)
        assert file is not None, title
        return cls(file[1], code, tuple(lines))


class Copy:
    """A copy of the package and its tools, to be added to."""

    def __init__(self, folder: Path, *examples: Example) -> None:
        self.folder = folder
        for part in ("src/handgrad", "tools"):
            shutil.copytree(ROOT / part, folder / Path(part).name)
        for example in examples:
            file = folder / example.file
            file.parent.mkdir(exist_ok=True)
            file.write_text(example.code, "utf-8")

    def insert(self, file: str, line: str, *, before: str) -> None:
        """Puts a line into a file, before the line that begins with a text."""
        path = self.folder / file
        text = path.read_text("utf-8")
        assert text.count(f"\n{before}") == 1, (file, before)
        path.write_text(text.replace(f"\n{before}", f"\n{line}{before}"), "utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the copy."""
        return self._ran("-m", "handgrad", *arguments)

    def python(self, script: str) -> subprocess.CompletedProcess[str]:
        """A script that imports the copy."""
        return self._ran("-c", script)

    def _ran(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTHONUTF8": "1"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
