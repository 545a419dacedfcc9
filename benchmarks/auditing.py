"""W5: the audit of gates over many cases, against the forward and backward passes alone."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import handgrad
from benchmarks.measuring import Figure, paired
from handgrad.running.cases import open_cases

SIZES = [784, 512, 512, 10]
CASES = int(os.environ.get("HANDGRAD_W5_CASES", "60000"))
"""Fewer make a shorter run; the ratio hardly changes."""

ROWS = 4096


def _problem() -> handgrad.Problem:
    return handgrad.Problem.mlp(SIZES, "relu", "softmax", "cross_entropy")


def _written(folder: Path, cases: int) -> dict[str, Path]:
    """Random cases in two files, written a block at a time."""
    generator = np.random.default_rng(0)
    files = {"x": folder / f"x{cases}.npy", "y": folder / f"y{cases}.npy"}
    header = {"descr": "<f4", "fortran_order": False, "shape": (cases, SIZES[0])}
    with files["x"].open("wb") as file:
        # Not as a map of the file: its pages would count as this process's memory.
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, cases, ROWS):
            shape = (min(ROWS, cases - start), SIZES[0])
            file.write(generator.standard_normal(shape, dtype=np.float32).tobytes())
    np.save(files["y"], np.eye(SIZES[-1], dtype=np.float32)[generator.integers(0, 10, cases)])
    return files


def _audit(files: dict[str, Path]) -> None:
    handgrad.gates(_problem(), {n: str(p) for n, p in files.items()}, dtype=np.float32)


def _passes(files: dict[str, Path]) -> None:
    """The loss's gradients of all parameters, in blocks of the same files."""
    problem = _problem()
    cases = open_cases(problem, files)
    two = next(iter(cases.blocks(2)))
    sample = {n: {"cases": np.moveaxis(a, -1, 0)} for n, a in two.items()}
    engine = handgrad.Engine(problem.with_values(sample), dtype=np.float32)
    for block in cases.blocks(1024):
        for start in range(0, block["y"].shape[-1], 256):
            engine.run({n: a[..., start : start + 256] for n, a in block.items()})


def _peak(files: dict[str, Path]) -> float:
    """Bytes of memory that an audit takes at most, in a process of its own."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from benchmarks import auditing\n"
        "auditing._audit({'x': Path(sys.argv[1]), 'y': Path(sys.argv[2])})\n"
        "print(auditing.peak_memory())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(files["x"]), str(files["y"])],
        capture_output=True,
        check=True,
        text=True,
    )
    return float(run.stdout)


def peak_memory() -> int:
    """Bytes of memory that this process took at most."""
    status = Path("/proc/self/status")
    if status.exists():
        # What the system counts of a process on Linux has its parent's peak in it.
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("ascii"))
        assert found is not None
        return int(found[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def audited() -> list[Figure]:
    """W5: a 784-512-512-10 network in float32, its gates audited from files."""
    with tempfile.TemporaryDirectory() as folder:
        files = _written(Path(folder), CASES)
        name = f"W5 gates of 784-512-512-10 over {CASES} cases"
        figures = paired(
            name,
            lambda: _audit(files),
            {"its forward and backward passes": lambda: _passes(files)},
            rounds=1 if CASES > 20_000 else 3,
        )
        small = _peak(files)
        large = _peak(_written(Path(folder), 10 * CASES))
        seconds = figures[0].seconds
        return [
            *figures,
            Figure(f"{name}, peak memory", "500 MB", small / 500e6, seconds),
            Figure(f"{name}, peak memory", f"{CASES} cases, at {10 * CASES}", large / small, seconds),
        ]  # fmt: skip
