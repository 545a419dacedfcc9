"""How each library spells the calls that kernels make: names only, no rule of calculus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """The spelling of one library.

    `functions` are those called otherwise than `prefix` and their recorded name; `keywords` the
    arguments by other names. `setting` writes g into a part of zeros, `number` a number that a function takes as an array;
    `flipped` turns axes round.
    """

    name: str
    prefix: str
    header: tuple[str, ...]
    array: str
    functions: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, str] = field(default_factory=dict)
    setting: str = "{whole}[{at}] = {part}"
    number: str = "{}"
    transposed_by: str = ""
    larger_than_number: str = ""
    smaller_than_number: str = ""
    flipped: str = "np.flip({}, {})"

    def function(self, recorded: str) -> str:
        """The name under which a recorded function is called."""
        return self.functions.get(recorded, f"{self.prefix}.{recorded}")


NUMPY = Dialect(
    name="numpy",
    prefix="np",
    header=("import numpy as np",),
    array="np.array({})",
    functions={
        "absolute": "np.abs",
        "concat": "np.concatenate",
        "permute_dims": "np.transpose",
        "each_erf": "erf",
        "linalg_det": "np.linalg.det",
        "linalg_inv": "np.linalg.inv",
        "each_erfc": "erfc",
    },
)

TORCH = Dialect(
    name="torch",
    prefix="torch",
    header=("import torch", "", "torch.set_default_dtype(torch.float64)"),
    array="torch.tensor({})",
    number="torch.tensor({})",
    functions={
        "absolute": "torch.abs",
        "max": "torch.amax",
        "min": "torch.amin",
        "permute_dims": "torch.permute",
        "expand_dims": "torch.unsqueeze",
        "each_erf": "torch.special.erf",
        "linalg_det": "torch.linalg.det",
        "linalg_inv": "torch.linalg.inv",
        "each_erfc": "torch.special.erfc",
    },
    keywords={"axis": "dim", "keepdims": "keepdim"},
    transposed_by="torch.permute",
    larger_than_number="torch.clamp({}, min={})",
    smaller_than_number="torch.clamp({}, max={})",
    flipped="torch.flip({}, {})",
)

JAX = Dialect(
    name="jax",
    prefix="jnp",
    header=(
        "import jax",
        "import jax.numpy as jnp",
        "",
        'jax.config.update("jax_enable_x64", True)',
    ),
    array="jnp.array({})",
    functions={
        "absolute": "jnp.abs",
        "concat": "jnp.concatenate",
        "permute_dims": "jnp.transpose",
        "each_erf": "jax.scipy.special.erf",
        "linalg_det": "jnp.linalg.det",
        "linalg_inv": "jnp.linalg.inv",
        "each_erfc": "jax.scipy.special.erfc",
    },
    setting="{whole} = {whole}.at[{at}].set({part})",
    flipped="jnp.flip({}, {})",
)

DIALECTS: Mapping[str, Dialect] = {d.name: d for d in (NUMPY, TORCH, JAX)}
