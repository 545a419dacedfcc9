"""Where the sheets of practice and their keys go: one file for all, or a folder with one for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import handgrad
from handgrad.cli.output import Output


@dataclass(frozen=True, slots=True)
class Places:
    """What -o, --key, --short-key and --kind name.

    A path that is a folder, or has no ending, is a folder with a file for each sheet.
    """

    output: Output
    key: Path | None
    short_key: Path | None
    kind: str

    def __bool__(self) -> bool:
        return bool(self.output.paths or self.key or self.short_key)

    @property
    def _ending(self) -> str:
        return f".{self.kind.strip().lstrip('.').lower()}"

    def check(self) -> None:
        """Raises `OptionError` for what can be told to go wrong before anything is worked out."""
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
        settings = handgrad.Settings()
        handgrad.check_files([p for p in named if not _is_folder(p)], settings, self.output.force)
        if any(map(_is_folder, named)):
            handgrad.check_files([Path(f"sheet{self._ending}")], settings, True)
            if self._ending == ".json":
                raise handgrad.OptionError(
                    "one object holds all the sheets", where="--kind json", mend="-o sheets.json"
                )

    def write(
        self,
        sheets: Sequence[handgrad.Sheet],
        exercises: Sequence[handgrad.Exercise],
        page: Callable[[Sequence[handgrad.Exercise]], handgrad.Page],
        blanks: Sequence[str],
        also: Mapping[Path, bytes],
    ) -> None:
        """Writes all of them, and the files `also`, or none; then a line for each file or folder."""
        names = handgrad.file_names(sheets)
        reports: dict[Path, handgrad.Report] = {}
        for path in self.output.paths:
            if _is_folder(path):
                for name, exercise in zip(names, exercises, strict=True):
                    reports[path / f"{name}{self._ending}"] = handgrad.Report(page([exercise]))
            else:
                reports[path] = handgrad.Report(
                    page(exercises),
                    json=partial(handgrad.to_json, handgrad.SheetSet(tuple(sheets))),
                )
        if self.key is not None and _is_folder(self.key):
            for name, exercise in zip(names, exercises, strict=True):
                file = self.key / f"{name}-key{self._ending}"
                reports[file] = handgrad.Report(handgrad.keys_page([exercise]))
        elif self.key is not None:
            reports[self.key] = handgrad.Report(handgrad.keys_page(exercises))
        if self.short_key is not None:
            reports[self.short_key] = handgrad.Report(handgrad.short_key_page(exercises, blanks))
        folders = [p for p in (*self.output.paths, self.key) if p is not None and _is_folder(p)]
        with handgrad.made_folders([*folders, *dict.fromkeys(f.parent for f in also)]):
            self.output.write_each(reports, also)


def _is_folder(path: Path) -> bool:
    return path.is_dir() or not path.suffix
