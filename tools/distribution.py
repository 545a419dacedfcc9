"""Builds the distributions and tries them where they say that they run.

    python -m tools.distribution [FOLDER]

The sdist is built from the checkout and the wheel from the sdist, into FOLDER where one is given. Each try is a fresh
environment outside the checkout, with the wheel, the commands of `COMMANDS` and a sample of the tests. The lowest
versions are those of `pyproject.toml`, for the dependencies and the extras in `EXTRAS`, on the lowest Python; each
newer Python of this machine has the newest versions.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from zipfile import ZipFile

CHECKOUT = Path(__file__).parents[1]

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

EXTRAS = ("arrays", "data", "pdf", "symbols")

COMMANDS = (
    ("solve", "lab9"),
    ("solve", "lab9", "--json"),
    ("gates", "lab9"),
    ("solve", "lab9", "-o", "lab9.html", "-o", "lab9.tex", "-o", "lab9.svg"),
)

OF_EXTRAS = (("solve", "lab9", "-o", "lab9.pdf"), ("solve", "lab9", "--numbers", "symbols"))
"""What is run besides where the extras are, with the tests of `SAMPLE_OF_EXTRAS`."""

IN_SDIST = {
    *("PKG-INFO", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml"),
    *(".gitignore", "src", "tests", "docs", "tools", "benchmarks", "findings"),
}
"""What an sdist has at its top: hatchling adds the first and .gitignore."""

SAMPLE = ("tests/test_lab9.py", "tests/test_problem.py")
"""What is run on every Python."""

SAMPLE_OF_EXTRAS = ("tests/test_tables.py",)


def lowest() -> list[str]:
    """The requirements of `pyproject.toml` at the lowest versions that they allow."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    return [requirement.replace(">=", "==") for requirement in wanted]


def python(version: str) -> str | None:
    """The Python of that version on the path, or among pyenv's; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [which(f"python{version}")]
    places += map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))
    for place in filter(None, places):
        if subprocess.run([place, "--version"], capture_output=True, check=False).returncode == 0:
            return place
    return None


def check_contents(sdist: Path, wheel: Path) -> None:
    """Raises `SystemExit` unless the wheel has the package, and nothing else, and the sdist what it should have."""
    package = CHECKOUT / "src" / "handgrad"
    ours = {
        str(Path("handgrad") / path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = ZipFile(wheel).namelist()
    packed = {name for name in names if ".dist-info/" not in name}
    with tarfile.open(sdist) as archive:
        inside = {path.partition("/")[2] for path in archive.getnames()}
    tops = {path.partition("/")[0] for path in inside}
    wrong = (
        sorted(packed ^ ours)
        + sorted(tops ^ IN_SDIST)
        + sorted({f"src/{n}" for n in ours} - inside)
    )
    if wrong:
        raise SystemExit(f"missing or too much in the distributions: {', '.join(wrong)}")


def run(*command: str | Path, where: Path = CHECKOUT) -> str:
    """What a command prints. Raises `SystemExit` with it where the command fails."""
    done = subprocess.run(
        [*map(str, command)], cwd=where, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def tried(version: str, wheel: Path, folder: Path, *, at_lowest: bool) -> str:
    """One line on a try; raises `SystemExit` where it fails."""
    found = python(version)
    if found is None:
        return f"Python {version}: not on this machine"
    run(found, "-m", "venv", folder)
    inside = folder / "bin" / "python"
    install = (inside, "-m", "pip", "install", "-q", "--no-compile", "--disable-pip-version-check")
    packages = lowest() if at_lowest else []
    run(*install, wheel, *packages, "pytest", "hypothesis")
    for arguments in (*COMMANDS, *(OF_EXTRAS if at_lowest else ())):
        run(folder / "bin" / "handgrad", *arguments, where=folder)
    tests = (*SAMPLE, *SAMPLE_OF_EXTRAS) if at_lowest else SAMPLE
    # Without pytest's settings, which name plugins that are not there; every warning is an error all the same.
    options = ("-q", "-c", os.devnull, f"--rootdir={CHECKOUT}", "-p", "no:cacheprovider", "-Werror")
    said = run(inside, "-m", "pytest", *options, "-m", "not sweep", *tests)
    versions = run(inside, "-m", "pip", "list", "--format=freeze").split()
    names = {p.partition(">=")[0].partition("==")[0] for p in (*lowest(),)}
    used = [v for v in versions if v.partition("==")[0].replace("_", "-") in names]
    return f"Python {version}, {', '.join(used)}: {said.splitlines()[-1]}"


def built(folder: Path) -> tuple[Path, Path]:
    """The sdist and the wheel, which is built from it."""
    run(sys.executable, "-m", "build", "-o", folder, CHECKOUT)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    check_contents(sdist, wheel)
    return sdist, wheel


def main(arguments: list[str]) -> None:
    """Prints a line for each try, and fails with the first that fails."""
    with TemporaryDirectory() as temporary, ThreadPoolExecutor(2) as several:
        _, wheel = built(Path(arguments[0] if arguments else temporary))
        tries = [
            several.submit(tried, v, wheel, Path(temporary) / v, at_lowest=v == PYTHONS[0])
            for v in PYTHONS
        ]
        for each in tries:
            print(each.result(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
