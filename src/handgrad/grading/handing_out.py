"""What a graded class is given: a page of feedback for each student, beside the marks and the class page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from handgrad.checking.report import Level
from handgrad.errors import OptionError
from handgrad.files import Waiting, check_writable, file_name, made_folders, waiting
from handgrad.grading.class_report import ClassReport
from handgrad.grading.grading import GradedSheet, Grading, Sheets
from handgrad.page.blocks import Paragraph
from handgrad.saving import Page, Settings, check_files
from handgrad.saving.kinds import bytes_of

if TYPE_CHECKING:
    from handgrad.grading.marks_table import MarksTable


@dataclass(frozen=True)
class HandingOut:
    """Where what comes of grading a class goes.

    Arguments:
        marks: the file of marks, .csv.
        pages: files of the class page, of the kinds that they end in.
        folder: where each student's page of feedback goes.
        kind: the ending of those pages.
        level: how much they tell of what is wrong.
        names: whether the class page has names in it.
        settings: how the class page is laid out.
        force: replace files that exist already.
    """

    marks: Path | None = None
    pages: tuple[Path, ...] = ()
    folder: Path | None = None
    kind: str = ".html"
    level: Level = "what"
    names: bool = False
    settings: Settings = field(default_factory=Settings)
    force: bool = False

    def check(self) -> None:
        """Raises `OptionError` for what can be told to go wrong before anything is graded."""
        if self.marks is not None and self.marks.suffix.lower() != ".csv":
            raise OptionError("marks are written as .csv", where=str(self.marks))
        check_files(self.pages, self.settings, self.force)
        named = [*self.pages, *([self.marks] if self.marks is not None else [])]
        check_writable(named, self.force)
        if self.folder is not None:
            check_files([Path(f"feedback{self.kind}")], Settings(), True)
            if self.kind == ".json":
                raise OptionError("--json has every student's steps", where="--kind json")

    def grade(
        self, grading: Grading, answers: Sheets, *, keep: bool, workers: int = 1, dask: str = ""
    ) -> tuple[ClassReport, dict[Path, int]]:
        """Grades the class and writes all files, or none; the report, and the files' sizes in bytes.

        Pages of feedback are written as their sheets are graded, and all take their places together.
        """
        folders = [self.folder] if self.folder is not None else []
        with made_folders(folders), waiting() as files:
            feedback = _Feedback(self, files) if self.folder is not None else None
            if self.marks is None:
                report = grading.run(answers, keep=keep, workers=workers, dask=dask, each=feedback)
            else:
                with files.opened(self.marks) as file:
                    table: MarksTable = grading.table(file)
                    report = grading.run(
                        answers, keep=keep, workers=workers, dask=dask, table=table, each=feedback
                    )
            for path in self.pages:
                page = report.report(names=self.names)
                files.write(path, bytes_of(page, path, self.settings))
        return report, files.sizes


class _Feedback:
    """Writes each student's page."""

    def __init__(self, out: HandingOut, files: Waiting) -> None:
        self.out = out
        self.files = files
        self._taken: set[str] = set()

    def __call__(self, sheet: GradedSheet) -> None:
        assert self.out.folder is not None
        path = self.out.folder / f"{self._name(sheet)}{self.out.kind}"
        check_writable([path], self.out.force)
        page = _named(sheet.report().page(self.out.level), sheet.id)
        self.files.write(
            path, bytes_of(page.report(), path, Settings(paper=self.out.settings.paper))
        )

    def _name(self, sheet: GradedSheet) -> str:
        base = file_name(sheet.id) or f"student-{sheet.number + 1}"
        name, again = base, 1
        while name.casefold() in self._taken:
            again += 1
            name = f"{base}-{again}"
        self._taken.add(name.casefold())
        return name


def _named(page: Page, id_: str) -> Page:
    """A page of feedback that says whose it is, for those that are handed out on paper."""
    title, *rest = page.blocks
    return replace(page, title=f"{page.title} · {id_}", blocks=(title, Paragraph((id_,)), *rest))


def split_folder(paths: Sequence[Path]) -> tuple[tuple[Path, ...], Path | None]:
    """Files of the class page, and the folder of feedback: a path that is one, or has no ending.

    Raises `OptionError` for two folders.
    """
    folders = [p for p in paths if p.is_dir() or not p.suffix]
    if len(folders) > 1:
        raise OptionError("feedback goes to one folder", where=f"-o {folders[1]}")
    return tuple(p for p in paths if p not in folders), next(iter(folders), None)
