"""One thread for torch: the tests run in parallel processes."""

from __future__ import annotations

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("handgrad", deadline=None, max_examples=40)
settings.load_profile("handgrad")
