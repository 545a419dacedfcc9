"""Arrays of state dicts and .safetensors files. Nothing in them is run: of a pickle only numbers are taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.errors import MissingExtraError, NumberError, nearest

SAFE_TYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U8": np.uint8,
}  # fmt: skip
"""By what a .safetensors file calls a type of number, NumPy's; BF16 is read as the upper half of a F32."""


def from_state_dict(path: Path, name: str, where: str) -> Any:
    """The array of this name in a state dict that `torch.save` wrote; read by `torch.load(weights_only=True)` alone.

    Raises `NumberError` for a file that holds anything else, or has no such array.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"reading {path.name} needs torch", mend="pip install 'handgrad[torch]'"
        ) from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception:
        raise NumberError(
            f"{path.name} holds no state dict of numbers alone, and nothing else is opened",
            where=where,
            mend="torch.save(model.state_dict(), path)",
        ) from None
    if isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    arrays = (
        {k: v for k, v in found.items() if isinstance(v, torch.Tensor)}
        if isinstance(found, Mapping)
        else {}
    )
    tensor = _known(arrays, name, path, where).detach()
    return (tensor.double() if tensor.is_floating_point() else tensor).numpy()


def from_safetensors(path: Path, name: str, where: str) -> Any:
    """The array of this name in a .safetensors file: a header in JSON, then the numbers as they lie in memory."""
    import json  # Here: a file of weights is rare, and every command would wait for it.

    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            if length > 100_000_000:
                raise ValueError
            header = json.loads(file.read(length))
            told = _known(
                {k: v for k, v in header.items() if k != "__metadata__"}, name, path, where
            )
            start, stop = told["data_offsets"]
            file.seek(8 + length + start)
            raw = file.read(stop - start)
            return _numbers(told["dtype"], raw).reshape(told["shape"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NumberError(
                f"{path.name} is damaged, or no .safetensors file", where=where
            ) from None


def _numbers(kind: str, raw: bytes) -> Any:
    if kind == "BF16":
        return (np.frombuffer(raw, dtype="<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, dtype=np.dtype(SAFE_TYPES[kind]).newbyteorder("<"))


def _known(arrays: Mapping[str, Any], name: str, path: Path, where: str) -> Any:
    if name not in arrays:
        what = f"{path.name} has no array {name}" if name else f"{path.name} holds several arrays"
        raise NumberError(
            what,
            where=where,
            mend=nearest(name, arrays)
            or f'name one: array = "…"; it has {", ".join([*arrays][:8]) or "none"}',
        )
    return arrays[name]
