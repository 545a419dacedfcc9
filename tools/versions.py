"""Tries handgrad where it says that it runs: on the lowest versions that it allows, and on other Pythons.

    python -m tools.versions

Each try is a fresh environment outside the checkout, with the wheel and a sample of the tests. The lowest versions
are those of `pyproject.toml`, for the dependencies and the extras in `EXTRAS`, on the lowest Python; each newer
Python of this machine has the newest versions.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

CHECKOUT = Path(__file__).parents[1]

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

EXTRAS = ("arrays", "data", "pdf", "symbols")

SAMPLE = ("tests/test_lab9.py", "tests/test_problem.py", "tests/test_public_types.py")
"""What is run on every Python."""

OF_EXTRAS = ("tests/test_saving.py", "tests/test_tables.py")
"""What is run besides where the extras are: PDF, and tables that Polars reads."""


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
    places = [which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))]
    for place in filter(None, places):
        if subprocess.run([place, "--version"], capture_output=True, check=False).returncode == 0:
            return str(place)
    return None


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
    tests = (*SAMPLE, *OF_EXTRAS) if at_lowest else SAMPLE
    # Without pytest's settings, which name plugins that are not there; every warning is an error all the same.
    options = ("-q", "-c", os.devnull, f"--rootdir={CHECKOUT}", "-p", "no:cacheprovider", "-Werror")
    said = run(inside, "-m", "pytest", *options, "-m", "not sweep", *tests)
    versions = run(inside, "-m", "pip", "list", "--format=freeze").split()
    names = {p.partition(">=")[0].partition("==")[0] for p in (*lowest(),)}
    used = [v for v in versions if v.partition("==")[0].replace("_", "-") in names]
    return f"Python {version}, {', '.join(used)}: {said.splitlines()[-1]}"


def main() -> None:
    """Prints a line for each try, and fails with the first that fails."""
    with TemporaryDirectory() as folder:
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, CHECKOUT)
        (wheel,) = Path(folder).glob("*.whl")
        with ThreadPoolExecutor(2) as several:
            tries = [
                several.submit(
                    tried,
                    version,
                    wheel,
                    Path(folder) / version,
                    at_lowest=version == PYTHONS[0],
                )
                for version in PYTHONS
            ]
            for each in tries:
                print(each.result(), flush=True)


if __name__ == "__main__":
    main()
