"""One thread for torch: the tests run in parallel processes."""

from __future__ import annotations

import os

import torch
from hypothesis import settings

torch.set_num_threads(1)
# On a developer's machine every run draws anew; what decides whether a change lands does not.
settings.register_profile(
    "handgrad", deadline=None, max_examples=40, derandomize="CI" in os.environ
)
settings.load_profile("handgrad")
