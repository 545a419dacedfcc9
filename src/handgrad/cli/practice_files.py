"""Where the sheets of practice and their keys go: one file for all, or a folder with one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import handgrad
from handgrad.cli.output import Output

if TYPE_CHECKING:
    from handgrad.exercises import WorkedSheets
    from handgrad.saving import Report


@dataclass(frozen=True, slots=True)
class Layout:
    """How sheets are laid out: what is left blank, and what there is for it."""

    blanks: Sequence[str]
    formulas: bool
    room: int | None

    def page(self, worked: WorkedSheets) -> handgrad.Page:
        """The sheets, laid out so."""
        return worked.page(self.blanks, formulas=self.formulas, room=self.room)


@dataclass(frozen=True, slots=True)
class Places:
    """What -o, --key, --short-key, --kind and --as name.

    A path that is a folder, or has no ending, is a folder with a file for each sheet. With a learning
    `system` -o names what is written for it.
    """

    output: Output
    key: Path | None
    short_key: Path | None
    kind: str
    system: str | None = None

    def __bool__(self) -> bool:
        return bool(self.output.paths or self.key or self.short_key)

    @property
    def _ending(self) -> str:
        return f".{self.kind.strip().lstrip('.').lower()}"

    @property
    def _beside_system(self) -> Places:
        """The files beside what is written for a learning system."""
        return replace(self, output=replace(self.output, paths=()), system=None)

    def for_system(self, worked: WorkedSheets, layout: Layout) -> dict[Path, bytes]:
        """What is written for the learning system, by file."""
        from handgrad.quizzes import quiz_files

        assert self.system is not None
        (path,) = self.output.paths
        return quiz_files(self.system, worked, path, layout.blanks, formulas=layout.formulas)

    def _check_system(self) -> None:
        from handgrad.quizzes import check_place

        assert self.system is not None
        if len(self.output.paths) != 1 or self.output.as_json:
            raise handgrad.OptionError(
                "what is written for a learning system is one file or folder",
                where=f"--as {self.system}",
                mend="name it with -o",
            )
        check_place(self.system, self.output.paths[0], self.output.force)

    def check(self) -> None:
        """Raises `OptionError` for what can be told to go wrong before anything is worked out."""
        from handgrad.saving import Settings, check_files

        if self.system is not None:
            self._check_system()
            if self.key or self.short_key:
                self._beside_system.check()
            return
        files = tuple(p for p in self.output.paths if not _is_folder(p))
        as_json = self.output.as_json
        if not self.output.paths and (self.key or self.short_key or as_json):
            replace(self.output, force=False, paper=None).check()
        elif as_json or files == self.output.paths:
            self.output.check()
        keys = [p for p in (self.key, self.short_key) if p is not None]
        named = [*self.output.paths, *keys]
        for path in keys:
            # A key has a name of its own in the folder of the sheets.
            if named.count(path) > 1 and not (path == self.key and _is_folder(path)):
                raise handgrad.OptionError(
                    "would take the place of the sheets", where=str(path), mend="name another file"
                )
        if self.short_key is not None and _is_folder(self.short_key):
            raise handgrad.OptionError(
                "the short key is one file",
                where=f"--short-key {self.short_key}",
                mend="name it with an ending, such as answers.pdf",
            )
        settings = Settings()
        check_files([p for p in named if not _is_folder(p)], settings, self.output.force)
        if any(map(_is_folder, named)):
            check_files([Path(f"sheet{self._ending}")], settings, True)
            if self._ending == ".json":
                raise handgrad.OptionError(
                    "one object holds all the sheets", where="--kind json", mend="-o sheets.json"
                )

    def write(self, worked: WorkedSheets, layout: Layout, also: Mapping[Path, bytes]) -> None:
        """Writes all of them, and the files `also`, or none; then a line for each file or folder."""
        from handgrad.exercises import file_names, made_folders

        if self.system is not None:
            self._beside_system.write(worked, layout, also)
            return
        alone = dict(zip(file_names(worked.sheets.sheets), worked, strict=True))
        reports: dict[Path, Report] = {}
        for path in self.output.paths:
            if _is_folder(path):
                for name, one in alone.items():
                    reports[path / f"{name}{self._ending}"] = layout.page(one).report()
            else:
                reports[path] = replace(layout.page(worked).report(), json=worked.sheets.to_json)
        if self.key is not None and _is_folder(self.key):
            for name, one in alone.items():
                reports[self.key / f"{name}-key{self._ending}"] = one.keys().report()
        elif self.key is not None:
            reports[self.key] = worked.keys().report()
        if self.short_key is not None:
            reports[self.short_key] = worked.short_key(layout.blanks).report()
        folders = [p for p in (*self.output.paths, self.key) if p is not None and _is_folder(p)]
        with made_folders([*folders, *dict.fromkeys(f.parent for f in also)]):
            self.output.write_each(reports, also)


def _is_folder(path: Path) -> bool:
    return path.is_dir() or not path.suffix
