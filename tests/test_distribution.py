"""What tries the distributions: it sees a file that is missing, and one too many."""

from __future__ import annotations

import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from tools.distribution import CHECKOUT, IN_SDIST, check_contents, lowest

PACKAGE = CHECKOUT / "src" / "handgrad"


def packed(folder: Path, without: str = "", also: str = "") -> tuple[Path, Path]:
    """An sdist and a wheel with the names of the files that they should have."""
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    names = [str(Path("handgrad") / p.relative_to(PACKAGE)) for p in files]
    names = [*(n for n in names if n != without), *filter(None, [also])]
    sdist, wheel = folder / "handgrad-1.tar.gz", folder / "handgrad-1.whl"
    with ZipFile(wheel, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    with tarfile.open(sdist, "w:gz") as archive:
        for name in (*(f"src/{n}" for n in names), *(IN_SDIST - {"src"})):
            archive.addfile(tarfile.TarInfo(f"handgrad-1/{name}"))
    return sdist, wheel


def test_all_that_is_there_is_enough(tmp_path: Path) -> None:
    check_contents(*packed(tmp_path))


@pytest.mark.parametrize("name", ["handgrad/schema/trace.json", "handgrad/problems/lab9.toml"])
def test_a_missing_file_is_seen(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match=name):
        check_contents(*packed(tmp_path, without=name))


def test_a_file_too_many_is_seen(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"handgrad/notes\.txt"):
        check_contents(*packed(tmp_path, also="handgrad/notes.txt"))


def test_the_lowest_versions_are_pinned() -> None:
    assert all("==" in requirement for requirement in lowest())
    assert {r.partition("==")[0] for r in lowest()} >= {"click", "numpy", "polars", "typst"}
