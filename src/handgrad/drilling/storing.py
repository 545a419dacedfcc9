"""Where drills are kept between two sittings: a file for each problem in the user's state directory."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handgrad.drilling.asking import Drill, key_of
from handgrad.drilling.state import kept, restored
from handgrad.errors import OptionError
from handgrad.files import write_files
from handgrad.problem import Problem

LARGEST = 10_000_000
"""Bytes of a file that is read."""


@dataclass(frozen=True, slots=True)
class DrillStore:
    """A folder with a file for each problem drilled."""

    folder: Path

    @classmethod
    def of_user(cls, environment: Mapping[str, str] = os.environ) -> DrillStore:
        """The user's own: under XDG_STATE_HOME or ~/.local/state, on Windows under LOCALAPPDATA."""
        windows = os.name == "nt"
        name = "LOCALAPPDATA" if windows else "XDG_STATE_HOME"
        usual = "AppData/Local" if windows else ".local/state"
        given = Path(environment.get(name, ""))
        try:
            base = given if given.is_absolute() else Path.home() / usual
        except RuntimeError:
            raise OptionError(
                "there is no home directory to keep the drill in", mend=f"set {name} to a folder"
            ) from None
        return cls(base / "handgrad")

    def path(self, problem: Problem) -> Path:
        """The file of a problem."""
        return self.folder / f"drill-{key_of(problem)}.json"

    def load(self, drill: Drill) -> tuple[Drill, str]:
        """A drill taken up where it was left, and a remark where its file could not be used.

        Such a file is set aside under another name, and the drill begins anew.
        """
        path = self.path(drill.problem)
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST + 1)
        except FileNotFoundError:
            return drill, ""
        except OSError as error:
            return drill, f"{path} cannot be read: {error.strerror}"
        try:
            if len(raw) > LARGEST:
                raise ValueError("it is too large")
            try:
                state = json.loads(raw)
            except (ValueError, RecursionError):
                raise ValueError("it is damaged") from None
            return restored(drill, state), ""
        except ValueError as error:
            aside = path.with_suffix(".damaged")
            try:
                path.replace(aside)
            except OSError:
                return drill, f"{path} cannot be used: {error}"
            return drill, f"{path.name} cannot be used: {error}; it is kept as {aside}"

    def save(self, drill: Drill) -> None:
        """Keeps a drill. Raises `OptionError` where that cannot be done."""
        path = self.path(drill.problem)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(f"cannot be made: {error.strerror}", where=str(self.folder)) from None
        write_files({path: json.dumps(kept(drill)).encode()}, force=True)

    def forget(self, problem: Problem) -> None:
        """Forgets what was kept of a problem. Raises `OptionError` where that cannot be done."""
        path = self.path(problem)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OptionError(f"cannot be removed: {error.strerror}", where=str(path)) from None
