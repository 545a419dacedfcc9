"""One thread for torch: the tests run in parallel processes. Sweeps may take their time."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from contextlib import suppress

import pytest
from hypothesis import settings

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras asks when it is first imported
# A program is compiled for each test and run once or twice: what XLA gains by optimising takes longer than that.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
with suppress(ImportError):  # the tests of other Pythons and of the lowest versions go without it
    import torch

    torch.set_num_threads(1)
# On a developer's machine every run draws anew; what decides whether a change lands does not.
DECIDES = "CI" in os.environ
settings.register_profile(
    "handgrad", deadline=None, max_examples=25 if DECIDES else 40, derandomize=DECIDES
)
settings.load_profile("handgrad")


@pytest.hookimpl(optionalhook=True, wrapper=True)  # the tests of other Pythons go without xdist
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One process more than there are processors: some tests wait for a browser, a server or a clock."""
    processors = yield
    return processors if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else processors + 1


def pytest_runtest_setup() -> None:
    """A program that handgrad writes for PyTorch sets the precision of the process in which a test runs it."""
    with suppress(NameError):  # without PyTorch
        torch.set_default_dtype(torch.float32)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("sweep"):
            item.add_marker(pytest.mark.timeout(0))


def pytest_collection_finish() -> None:
    """What is imported and collected stays: the garbage collector need not look at it again and again."""
    gc.freeze()
